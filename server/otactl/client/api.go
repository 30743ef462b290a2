// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"landed/manifests/tufrepo"
)

// Packages lists all packages, newest first.
func (c *Client) Packages(ctx context.Context) ([]Package, error) {
	var a struct {
		Packages []Package `json:"packages"`
	}
	err := c.get(ctx, "/v1/packages", &a)
	return a.Packages, err
}

// CreateRelease declares a release: source is its YAML, packages the Ref of one package
// per model and variant.
func (c *Client) CreateRelease(ctx context.Context, source []byte, packages []string) (Release, error) {
	in := struct {
		Source   string   `json:"source"`
		Packages []string `json:"packages"`
	}{string(source), packages}
	var r Release
	err := c.post(ctx, "/v1/releases", in, &r)
	return r, err
}

// RemovePackage takes out a package that no release names, with its bytes if no other
// has them; reason may be empty.
func (c *Client) RemovePackage(ctx context.Context, p Package, reason string) error {
	q := url.Values{"model": {p.Model}, "channel": {p.Channel}}
	if reason != "" {
		q.Set("reason", reason)
	}
	return c.call(ctx, http.MethodDelete, "/v1/packages/"+url.PathEscape(p.SHA256)+"?"+q.Encode(), nil, nil)
}

// Releases lists all releases, newest first.
func (c *Client) Releases(ctx context.Context) ([]Release, error) {
	var a struct {
		Releases []Release `json:"releases"`
	}
	err := c.get(ctx, "/v1/releases", &a)
	return a.Releases, err
}

// Release gives one release with its source.
func (c *Client) Release(ctx context.Context, name string) (Release, error) {
	var r Release
	err := c.get(ctx, "/v1/releases/"+url.PathEscape(name), &r)
	return r, err
}

// DropRelease gives up a release that is not published. Its name and counter are free again.
func (c *Client) DropRelease(ctx context.Context, name, reason string) error {
	return c.call(ctx, http.MethodDelete,
		"/v1/releases/"+url.PathEscape(name)+"?"+url.Values{"reason": {reason}}.Encode(), nil, nil)
}

// Stage makes the metadata of a release, for the signers.
func (c *Client) Stage(ctx context.Context, release string) (Change, error) {
	var ch Change
	err := c.post(ctx, "/v1/releases/"+url.PathEscape(release)+"/stage", nil, &ch)
	return ch, err
}

// Changes lists those that wait for signatures, oldest first.
func (c *Client) Changes(ctx context.Context) ([]Change, error) {
	var a struct {
		Changes []Change `json:"changes"`
	}
	err := c.get(ctx, "/v1/changes", &a)
	return a.Changes, err
}

// Change tells how far the signing of one change is.
func (c *Client) Change(ctx context.Context, id string) (Change, error) {
	var ch Change
	err := c.get(ctx, "/v1/changes/"+url.PathEscape(id), &ch)
	return ch, err
}

// ChangeRequest gives the request bundle for the signers (tufrepo.Request), byte for byte as
// it was staged.
func (c *Client) ChangeRequest(ctx context.Context, id string) ([]byte, error) {
	var text []byte
	err := c.get(ctx, "/v1/changes/"+url.PathEscape(id)+"/request", &text)
	return text, err
}

// SendResponse hands in what a signer sent back (tufrepo.Response). At the threshold of every
// role the server publishes, and the Change that is returned says so.
func (c *Client) SendResponse(ctx context.Context, id string, response []byte) (Change, error) {
	var ch Change
	err := c.call(ctx, http.MethodPost, "/v1/changes/"+url.PathEscape(id)+"/response", response, &ch)
	return ch, err
}

// DropChange gives an open change up; its release can be staged again.
func (c *Client) DropChange(ctx context.Context, id, reason string) error {
	return c.call(ctx, http.MethodDelete, "/v1/changes/"+url.PathEscape(id)+"?"+url.Values{"reason": {reason}}.Encode(),
		nil, nil)
}

