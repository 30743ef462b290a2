// SPDX-License-Identifier: Apache-2.0

// Package shelf is the document of the files that lie beside the feed for the updaters of others: see manifests.Protocol.
//
// Parties: the server writes one Document per model and channel, as the TUF target offers/<role>/<channel>.legacy.json, in
// the publication that changes the offers; every server of the feed puts its files into the folder, byte for byte; whoever
// checks a folder reads it again. Handsets that know the feed do not fetch it.
//
// It promises that files are whole in it, so that programs of two versions never write two forms of one file, and that a
// name leads to nothing but its text or one signed package of the model. It refuses paths with anything to climb by, and
// types that a browser would run.
package shelf

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/strict"
	"landed/manifests/tufrepo"
)

// Schema is the version of the document that is written and read.
const Schema = 1

const (
	maxFiles = 500
	maxText  = 64 << 10 // bytes of one file
	maxPath  = 300      // bytes
	// MaxDocument bounds a document in bytes.
	MaxDocument = 1 << 20
)

// Suffix is what the target path of a document ends in, behind the channel: no channel has a dot in its name.
const Suffix = ".legacy.json"

// The content types that a file may have.
const (
	JSON    = "application/json"
	Text    = "text/plain; charset=utf-8"
	Package = "application/zip"
	Binary  = "application/octet-stream"
)

var types = []string{JSON, Text, Package, Binary}

// Document is all files of one model on one channel, by path.
type Document struct {
	Schema  int    `json:"schema"`
	Model   string `json:"model"` // ro.product.device
	Channel string `json:"channel"`
	Files   []File `json:"files"` // by path
}

// File is a file below the folder of the shelf: a text, data that are none, or another name of a signed target.
type File struct {
	Path   string             `json:"path"` // lineageos/stable/api/v1/fuxi/nightly.json
	Type   string             `json:"type"` // content type
	Text   string             `json:"text,omitempty"`
	Data   []byte             `json:"data,omitempty"`   // of type Binary, instead of a text
	Target *manifests.Package `json:"target,omitempty"` // of the model; instead of a text
}

// Content is the bytes of a file that is no target.
func (f File) Content() string {
	if len(f.Data) > 0 {
		return string(f.Data)
	}
	return f.Text
}

// Same says if a file of the same path has the same bytes and type: a target by its digest, whatever its own name is.
func (f File) Same(other File) bool {
	if f.Target != nil && other.Target != nil {
		return f.Type == other.Type && f.Target.SHA256 == other.Target.SHA256
	}
	return f.Type == other.Type && f.Target == other.Target && f.Content() == other.Content()
}

// Path is the target path of the document of a model and channel.
func Path(modelRole, channel string) string { return "offers/" + modelRole + "/" + channel + Suffix }

// Is says if a target path is that of such a document, and not of an offers document.
func Is(path string) bool {
	return strings.HasPrefix(path, "offers/") && strings.HasSuffix(path, Suffix)
}

var plainPath = regexp.MustCompile(`^[A-Za-z0-9_+-][A-Za-z0-9._+-]*(/[A-Za-z0-9_+-][A-Za-z0-9._+-]*){1,9}$`)

// New is a document of files, which it sorts.
func New(model, channel string, files []File) Document {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return Document{Schema: Schema, Model: model, Channel: channel, Files: files}
}

// Bytes marshals d; Parse(d.Bytes()) gives d again.
func (d Document) Bytes() []byte {
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		panic(err) // closed fields: it cannot fail
	}
	return append(text, '\n')
}

// Parse reads a document strictly, and checks it.
func Parse(text []byte) (Document, error) {
	var d Document
	if len(text) > MaxDocument {
		return d, fmt.Errorf("files for other updaters: %d bytes, wanted at most %d", len(text), MaxDocument)
	}
	err := strict.JSON(text, &d)
	if err == nil {
		err = d.Validate()
	}
	if err != nil {
		return Document{}, fmt.Errorf("files for other updaters: %w", err)
	}
	return d, nil
}

// Validate returns every fault of d, joined.
func (d Document) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(d.Schema != Schema, "schema is %d, this program reads %d", d.Schema, Schema)
	fault(!manifests.ValidDevice(d.Model), "model %.50q is not a device name", d.Model)
	fault(!manifests.ValidChannel(d.Channel), "channel %.50q is not the name of a channel", d.Channel)
	fault(len(d.Files) > maxFiles, "%d files, wanted at most %d", len(d.Files), maxFiles)
	role := manifests.Model{Device: d.Model}.Role()
	for i, f := range d.Files {
		fault(i > 0 && d.Files[i-1].Path >= f.Path, "file %.80q: wanted each path once, and in order", f.Path)
		faults = append(faults, f.faults(role)...)
	}
	return errors.Join(faults...)
}

func (f File) faults(role string) []error {
	if len(f.Path) > maxPath || !plainPath.MatchString(f.Path) {
		return []error{fmt.Errorf("path %.80q: wanted 2 to 10 segments of letters, digits and . _ + -, none beginning with a dot",
			f.Path)}
	}
	var faults []error
	if !slices.Contains(types, f.Type) {
		faults = append(faults, fmt.Errorf("%s: content type %.50q, wanted one of %q", f.Path, f.Type, types))
	}
	if (f.Content() == "") == (f.Target == nil) || f.Text != "" && len(f.Data) > 0 || len(f.Content()) > maxText {
		faults = append(faults, fmt.Errorf("%s: wanted a text of up to %d bytes, or data, or a target", f.Path, maxText))
	}
	if (len(f.Data) > 0) != (f.Type == Binary) {
		faults = append(faults, fmt.Errorf("%s: wanted data for %s, and for nothing else", f.Path, Binary))
	}
	if f.Target != nil {
		if tufrepo.CheckPath(f.Target.Path) != nil || !strings.HasPrefix(f.Target.Path, "builds/"+role+"/") {
			faults = append(faults, fmt.Errorf("%s: the target %.100q is no build of %s", f.Path, f.Target.Path, role))
		}
		faults = append(faults, f.Target.Faults(f.Path+": target")...)
	}
	return faults
}
