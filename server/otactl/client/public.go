// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
)

// Public opens what the server gives to everybody under a path, such as "/tally.json"; fs.ErrNotExist if there is nothing.
// It is asked for without the token. The caller closes it.
func (c *Client) Public(ctx context.Context, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.t.base+path, nil)
	if err != nil {
		return nil, err
	}
	return c.open(req, path)
}

// TallyEvidence opens all that the newest tally was counted from, which takes the token of an admin. The caller closes it.
func (c *Client) TallyEvidence(ctx context.Context) (io.ReadCloser, error) {
	req, err := c.t.request(ctx, http.MethodGet, "/v1/tally/evidence", nil)
	if err != nil {
		return nil, err
	}
	return c.open(req, "/v1/tally/evidence")
}

func (c *Client) open(req *http.Request, path string) (io.ReadCloser, error) {
	resp, err := c.t.http.Do(req)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return resp.Body, nil
	case http.StatusNotFound:
		err = fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	default:
		err = fmt.Errorf("the server answers %s for %s; try again", resp.Status, path)
	}
	resp.Body.Close()
	return nil, err
}
