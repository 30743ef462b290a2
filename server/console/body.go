// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"io"
	"net/http"

	"landed/manifests"
	"landed/server/fleet"
)

// maxJSON bounds what is no package: a bundle with its signatures is the largest.
const maxJSON = 32 << 20

// body reads a request body up to maxJSON.
func body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
	if err != nil {
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return nil, err
		}
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "truncated", Msg: "the body did not arrive whole; send it again", Err: err}
	}
	return text, nil
}

// read decodes a body of one JSON value and refuses unknown fields.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	if err := manifests.StrictJSON(text, into); err != nil {
		return &fleet.Error{Kind: fleet.Invalid, Code: "json", Msg: "the body is not the JSON that is wanted here: " + err.Error()}
	}
	return nil
}
