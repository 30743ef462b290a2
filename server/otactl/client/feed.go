// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
)

// maxMetadata bounds a file of metadata.
const maxMetadata = 8 << 20

// Metadata is a file below /tuf/metadata/ as the server publishes it, such as "7.snapshot.json"; fs.ErrNotExist if there is
// none. It is public, and asked for without the token.
func (c *Client) Metadata(ctx context.Context, name string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.t.base+"/tuf/metadata/"+name, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.t.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	default:
		return nil, fmt.Errorf("the server answers %s for %s; try again", resp.Status, name)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxMetadata+1))
	if err == nil && len(text) > maxMetadata {
		err = fmt.Errorf("%s has more than %d bytes", name, maxMetadata)
	}
	return text, err
}
