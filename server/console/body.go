// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"landed/manifests/strict"
	"landed/server/fleet"
)

// maxJSON bounds what is no package: a bundle with its signatures is the largest.
const maxJSON = 32 << 20

// query is what stands behind the question mark, if it is no more than the fields that a door knows, each
// once: a misspelt channel must not become the usual one.
func query(r *http.Request, fields ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fleet.Errorf(fleet.Invalid, "query", "what follows the ? in the address cannot be read; "+
			"wanted name=value, joined by &")
	}
	for name, values := range q {
		if !slices.Contains(fields, name) {
			return nil, fleet.Errorf(fleet.Invalid, "query", "the address holds the field %q, which is not known here; "+
				"wanted %s", name, strings.Join(fields, " or "))
		}
		if len(values) > 1 {
			return nil, fleet.Errorf(fleet.Invalid, "query", "the address holds the field %s %d times; give it once", name,
				len(values))
		}
	}
	return q, nil
}

// body reads a request body of JSON up to maxJSON. A sender that does not say what it sends is believed
// to send that.
func body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if parsed, _, err := mime.ParseMediaType(kind); err != nil || parsed != "application/json" {
			return nil, fleet.Errorf(fleet.Invalid, "content_type", "the body is said to be %q; wanted application/json", kind)
		}
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
	if err != nil {
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return nil, err
		}
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "truncated", Msg: "the body did not arrive whole; " +
			"send it again", Err: err}
	}
	return text, nil
}

// read decodes a body of one JSON value and refuses unknown fields.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	if err := strict.JSON(text, into); err != nil {
		return &fleet.Error{Kind: fleet.Invalid, Code: "json", Msg: "the body is not the JSON that is wanted here: " +
			err.Error()}
	}
	return nil
}

// orEmpty is s as a list of JSON, never null.
func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
