// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"landed/manifests"
)

// Model is a device that the server serves, or did.
type Model struct {
	manifests.Model
	By      string     `json:"by"`
	At      time.Time  `json:"at"`
	Retired *time.Time `json:"retired,omitempty"` // nil while it takes packages and releases
	Became  string     `json:"became,omitempty"`  // only from Models.Add: "added", "changed", "returned", "unchanged"
}

// Models are the devices of a server.
type Models struct{ t *transport }

type models struct {
	Models []Model `json:"models"`
}

// List gives all models, retired ones too.
func (m Models) List(ctx context.Context) ([]Model, error) {
	var a models
	err := m.t.get(ctx, "/v1/models", &a)
	return a.Models, err
}

// Get gives one model, by its device or role name.
func (m Models) Get(ctx context.Context, name string) (Model, error) {
	var one Model
	err := m.t.get(ctx, "/v1/models/"+url.PathEscape(name), &one)
	return one, err
}

// Add adds the models of a catalogue file, all or none: source is its YAML, as manifests.ParseCatalogue reads it. reason
// may be empty.
func (m Models) Add(ctx context.Context, source []byte, reason string) ([]Model, error) {
	in := struct {
		Source string `json:"source"`
		Reason string `json:"reason"`
	}{string(source), reason}
	var a models
	err := m.t.post(ctx, "/v1/models", in, &a)
	return a.Models, err
}

// Retire takes a model out of service: it takes no packages and no releases any more.
func (m Models) Retire(ctx context.Context, name, reason string) error {
	q := url.Values{"reason": {reason}}
	return m.t.call(ctx, http.MethodDelete, "/v1/models/"+url.PathEscape(name)+"?"+q.Encode(), nil, nil)
}
