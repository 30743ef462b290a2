// SPDX-License-Identifier: Apache-2.0

// Package client speaks the console API of a Landed server, typed.
//
// Parties: otactl, the demo and tests on this side; the console of a server on the other. It
// promises that every refusal of the server arrives as an [*Error] with its stable code, its
// words and all findings, that uploads stream and are not begun before the server agreed to
// take them, and that answers are bounded. The shapes are its own: with those of the server
// they are pinned by tests of one against the other. It refuses to carry a token to another
// address that a server points to, and to try anything twice on its own.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer: a request for signatures is the largest, 32 MiB.
const maxAnswer = 64 << 20

// Client speaks to one server in the name of one token. It may be used by many goroutines.
type Client struct {
	base  string // without a slash at the end
	token string
	http  *http.Client
	limit int64 // of an answer
}

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
		h = &http.Client{Transport: transport()}
	}
	own := *h
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{strings.TrimRight(base, "/"), token, &own, maxAnswer}, nil
}

// transport waits long for an answer, as a large package may still be on its way to the disk,
// but not for ever.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	t.ExpectContinueTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = 10 * time.Minute
	return t
}

// URL is the address of the server.
func (c *Client) URL() string { return c.base }

// get asks for path and decodes the answer.
func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.call(ctx, http.MethodGet, path, nil, into)
}

// post sends v as JSON; nil sends nothing.
func (c *Client) post(ctx context.Context, path string, v, into any) error {
	var body []byte
	if v != nil {
		var err error
		if body, err = json.Marshal(v); err != nil {
			return err
		}
	}
	return c.call(ctx, http.MethodPost, path, body, into)
}

func (c *Client) call(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := c.request(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.do(req, into)
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", "landed-client")
	return req, nil
}

// do sends req. A *[]byte takes the answer as it came, everything else is decoded from JSON;
// fields that a newer server adds are passed over.
func (c *Client) do(req *http.Request, into any) error {
	resp, err := c.http.Do(req)
	if err != nil {
		if cause := req.Context().Err(); cause != nil {
			return cause
		}
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // its words repeat the URL
		}
		return &Unreachable{c.base, err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.limit+1))
	switch {
	case err != nil:
		return &Unreachable{c.base, fmt.Errorf("the answer broke off: %w", err)}
	case int64(len(body)) > c.limit:
		return foreign(resp, fmt.Sprintf("The answer is larger than %d bytes.", c.limit))
	case resp.StatusCode/100 != 2:
		return refusal(resp, body)
	}
	switch into := into.(type) {
	case nil:
		return nil
	case *[]byte:
		*into = body
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return foreign(resp, fmt.Sprintf("The answer to %s %s cannot be read (%v): %s", req.Method, req.URL.Path, err,
			excerpt(body)))
	}
	return nil
}
