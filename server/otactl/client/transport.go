// SPDX-License-Identifier: Apache-2.0

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
	"time"
)

// maxAnswer bounds what is read of an answer: a request for signatures is the largest, 32 MiB.
const maxAnswer = 64 << 20

// transport carries requests to one server in the name of one token, and decodes the answers. It may be used by many
// goroutines.
type transport struct {
	base  string // without a slash at the end
	token string
	http  *http.Client
	limit int64 // of an answer
}

// patient waits long for an answer, as a large package may still be on its way to the disk,
// but not for ever.
func patient() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	t.ExpectContinueTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = 10 * time.Minute
	return t
}

// get asks for path and decodes the answer.
func (t *transport) get(ctx context.Context, path string, into any) error {
	return t.call(ctx, http.MethodGet, path, nil, into)
}

// post sends v as JSON; nil sends nothing.
func (t *transport) post(ctx context.Context, path string, v, into any) error {
	var body []byte
	if v != nil {
		var err error
		if body, err = json.Marshal(v); err != nil {
			return err
		}
	}
	return t.call(ctx, http.MethodPost, path, body, into)
}

func (t *transport) call(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := t.request(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	return t.do(req, into)
}

func (t *transport) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, t.base+path, body)
	if err != nil {
		return nil, err
	}
	if t.token != "" {
		req.Header.Set("Authorization", "Bearer "+t.token)
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", "landed-client")
	return req, nil
}

// do sends req. A *[]byte takes the answer as it came, everything else is decoded from JSON;
// fields that a newer server adds are passed over.
func (t *transport) do(req *http.Request, into any) error {
	resp, err := t.http.Do(req)
	if err != nil {
		if cause := req.Context().Err(); cause != nil {
			return cause
		}
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // its words repeat the URL
		}
		return &Unreachable{t.base, err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, t.limit+1))
	switch {
	case err != nil:
		return &Unreachable{t.base, fmt.Errorf("the answer broke off: %w", err)}
	case int64(len(body)) > t.limit:
		return foreign(resp, fmt.Sprintf("The answer is larger than %d bytes.", t.limit))
	case resp.StatusCode/100 != 2 || resp.StatusCode == http.StatusAccepted:
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