// ImportTrust hands in signed offline metadata; what changed is told in words.
func (c *Client) ImportTrust(ctx context.Context, bundle tufrepo.Bundle) ([]string, error) {
	var a struct {
		Changed []string `json:"changed"`
	}
	err := c.call(ctx, http.MethodPost, "/v1/trust", bundle.Bytes(), &a)
	return a.Changed, err
}

// Trust tells, by role, when each published role expires.
func (c *Client) Trust(ctx context.Context) (map[string]time.Time, error) {
	a, err := c.TrustStatus(ctx)
	return a.Expires, err
}

// TrustStatus is what is published: when each role expires, and who signs those that people sign.
type TrustStatus struct {
	Expires map[string]time.Time `json:"expires"` // by role
	Roles   []TrustRole          `json:"roles"`   // root, targets, then the models
}

// TrustStatus tells when each role expires, and who signs.
func (c *Client) TrustStatus(ctx context.Context) (TrustStatus, error) {
	var a TrustStatus
	err := c.get(ctx, "/v1/trust", &a)
	return a, err
}

// StartRollout lets a published release go to models; none means every model of it. channel ""
// is stable, no stages are the server's default ones.
func (c *Client) StartRollout(
	ctx context.Context, release string, models []string, channel string, stages []Stage,
) ([]Rollout, error) {
	in := struct {
		Release string   `json:"release"`
		Models  []string `json:"models"`
		Channel string   `json:"channel"`
		Stages  []Stage  `json:"stages"`
	}{release, models, channel, stages}
	var a rollouts
	err := c.post(ctx, "/v1/rollouts", in, &a)
	return a.Rollouts, err
}

type rollouts struct {
	Rollouts []Rollout `json:"rollouts"`
}

// Rollouts lists all rollouts.
func (c *Client) Rollouts(ctx context.Context) ([]Rollout, error) {
	var a rollouts
	err := c.get(ctx, "/v1/rollouts", &a)
	return a.Rollouts, err
}

// Rollout gives one rollout.
func (c *Client) Rollout(ctx context.Context, id string) (Rollout, error) {
	var r Rollout
	err := c.get(ctx, "/v1/rollouts/"+url.PathEscape(id), &r)
	return r, err
}

// Halt stops a rollout at once: handsets that have not begun do not begin.
func (c *Client) Halt(ctx context.Context, id, reason string) (Rollout, error) {
	return c.turn(ctx, id, "halt", reason)
}

// Resume lets a held or halted rollout go on.
func (c *Client) Resume(ctx context.Context, id, reason string) (Rollout, error) {
	return c.turn(ctx, id, "resume", reason)
}

func (c *Client) turn(ctx context.Context, id, how, reason string) (Rollout, error) {
	in := struct {
		Reason string `json:"reason"`
	}{reason}
	var r Rollout
	err := c.post(ctx, fmt.Sprintf("/v1/rollouts/%s/%s", url.PathEscape(id), how), in, &r)
	return r, err
}

// Audit reads the trail, newest first: up to limit entries (1…500) that are older than before
// (0: from the end), or, with a subject, the newest of that subject alone. The second value is
// where to go on, 0 at the end.
func (c *Client) Audit(ctx context.Context, subject string, before int64, limit int) ([]AuditEntry, int64, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if subject != "" {
		q.Set("subject", subject)
	} else if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	var a struct {
		Entries []AuditEntry `json:"entries"`
		Before  int64        `json:"before"`
	}
	err := c.get(ctx, "/v1/audit?"+q.Encode(), &a)
	return a.Entries, a.Before, err
}

// Tokens lists who may enter, without secrets.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var a struct {
		Tokens []Token `json:"tokens"`
	}
	err := c.get(ctx, "/v1/tokens", &a)
	return a.Tokens, err
}

// AddToken makes a token; its secret is in the answer and nowhere else.
func (c *Client) AddToken(ctx context.Context, name, role string) (Token, error) {
	in := struct {
		Name string `json:"name"`
		Role string `json:"role"`
	}{name, role}
	var t Token
	err := c.post(ctx, "/v1/tokens", in, &t)
	return t, err
}

// RemoveToken withdraws a token.
func (c *Client) RemoveToken(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, "/v1/tokens/"+url.PathEscape(name), nil, nil)
}
