// SPDX-License-Identifier: Apache-2.0

package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"landed/server/fleet"
)

// Problem is an error as it is answered: RFC 9457, with a stable code.
type Problem struct {
	Status  int
	Title   string        // the name of the status
	Code    string        // stable, for programs
	Detail  string        // for people: what was found, what was wanted, what to do next
	Request string        // to be named to whoever runs the server
	Wait    time.Duration // before it is tried again; 0 is the usual time
	More    map[string]any
}

// Extender is an error that has more to tell a program than words, such as findings.
type Extender interface {
	error
	Extend() map[string]any // field names of the problem; they may not be those of RFC 9457
}

var statusOf = map[fleet.ErrorKind]int{
	fleet.Invalid:     http.StatusUnprocessableEntity,
	fleet.Forbidden:   http.StatusForbidden,
	fleet.NotFound:    http.StatusNotFound,
	fleet.Conflict:    http.StatusConflict,
	fleet.TooLarge:    http.StatusRequestEntityTooLarge,
	fleet.Busy:        http.StatusServiceUnavailable,
	fleet.Unsupported: http.StatusNotImplemented,
	fleet.NoSpace:     http.StatusInsufficientStorage,
	fleet.Pending:     http.StatusServiceUnavailable,
	fleet.Proposed:    http.StatusAccepted,
	fleet.Damaged:     http.StatusServiceUnavailable, // a person has to mend it: come back later
}

// Unauthorized is what somebody without a valid token is answered.
type Unauthorized struct{ Msg string }

func (e *Unauthorized) Error() string { return e.Msg }

// WrongMethod is what somebody is answered who comes by a method that an address does not know.
// Whoever returns it has set the header Allow (RFC 9110, 15.5.6).
type WrongMethod struct{ Method, Allow string }

func (e *WrongMethod) Error() string {
	return fmt.Sprintf("this address does not take %s; it takes %s", e.Method, e.Allow)
}

// ProblemOf translates err. What is no [fleet.Error] is a fault of the server, whose words
// stay in its log.
func ProblemOf(err error) Problem {
	var p Problem
	if x, ok := errors.AsType[Extender](err); ok {
		p.More = x.Extend()
	}
	known, isFleet := errors.AsType[*fleet.Error](err)
	denied, isDenied := errors.AsType[*Unauthorized](err)
	method, isMethod := errors.AsType[*WrongMethod](err)
	big, isBig := errors.AsType[*http.MaxBytesError](err)
	switch {
	case isBig:
		p.Status, p.Code = http.StatusRequestEntityTooLarge, "too_large"
		p.Detail = fmt.Sprintf("The body is larger than %d bytes, the limit of this server.", big.Limit)
	case isDenied:
		p.Status, p.Code, p.Detail = http.StatusUnauthorized, "token_needed", denied.Msg
	case isMethod:
		p.Status, p.Code, p.Detail = http.StatusMethodNotAllowed, "method", Sentence(method.Error())
	case isFleet && statusOf[known.Kind] != 0:
		p.Status, p.Code, p.Wait = statusOf[known.Kind], known.Code, known.Wait
		said, _ := fleet.Words(err) // what was said around it too
		p.Detail = Sentence(said)
	case errors.Is(err, context.DeadlineExceeded):
		p.Status, p.Code, p.Detail = http.StatusServiceUnavailable, "timeout", "The server took too long; try again."
	default:
		p.Status, p.Code = http.StatusInternalServerError, "internal"
		p.Detail = "Something is wrong on the server, and its log says what. Name the request id to whoever runs it."
	}
	p.Title = http.StatusText(p.Status)
	return p
}

// Sentence gives words a capital and a full stop, unless they have them.
func Sentence(s string) string {
	if s == "" {
		return s
	}
	if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "?") && !strings.HasSuffix(s, "!") {
		s += "."
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// MarshalJSON writes the fields of RFC 9457 and those of More side by side.
func (p Problem) MarshalJSON() ([]byte, error) {
	all := maps.Clone(p.More)
	if all == nil {
		all = map[string]any{}
	}
	all["type"], all["title"], all["status"], all["code"], all["detail"] = "about:blank", p.Title, p.Status, p.Code,
		p.Detail
	if p.Request != "" {
		all["request"] = p.Request
	}
	return json.Marshal(all)
}

// usualWait is how long somebody is asked to wait whom nothing else was said.
const usualWait = 5 * time.Second

// WriteProblem answers p as problem+json.
func WriteProblem(w http.ResponseWriter, _ *http.Request, p Problem) {
	body, err := json.Marshal(p)
	if err != nil { // More holds something that JSON cannot say: answer without it
		p.More = nil
		body, _ = json.Marshal(p)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="landed"`)
	case http.StatusServiceUnavailable:
		wait := p.Wait
		if wait <= 0 {
			wait = usualWait
		}
		if h.Get("Retry-After") == "" { // whoever knows better has said so
			h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		}
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}
