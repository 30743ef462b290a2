// SPDX-License-Identifier: Apache-2.0

package otactl_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"landed/manifests/otapkg"
	"landed/server/otactl/client"
)

// shapes are the answers of the console, as the client knows them. Whatever the real server
// answers during the scripts must be one of them, without a field that the client lacks.
var shapes = []struct {
	door *regexp.Regexp
	into func() any
}{
	{regexp.MustCompile(`^GET /v1/packages$`), func() any { return &struct{ Packages *[]client.Package }{} }},
	{regexp.MustCompile(`^POST /v1/packages(/[^/]+/promote)?$`), func() any { return &client.Package{} }},
	{regexp.MustCompile(`^(GET|POST) /v1/models$`), func() any { return &struct{ Models *[]client.Model }{} }},
	{regexp.MustCompile(`^GET /v1/models/[^/]+$`), func() any { return &client.Model{} }},
	{regexp.MustCompile(`^GET /v1/channels$`), func() any { return &struct{ Channels *[]client.Channel }{} }},
	{regexp.MustCompile(`^POST /v1/channels$`), func() any { return &client.Channel{} }},
	{regexp.MustCompile(`^GET /v1/releases$`), func() any { return &struct{ Releases *[]client.Release }{} }},
	{regexp.MustCompile(`^(POST /v1/releases|GET /v1/releases/[^/]+)$`), func() any { return &client.Release{} }},
	{regexp.MustCompile(`^POST /v1/releases/[^/]+/stage$`), func() any { return &client.Change{} }},
	{regexp.MustCompile(`^POST /v1/releases/[^/]+/retain$`), func() any { return &client.Retention{} }},
	{regexp.MustCompile(`^GET /v1/retentions$`), func() any { return &client.Retentions{} }},
	{regexp.MustCompile(`^GET /v1/changes$`), func() any { return &struct{ Changes *[]client.Change }{} }},
	{regexp.MustCompile(`^(GET /v1/changes/[^/]+|POST /v1/changes/[^/]+/response)$`), func() any { return &client.Change{} }},
	{regexp.MustCompile(`^POST /v1/trust$`), func() any { return &struct{ Changed *[]string }{} }},
	{regexp.MustCompile(`^GET /v1/trust$`), func() any { return &client.TrustStatus{} }},
	{regexp.MustCompile(`^(GET|POST) /v1/rollouts$`), func() any { return &struct{ Rollouts *[]client.Rollout }{} }},
	{regexp.MustCompile(`^(GET /v1/rollouts/[^/]+|POST /v1/rollouts/[^/]+/(halt|resume))$`), func() any { return &client.Rollout{} }},
	{regexp.MustCompile(`^POST /v1/evidence$`), func() any { return &client.Statement{} }},
	{regexp.MustCompile(`^GET /v1/evidence$`), func() any { return &struct{ Statements *[]client.Statement }{} }},
	{regexp.MustCompile(`^GET /v1/witnesses$`), func() any { return &struct{ Vouchers *[]client.Statement }{} }},
	{regexp.MustCompile(`^GET /v1/audit$`), func() any {
		return &struct {
			Entries *[]client.AuditEntry
			Before  int64
		}{}
	}},
	{regexp.MustCompile(`^POST /v1/fleet/ask$`), func() any { return &struct{ Asked *[]client.Asked }{} }},
	{regexp.MustCompile(`^GET /v1/fleet$`), func() any { return &struct{ Fleets *[]client.Muster }{} }},
	{regexp.MustCompile(`^GET /v1/quarantines$`), func() any { return &struct{ Quarantines *[]client.Quarantine }{} }},
	{regexp.MustCompile(`^POST /v1/quarantines(/[^/]+/lift)?$`), func() any { return &client.Quarantine{} }},
	{regexp.MustCompile(`^GET /v1/known-issues$`), func() any { return &client.KnownList{} }},
	{regexp.MustCompile(`^POST /v1/known-issues(/[^/]+/withdraw)?$`), func() any { return &client.KnownIssue{} }},
	{regexp.MustCompile(`^GET /v1/proposals$`), func() any { return &struct{ Proposals *[]client.Proposal }{} }},
	{regexp.MustCompile(`^POST /v1/proposals/[^/]+/approve$`), func() any { return &client.Proposal{} }},
	{regexp.MustCompile(`^(GET|POST) /v1/restore$`), func() any { return &client.RestoreState{} }},
	{regexp.MustCompile(`^(GET /v1/clock|POST /v1/clock/accept)$`), func() any { return &client.ClockState{} }},
	{regexp.MustCompile(`^GET /v1/tokens$`), func() any { return &struct{ Tokens *[]client.Token }{} }},
	{regexp.MustCompile(`^POST /v1/tokens$`), func() any { return &client.Token{} }},
}

// refusalShape is every refusal.
type refusalShape struct {
	client.Error
	Type  string
	Facts *otapkg.Facts
}

// watched serves h and holds each JSON answer against the shapes. fault is told what differs.
type watched struct {
	h     http.Handler
	fault func(format string, args ...any)

	mu   sync.Mutex
	seen map[int]bool // which shapes were met
}

func (w *watched) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/") {
		w.h.ServeHTTP(rw, r) // for phones and people
		return
	}
	copied := &copying{ResponseWriter: rw, status: http.StatusOK}
	w.h.ServeHTTP(copied, r)
	door := r.Method + " " + r.URL.Path
	var into any = &refusalShape{}
	if copied.status/100 == 2 && copied.status != http.StatusAccepted {
		i := w.shapeOf(door)
		if i < 0 {
			return
		}
		into = shapes[i].into()
	}
	dec := json.NewDecoder(&copied.body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		w.fault("%s answered %d with something that the client does not know: %v", door, copied.status, err)
	}
}

func (w *watched) shapeOf(door string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range shapes {
		if s.door.MatchString(door) {
			w.seen[i] = true
			return i
		}
	}
	return -1
}

// met says if an answer of a shape was looked at.
func (w *watched) met(shape int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[shape]
}

type copying struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (c *copying) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *copying) Write(p []byte) (int, error) {
	c.body.Write(p)
	return c.ResponseWriter.Write(p)
}

func (c *copying) Unwrap() http.ResponseWriter { return c.ResponseWriter }
