// SPDX-License-Identifier: Apache-2.0

package client

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"landed/manifests/otapkg"
)

// Error is a refusal of the server: problem+json (RFC 9457), as a Go error.
type Error struct {
	Status   int             `json:"status"`
	Code     string          `json:"code"` // stable, for programs
	Title    string          `json:"title"`
	Detail   string          `json:"detail"`             // for people: found, wanted, what next
	Request  string          `json:"request,omitempty"`  // to be named to whoever runs the server
	Proposal string          `json:"proposal,omitempty"` // of what waits for a second person
	Findings otapkg.Findings `json:"findings,omitempty"` // of a refused package: all
}

// Error gives the words for people.
func (e *Error) Error() string {
	switch {
	case e.Detail != "":
		return e.Detail
	case e.Title != "":
		return e.Title
	}
	return e.Code
}

// Unreachable says that no answer came.
type Unreachable struct {
	URL string // of the server, as given to New
	Err error
}

func (e *Unreachable) Error() string { return fmt.Sprintf("no answer from %s: %v", e.URL, e.Err) }

// Unwrap gives the cause.
func (e *Unreachable) Unwrap() error { return e.Err }

// refusal reads the answer to a request that was not granted. An answer that is no problem
// document comes from something else than the server: a proxy, or another program.
func refusal(resp *http.Response, body []byte) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	e := &Error{}
	if kind == "application/problem+json" && json.Unmarshal(body, e) == nil && e.Code != "" {
		e.Status = resp.StatusCode
		return e
	}
	if to := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && to != "" {
		e = foreign(resp, fmt.Sprintf("The answer was %s to %s. A token is not carried to another address: "+
			"name that address as the URL of the server, if it is the right one.", resp.Status, to))
		e.Code = "redirected"
		return e
	}
	return foreign(resp, fmt.Sprintf("The answer was %q and no problem document, so it is not from a Landed server: %s",
		resp.Status, excerpt(body)))
}

func foreign(resp *http.Response, detail string) *Error {
	return &Error{Status: resp.StatusCode, Code: "foreign_answer", Title: "Not the answer of a Landed server",
		Detail: detail}
}

// excerpt is the start of a foreign answer in one line without control characters.
func excerpt(body []byte) string {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(body[:min(len(body), 120)]), "?"))
	return fmt.Sprintf("%q", strings.Join(strings.Fields(text), " "))
}
