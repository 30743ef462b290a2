// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
)

// Package is an uploaded OTA file that nothing refused.
type Package struct {
	SHA256    string          `json:"sha256"` // 64 hex digits
	Name      string          `json:"name"`   // file name as uploaded
	Size      int64           `json:"size"`   // bytes
	Model     string          `json:"model"`  // ro.product.device
	Variant   string          `json:"variant"`
	Channel   string          `json:"channel"`
	Family    string          `json:"family"` // "file", "ab"
	Build     manifests.Build `json:"build"`
	PreBuilds []string        `json:"pre_builds,omitempty"` // source fingerprints of an incremental
	Payload   string          `json:"payload,omitempty"`    // 64 hex digits, SHA-256 of the payload.bin of an A/B package
	Findings  otapkg.Findings `json:"findings"`             // warnings, and what needs approval
	Facts     json.RawMessage `json:"facts,omitempty"`      // otapkg.Facts; only in the answer to an upload
	By        string          `json:"by"`                   // name on the token
	At        time.Time       `json:"at"`
	Known     bool            `json:"known,omitempty"` // only in the answer to an upload: the bytes were here already
	Also      []Package       `json:"also,omitempty"`  // only there: the same file for the other devices that it names
}

// Ref is the identity of a package: the same bytes can be one for several models and channels.
func (p Package) Ref() string { return p.SHA256 + "/" + p.Model + "/" + p.Channel }

// Packages are the packages of a server.
type Packages struct {
	t      *transport
	stated string // SHA-256 of what is uploaded; "" if it is not known before
}

// Stating says before an upload that its bytes have this SHA-256 (64 hex digits): if they are on the server already,
// they are not sent.
func (p Packages) Stating(sha256 string) Packages {
	p.stated = sha256
	return p
}

// List gives all packages, newest first.
func (p Packages) List(ctx context.Context) ([]Package, error) {
	var a struct {
		Packages []Package `json:"packages"`
	}
	err := p.t.get(ctx, "/v1/packages", &a)
	return a.Packages, err
}

// Promote takes the bytes of a package to another channel, where they are judged again. model "" is every model of
// these bytes; reason may be empty. A package that is there already comes back as Known.
func (p Packages) Promote(ctx context.Context, sha256, to, model, reason string) (Package, error) {
	in := struct {
		To     string `json:"to"`
		Model  string `json:"model"`
		Reason string `json:"reason"`
	}{to, model, reason}
	var promoted Package
	err := p.t.post(ctx, "/v1/packages/"+url.PathEscape(sha256)+"/promote", in, &promoted)
	return promoted, err
}

// Remove takes out a package that no release names, with its bytes if no other has them; reason may be empty.
func (p Packages) Remove(ctx context.Context, one Package, reason string) error {
	q := url.Values{"model": {one.Model}, "channel": {one.Channel}}
	if reason != "" {
		q.Set("reason", reason)
	}
	return p.t.call(ctx, http.MethodDelete, "/v1/packages/"+url.PathEscape(one.SHA256)+"?"+q.Encode(), nil, nil)
}
