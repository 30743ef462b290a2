// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"errors"
	"fmt"
	"time"

	"landed/manifests"
)

// The exchange: files that a person can carry to a machine without a network and back. Bytes
// that were or will be signed stand in them as base64, so that no editor changes them.

const (
	maxRequest  = 32 << 20
	maxResponse = 1 << 20
	maxBundle   = 32 << 20
)

// Request asks people to sign. Its Summary is what the server says; a reviewer recomputes it.
type Request struct {
	Schema  int               `json:"schema"` // 1
	ID      string            `json:"id"`     // of the change, echoed by the Response
	Title   string            `json:"title"`
	Created time.Time         `json:"created"` // UTC, whole seconds
	Summary []string          `json:"summary"`
	Trusted map[string][]byte `json:"trusted"` // by file name, "2.root.json": all roots, and the newest targets and builds
	Roles   []RequestRole     `json:"roles"`   // to be signed, in any order, all or nothing
	// Manifests are, by target path, the documents that become targets: of each model and release the handset manifests
	// (ManifestPath), the effect document (EffectPath) and the notes (NotesPath).
	Manifests map[string][]byte `json:"manifests"`
	Packages  []RequestPackage  `json:"packages"` // new ones
	// Models are the profiles of the models concerned, as the server has them; none in requests of older programs, and in
	// those that only change keys.
	Models []manifests.Model `json:"models,omitempty"`
	// Names are those of the people who hold keys, by key id, as far as the sender knows them. Nothing follows from them.
	Names map[string]string `json:"names,omitempty"`
}

// RequestRole is metadata to be signed, perhaps signed in part.
type RequestRole struct {
	Role     string `json:"role"`
	Metadata []byte `json:"metadata"`
}

// RequestPackage says which package lies behind a target, for a reviewer to find their own copy.
type RequestPackage struct {
	Path    string `json:"path"` // target path
	Name    string `json:"name"` // file name as uploaded
	SHA256  string `json:"sha256"`
	Length  int64  `json:"length"` // bytes
	Model   string `json:"model"`
	Variant string `json:"variant"`
	Channel string `json:"channel"` // that its OTA certificate is pinned for
}

// Response carries one person's signatures back.
type Response struct {
	Schema     int         `json:"schema"`  // 1
	Request    string      `json:"request"` // Request.ID
	Signatures []Signature `json:"signatures"`
}

// ParseRequest reads a request of at most 32 MiB: strictly, its metadata too.
func ParseRequest(text []byte) (Request, error) {
	var r Request
	if err := readFile(text, "signing request", maxRequest, &r); err != nil {
		return Request{}, err
	}
	faults := []error{schemaIs(r.Schema), nonEmpty("id", r.ID)}
	if r.Created != r.Created.UTC().Truncate(time.Second) {
		faults = append(faults, errors.New("created: wanted UTC in whole seconds"))
	}
	_, err := setOf(r.Trusted)
	faults = append(faults, err)
	seen := map[string]bool{}
	for _, role := range r.Roles {
		if _, err := Read(role.Metadata); err != nil {
			faults = append(faults, fmt.Errorf("role %s: %w", role.Role, err))
		}
		if seen[role.Role] {
			faults = append(faults, fmt.Errorf("role %s is asked for twice", role.Role))
		}
		seen[role.Role] = true
		faults = append(faults, CheckRole(role.Role))
	}
	for path := range r.Manifests {
		faults = append(faults, CheckPath(path))
	}
	for _, p := range r.Packages {
		faults = append(faults, CheckPath(p.Path))
		if !segment.MatchString(p.Name) {
			faults = append(faults, fmt.Errorf("package name %.80q: wanted a plain file name", p.Name))
		}
		if !digest.MatchString(p.SHA256) || p.Length < 1 {
			faults = append(faults, fmt.Errorf("package %.80q: wanted its SHA-256 and length", p.Name))
		}
	}
	faults = append(faults, checkNames(r.Names), checkModels(r.Models))
	if err := errors.Join(faults...); err != nil {
		return Request{}, fmt.Errorf("signing request: %w", err)
	}
	return r, nil
}

// TrustedSet is what the request says is published: its offline part.
func (r Request) TrustedSet() (Set, error) { return setOf(r.Trusted) }

// Staged is what the request asks to sign, by role.
func (r Request) Staged() map[string][]byte {
	staged := map[string][]byte{}
	for _, role := range r.Roles {
		staged[role.Role] = role.Metadata
	}
	return staged
}

// Bytes marshals r; ParseRequest gives it again.
func (r Request) Bytes() []byte {
	r.Created = r.Created.UTC().Truncate(time.Second)
	return writeFile(orEmpty(r))
}

func orEmpty(r Request) Request { // the format has empty lists, not null
	if r.Summary == nil {
		r.Summary = []string{}
	}
	if r.Trusted == nil {
		r.Trusted = map[string][]byte{}
	}
	if r.Roles == nil {
		r.Roles = []RequestRole{}
	}
	if r.Manifests == nil {
		r.Manifests = map[string][]byte{}
	}
	if r.Packages == nil {
		r.Packages = []RequestPackage{}
	}
	return r
}

// ParseResponse reads a response of at most 1 MiB. The signatures are not judged.
func ParseResponse(text []byte) (Response, error) {
	var r Response
	if err := readFile(text, "signing response", maxResponse, &r); err != nil {
		return Response{}, err
	}
	faults := []error{schemaIs(r.Schema), nonEmpty("request", r.Request)}
	for _, s := range r.Signatures {
		faults = append(faults, CheckRole(s.Role))
		if !digest.MatchString(s.KeyID) || len(s.Sig) > 512 {
			faults = append(faults, fmt.Errorf("a signature on %s: wanted a key id of 64 hex digits and a short signature",
				s.Role))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return Response{}, fmt.Errorf("signing response: %w", err)
	}
	return r, nil
}

// Bytes marshals r; ParseResponse gives it again.
func (r Response) Bytes() []byte {
	if r.Signatures == nil {
		r.Signatures = []Signature{}
	}
	return writeFile(r)
}

func schemaIs(n int) error {
	if n != 1 {
		return fmt.Errorf("schema is %d, this program reads 1", n)
	}
	return nil
}

func nonEmpty(field, value string) error {
	if value == "" || len(value) > 100 {
		return fmt.Errorf("%s: wanted 1 to 100 characters", field)
	}
	return nil
}
