// SPDX-License-Identifier: Apache-2.0

package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"landed/server/fleet"
)

func TestErrorsBecomeAnswers(t *testing.T) {
	secret := errors.New("dial 10.0.0.7: password wrong")
	for _, tc := range []struct {
		name   string
		err    error
		status int
		code   string
		detail string
	}{
		{"every kind has a status", fleet.Errorf(fleet.Conflict, "taken", "the name is taken"), 409, "taken", "The name is taken."},
		{"wrapped", fmt.Errorf("stage: %w", fleet.Errorf(fleet.NotFound, "gone", "it is gone")), 404, "gone", "Stage: it is gone."},
		{"words around it, and a cause within", fmt.Errorf("it is stored, and not published: %w", &fleet.Error{Kind: fleet.NoSpace, Code: "no_space",
			Msg: "the disk is full", Err: secret}), 507, "no_space", "It is stored, and not published: the disk is full."},
		{"stored and not published", &fleet.Error{Kind: fleet.Pending, Code: "stored_not_published", Msg: "it is stored", Err: secret}, 503,
			"stored_not_published", "It is stored."},
		{"storage of ours", &fleet.Error{Kind: fleet.Damaged, Code: "database_damaged", Msg: "it is damaged", Err: secret}, 503, "database_damaged", "It is damaged."},
		{"a cause stays in the log", &fleet.Error{Kind: fleet.NoSpace, Code: "no_space", Msg: "the disk is full", Err: secret}, 507, "no_space", "The disk is full."},
		{"a fault of ours says nothing", secret, 500, "internal", "Something is wrong on the server"},
		{"a method that is not taken", &WrongMethod{"PUT", "GET, HEAD"}, 405, "method", "does not take PUT; it takes GET, HEAD."},
		{"a body that is too large", &http.MaxBytesError{Limit: 10}, 413, "too_large", "10 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := &strings.Builder{}
			w := httptest.NewRecorder()
			API(slog.New(slog.NewTextHandler(log, nil)), func(http.ResponseWriter, *http.Request) error { return tc.err }).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			var p struct {
				Type, Title, Code, Detail string
				Status                    int
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			if w.Code != tc.status || p.Status != tc.status || p.Code != tc.code || !strings.Contains(p.Detail, tc.detail) || p.Title != http.StatusText(tc.status) {
				t.Errorf("%d %+v", w.Code, p)
			}
			if strings.Contains(w.Body.String(), "password") {
				t.Error("the cause was shown")
			}
			if logged := strings.Contains(log.String(), "password"); logged != errors.Is(tc.err, secret) {
				t.Errorf("cause in the log: %v", logged)
			}
		})
	}
	for _, k := range []fleet.ErrorKind{fleet.Invalid, fleet.Forbidden, fleet.NotFound, fleet.Conflict, fleet.TooLarge, fleet.Busy, fleet.NoSpace,
		fleet.Unsupported, fleet.Pending, fleet.Damaged} {
		if statusOf[k] == 0 {
			t.Errorf("kind %s has no status", k)
		}
	}
}

// Whoever says how long to wait is heard.
func TestRetryAfter(t *testing.T) {
	for wait, want := range map[time.Duration]string{0: "5", 1500 * time.Millisecond: "2", 5 * time.Minute: "300"} {
		w := httptest.NewRecorder()
		WriteProblem(w, nil, ProblemOf(fmt.Errorf("now: %w", &fleet.Error{Kind: fleet.Busy, Code: "busy", Wait: wait})))
		if got := w.Header().Get("Retry-After"); got != want {
			t.Errorf("%s: Retry-After %q, wanted %q", wait, got, want)
		}
	}
}

func TestFindingsStandBesideTheProblem(t *testing.T) {
	w := httptest.NewRecorder()
	WriteProblem(w, nil, ProblemOf(fmt.Errorf("upload: %w", extended{})))
	if got := w.Body.String(); !strings.Contains(got, `"findings":["ZIP-NOT"]`) || !strings.Contains(got, `"code":"refused"`) {
		t.Error(got)
	}
}

type extended struct{}

func (extended) Error() string          { return "refused" }
func (extended) Unwrap() error          { return fleet.Errorf(fleet.Invalid, "refused", "it is refused") }
func (extended) Extend() map[string]any { return map[string]any{"findings": []string{"ZIP-NOT"}} }

// A flood that is sent away does not fill the log; what hinders the server does.
func TestSentAwayIsNoFault(t *testing.T) {
	for err, want := range map[*fleet.Error]bool{
		{Kind: fleet.Busy, Code: "queue_full", Msg: "later"}:                                false,
		{Kind: fleet.Busy, Code: "not_ready", Msg: "no answer", Err: errors.New("a cause")}: true,
	} {
		log := &strings.Builder{}
		API(slog.New(slog.NewTextHandler(log, nil)), func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Retry-After", "1800")
			return err
		}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if logged := log.Len() > 0; logged != want {
			t.Errorf("%s: in the log: %t", err.Code, logged)
		}
	}
}
