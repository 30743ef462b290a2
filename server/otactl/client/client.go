// SPDX-License-Identifier: Apache-2.0

// Package client speaks the console API of a Landed server, typed.
//
// Parties: otactl, the demo and tests on this side; the console of a server on the other. It
// promises that every refusal of the server arrives as an [*Error] with its stable code, its
// words and all findings, that uploads stream and are not begun before the server agreed to
// take them, and that answers are bounded. The shapes are its own: with those of the server
// they are pinned by tests of one against the other. It refuses to carry a token to another
// address that a server points to, and to try anything twice on its own.
//
// First [New]; then what can be asked stands with each kind of thing that a server keeps: c.Packages().List(ctx).
package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Client speaks to one server in the name of one token. It may be used by many goroutines.
type Client struct{ t *transport }

// New makes a client of the server at base, such as "https://ota.example.org". Without a
// token only servers that want none answer. A nil h is one with timeouts that suit uploads.
func New(base, token string, h *http.Client) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" ||
		u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("the URL of the server is %q; wanted one such as https://ota.example.org or "+
			"http://127.0.0.1:8080", base)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the token holds spaces or characters that no token has; was more than the token copied?")
	}
	if h == nil {
		h = &http.Client{Transport: patient()}
	}
	own := *h
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{&transport{strings.TrimRight(base, "/"), token, &own, maxAnswer}}, nil
}

// URL is the address of the server.
func (c *Client) URL() string { return c.t.base }

// Packages: uploaded OTA files.
func (c *Client) Packages() Packages { return Packages{t: c.t} }

// Releases: what binds packages to notes and an effect.
func (c *Client) Releases() Releases { return Releases{c.t} }

// Changes: metadata that waits for signatures.
func (c *Client) Changes() Changes { return Changes{c.t} }

// Trust: the roots, and who signs.
func (c *Client) Trust() Trust { return Trust{c.t} }

// Evidence: what observers and witnesses signed.
func (c *Client) Evidence() Evidence { return Evidence{c.t} }

// Rollouts: releases on their way to models.
func (c *Client) Rollouts() Rollouts { return Rollouts{c.t} }

// Models: the devices that are served.
func (c *Client) Models() Models { return Models{c.t} }

// Channels: the names under which packages and offers stand apart.
func (c *Client) Channels() Channels { return Channels{c.t} }

// KnownIssues: what people know of some installations.
func (c *Client) KnownIssues() KnownIssues { return KnownIssues{c.t} }

// Fleet: who counts.
func (c *Client) Fleet() Fleet { return Fleet{c.t} }

// Tokens: who may enter.
func (c *Client) Tokens() Tokens { return Tokens{c.t} }

// Proposals: what waits for a second person.
func (c *Client) Proposals() Proposals { return Proposals{c.t} }

// Restore: what the server says of a database that was restored from a backup.
func (c *Client) Restore() Restore { return Restore{c.t} }

// Clock: that of the server, and if it is believed.
func (c *Client) Clock() Clock { return Clock{c.t} }

// Audit: who did what, when and why.
func (c *Client) Audit() Audit { return Audit{c.t} }
