// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// kinds tells the files that people carry apart, by a field that only one of them has. parser is what
// errors of reading one begin with.
var kinds = []struct{ field, name, parser string }{
	{"payloadType", "a report", "signed report"},
	{"trusted", "a signing request", "signing request"},
	{"signed", "one metadata file of the feed", ""},
	{"signatures", "a response", "signing response"},
	{"files", "a trust file", "bundle"},
	{"keyid", "the public half of a key", "public key file"},
	{"timestamp", "an online.json with the server's public keys", "online keys"},
	{"builds", "an effect document", "effect document"},
	{"ask", "a handset manifest", "release manifest"},
	{"notes", "notes of a release", "notes"},
}

// kindOf says in words what a file is, "" if it is none that this program knows. It judges nothing:
// it is for people who named one file for another.
func kindOf(text []byte) string {
	switch text = bytes.TrimSpace(text); {
	case bytes.HasPrefix(text, []byte("-----BEGIN AGE ENCRYPTED FILE-----")):
		return "a key file"
	case bytes.Contains(text, []byte("-----BEGIN CERTIFICATE-----")):
		return "a certificate"
	case bytes.HasPrefix(text, []byte("-----BEGIN ")):
		return "a PEM file"
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return "a package"
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return ""
	}
	for _, k := range kinds {
		if _, ok := fields[k.field]; ok {
			return k.name
		}
	}
	return ""
}

// parseError is the error of a file that could not be parsed. It says if the file is of another kind than
// the one that is wanted; if it is of that kind, it was altered.
func parseError(path string, text []byte, err error) error {
	found, wanted := kindOf(text), ""
	for _, k := range kinds {
		if k.parser != "" && strings.HasPrefix(err.Error(), k.parser) {
			wanted = k.name
		}
	}
	switch {
	case found == "" || wanted == "":
		return fmt.Errorf("%s: %w", path, err)
	case found == wanted:
		return fmt.Errorf("%s was altered or damaged; get it again from who made it: %w", path, err)
	}
	return fmt.Errorf("%s is %s; wanted %s", path, found, wanted)
}

// wants is how many arguments a command takes, told by their names: the last may end in "...".
func wants(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		last := names[len(names)-1]
		switch {
		case len(args) < len(names):
			return fmt.Errorf("name the %s: otasign %s", strings.TrimSuffix(names[len(args)], "..."), c.Use)
		case len(args) > len(names) && !strings.HasSuffix(last, "..."):
			return fmt.Errorf("%q is too much: otasign %s", args[len(names)], c.Use)
		}
		return nil
	}
}
