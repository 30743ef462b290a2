// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"errors"
	"strings"

	"landed/server/otactl/client"
)

// Exit codes.
const (
	done     = 0
	refused  = 1 // the server, or what it found, said no
	couldNot = 2
	waits    = 3 // for a second person
)

// told is an error whose words are on the screen already; only its exit code is left to give.
type told int

func (t told) Error() string { return "told" }

// problem is an error as it is told: in words, and to programs.
type problem struct {
	*client.Error
	next string // what to do
}

// explain finds the words for err: what was found, and what to do next.
func explain(err error) problem {
	refused, isRefused := errors.AsType[*client.Error](err)
	unreachable, isUnreachable := errors.AsType[*client.Unreachable](err)
	switch {
	case errors.Is(err, context.Canceled):
		return problem{&client.Error{Code: "interrupted", Title: "Interrupted",
			Detail: "interrupted before the server answered"},
			"What it did all the same is in: otactl audit."}
	case isUnreachable:
		return problem{&client.Error{Code: "unreachable", Title: "No answer", Detail: unreachable.Error()},
			"Is otad running there? Another server is named with --url or OTACTL_URL."}
	case !isRefused:
		return problem{Error: &client.Error{Code: "not_asked", Title: "The server was not asked", Detail: err.Error()}}
	}
	p := problem{Error: refused}
	switch {
	case refused.Status == 401:
		p.next = "An admin makes a token with \"otactl token add NAME --role engineer\" (the first one on the server, " +
			"with \"otad token add\"). Hand it over with --token-file FILE or OTACTL_TOKEN."
	case refused.Code == "stored_not_published":
		p.next = "Watch it with: otactl rollout status."
	case refused.Code == "foreign_answer":
		p.next = "Check --url or OTACTL_URL."
	case refused.Request != "" && refused.Status >= 500:
		p.next = "The request has the id " + refused.Request + "."
	}
	return p
}

// text says it in one line; the code is for looking it up.
func (p problem) text() string {
	words := p.Error.Error()
	if p.next != "" {
		words = strings.TrimRight(words, ".") + ". " + p.next
	}
	if p.Status != 0 {
		words += " (" + p.Code + ")"
	}
	return words
}

func exitCode(err error) int {
	e, ok := errors.AsType[*client.Error](err)
	switch {
	case ok && e.Status/100 == 4:
		return refused
	case ok && e.Code == client.SecondPerson:
		return waits
	}
	return couldNot
}

// aboutPackage says that err speaks of one package, not of the way to the server.
func aboutPackage(err error) bool {
	e, ok := errors.AsType[*client.Error](err)
	return ok && e.Status/100 == 4 && e.Status != 401 && e.Status != 403
}
