// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"landed/server/otactl/client"
)

const defaultURL = "http://127.0.0.1:8080"

// server is the client that flags and environment describe.
func (a *app) server() (*client.Client, error) {
	address := first(a.url, defaultURL)
	token, err := a.token()
	if err != nil {
		return nil, err
	}
	c, err := client.New(address, token, nil)
	if err != nil {
		return nil, fmt.Errorf("%w; set --url or OTACTL_URL", err)
	}
	if token != "" && !a.plainHTTP && !private(address) {
		return nil, fmt.Errorf("%s is plain HTTP to another machine, and everybody on the way could read the token; "+
			"use https, or --allow-http on a network that you trust", address)
	}
	return c, nil
}

func (a *app) token() (string, error) {
	if a.tokenFile == "" {
		return strings.TrimSpace(a.env("OTACTL_TOKEN")), nil
	}
	text, err := readFile(a.tokenFile, 64<<10)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("the first line of %s is empty; wanted the token", a.tokenFile)
	}
	return line, nil
}

// private says that what is sent to address cannot be read on the way.
func private(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "https" || u.Hostname() == "localhost" {
		return err == nil
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

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
	return clean(words)
}
