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
	Became  string     `json:"became,omitempty"`  // only from AddModels: "added", "changed", "returned", "unchanged"
}

// Channel is a name under which packages and offers stand apart from others.
type Channel struct {
	Name string    `json:"name"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

type models struct {
	Models []Model `json:"models"`
}

// Models lists all models, retired ones too.
func (c *Client) Models(ctx context.Context) ([]Model, error) {
	var a models
	err := c.get(ctx, "/v1/models", &a)
	return a.Models, err
}

// Model gives one model, by its device or role name.
func (c *Client) Model(ctx context.Context, name string) (Model, error) {
	var m Model
	err := c.get(ctx, "/v1/models/"+url.PathEscape(name), &m)
	return m, err
}

// AddModels adds the models of a catalogue file, all or none: source is its YAML, as manifests.ParseCatalogue reads it.
// reason may be empty.
func (c *Client) AddModels(ctx context.Context, source []byte, reason string) ([]Model, error) {
	in := struct {
		Source string `json:"source"`
		Reason string `json:"reason"`
	}{string(source), reason}
	var a models
	err := c.post(ctx, "/v1/models", in, &a)
	return a.Models, err
}

// RetireModel takes a model out of service: it takes no packages and no releases any more.
func (c *Client) RetireModel(ctx context.Context, name, reason string) error {
	q := url.Values{"reason": {reason}}
	return c.call(ctx, http.MethodDelete, "/v1/models/"+url.PathEscape(name)+"?"+q.Encode(), nil, nil)
}

// Channels lists all channels.
func (c *Client) Channels(ctx context.Context) ([]Channel, error) {
	var a struct {
		Channels []Channel `json:"channels"`
	}
	err := c.get(ctx, "/v1/channels", &a)
	return a.Channels, err
}

// AddChannel adds a channel; one that is there stays as it is. reason may be empty.
func (c *Client) AddChannel(ctx context.Context, name, reason string) (Channel, error) {
	in := struct {
		Name   string `json:"name"`
		Reason string `json:"reason"`
	}{name, reason}
	var ch Channel
	err := c.post(ctx, "/v1/channels", in, &ch)
	return ch, err
}

// PromotePackage takes the bytes of a package to another channel, where they are judged again. model "" is every model
// of these bytes; reason may be empty. A package that is there already comes back as Known.
func (c *Client) PromotePackage(ctx context.Context, sha256, to, model, reason string) (Package, error) {
	in := struct {
		To     string `json:"to"`
		Model  string `json:"model"`
		Reason string `json:"reason"`
	}{to, model, reason}
	var p Package
	err := c.post(ctx, "/v1/packages/"+url.PathEscape(sha256)+"/promote", in, &p)
	return p, err
}
