// SPDX-License-Identifier: Apache-2.0

package library

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"landed/manifests/otapkg"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/repo"
)

// stated answers for bytes that are here already, by what their sender says of them: with the package, or with why they
// do not belong on this channel. Nothing is answered if they must come: because they are not here, not whole, or for a
// model that has not got them yet.
func (l *Library) stated(ctx context.Context, in Incoming) (Uploaded, error) {
	if in.SHA256 == "" {
		return Uploaded{}, nil
	}
	var have []fleet.Package
	err := l.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
		have, err = tx.Packages().BySHA256(ctx, in.SHA256)
		return err
	})
	if err != nil || len(have) == 0 {
		return Uploaded{}, err
	}
	here := onChannel(have, in.Channel)
	if len(here) == 0 {
		return Uploaded{}, elsewhere(have, in.Channel)
	}
	info, err := l.cfg.Blobs.Stat(ctx, blob.Ref(in.SHA256))
	if err != nil || info.Size != here[0].Size {
		return Uploaded{}, nil // lost or damaged: they are wanted again, and Upload says what else is wrong
	}
	var facts otapkg.Facts
	if json.Unmarshal(here[0].Facts, &facts) != nil {
		return Uploaded{}, nil
	}
	for _, t := range identify(l.cfg.Lineup.Catalogue(), facts, in.Name) {
		if !slices.ContainsFunc(here, func(p fleet.Package) bool { return p.Model == t.model.Device }) {
			return Uploaded{}, nil
		}
	}
	return uploaded(here, true), nil
}

// sender remembers what went wrong while its bytes were read.
type sender struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (s *sender) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// receiving tells a sender that broke off, or stood still, from a storage that is full.
func (s *sender) receiving(err error) error {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); s.err == nil || tooLarge {
		return repo.StorageError(err)
	}
	return &fleet.Error{Kind: fleet.Invalid, Code: "truncated", Msg: "the connection broke or stood still before the whole " +
		"file arrived; nothing was stored, send it again", Err: err}
}
