// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Release is a release and how far it is.
type Release struct {
	Name     string    `json:"name"`
	Counter  int64     `json:"counter"`
	State    string    `json:"state"`            // "draft", "staged" (waits for signatures), "published"
	Packages []string  `json:"packages"`         // Ref of each
	Change   string    `json:"change,omitempty"` // that carries it, once staged
	Source   string    `json:"source,omitempty"` // the YAML as it was sent; only from Get
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// The states of a release, and of a change.
const (
	Draft     = "draft"     // of a release
	Staged    = "staged"    // of a release
	Open      = "open"      // of a change
	Dropped   = "dropped"   // of a change
	Published = "published" // of both
)

// Releases are the releases of a server.
type Releases struct{ t *transport }

// List gives all releases, newest first.
func (r Releases) List(ctx context.Context) ([]Release, error) {
	var a struct {
		Releases []Release `json:"releases"`
	}
	err := r.t.get(ctx, "/v1/releases", &a)
	return a.Releases, err
}

// Get gives one release with its source.
func (r Releases) Get(ctx context.Context, name string) (Release, error) {
	var one Release
	err := r.t.get(ctx, "/v1/releases/"+url.PathEscape(name), &one)
	return one, err
}

// Create declares a release: source is its YAML, packages the Ref of one package per model and variant.
func (r Releases) Create(ctx context.Context, source []byte, packages []string) (Release, error) {
	in := struct {
		Source   string   `json:"source"`
		Packages []string `json:"packages"`
	}{string(source), packages}
	var created Release
	err := r.t.post(ctx, "/v1/releases", in, &created)
	return created, err
}

// Drop gives up a release that is not published. Its name and counter are free again.
func (r Releases) Drop(ctx context.Context, name, reason string) error {
	return r.t.call(ctx, http.MethodDelete,
		"/v1/releases/"+url.PathEscape(name)+"?"+url.Values{"reason": {reason}}.Encode(), nil, nil)
}

// Stage makes the metadata of a release, for the signers.
func (r Releases) Stage(ctx context.Context, name string) (Change, error) {
	var change Change
	err := r.t.post(ctx, "/v1/releases/"+url.PathEscape(name)+"/stage", nil, &change)
	return change, err
}
