// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Change is metadata that waits for signatures of offline keys, or did.
type Change struct {
	ID      string       `json:"id"` // 32 hex digits
	Release string       `json:"release,omitempty"`
	State   string       `json:"state"` // "open", "published", "dropped"
	Roles   []ChangeRole `json:"roles"`
	Words   []string     `json:"words"` // the progress, for people
	At      time.Time    `json:"at"`
}

// ChangeRole is how far the signing of one role is.
type ChangeRole struct {
	Role    string   `json:"role"`
	Version int64    `json:"version"`
	Have    int      `json:"have"` // valid signatures by distinct keys
	Need    int      `json:"need"`
	Signed  []string `json:"signed"`  // key ids
	Missing []string `json:"missing"` // ids of the keys that may sign and have not
	// People, by name, or by the first 12 digits of the key id where no name is known.
	SignedBy    []string `json:"signed_by"`
	MissingFrom []string `json:"missing_from"`
}

// Changes are those that wait for signatures.
type Changes struct{ t *transport }

// List gives those that are open, oldest first.
func (c Changes) List(ctx context.Context) ([]Change, error) {
	var a struct {
		Changes []Change `json:"changes"`
	}
	err := c.t.get(ctx, "/v1/changes", &a)
	return a.Changes, err
}

// Get tells how far the signing of one change is.
func (c Changes) Get(ctx context.Context, id string) (Change, error) {
	var one Change
	err := c.t.get(ctx, "/v1/changes/"+url.PathEscape(id), &one)
	return one, err
}

// Request gives the request bundle for the signers (tufrepo.Request), byte for byte as it was staged.
func (c Changes) Request(ctx context.Context, id string) ([]byte, error) {
	var text []byte
	err := c.t.get(ctx, "/v1/changes/"+url.PathEscape(id)+"/request", &text)
	return text, err
}

// Respond hands in what a signer sent back (tufrepo.Response). At the threshold of every role the server publishes, and
// the Change that is returned says so.
func (c Changes) Respond(ctx context.Context, id string, response []byte) (Change, error) {
	var now Change
	err := c.t.call(ctx, http.MethodPost, "/v1/changes/"+url.PathEscape(id)+"/response", response, &now)
	return now, err
}

// Drop gives an open change up; its release can be staged again.
func (c Changes) Drop(ctx context.Context, id, reason string) error {
	return c.t.call(ctx, http.MethodDelete, "/v1/changes/"+url.PathEscape(id)+"?"+url.Values{"reason": {reason}}.Encode(),
		nil, nil)
}
