// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// from is the context of a request from an address, behind the door of n.
func from(n *Newcomers, addr string) (ctx context.Context) {
	r := httptest.NewRequest("POST", "/v1/reports", nil)
	r.RemoteAddr = addr
	n.Door(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).
		ServeHTTP(httptest.NewRecorder(), r)
	return ctx
}

func TestNewcomers(t *testing.T) {
	moment := time.Date(2026, 11, 26, 12, 10, 0, 0, time.UTC)
	n := NewNewcomers(3, nil, func() time.Time { return moment })
	for _, addr := range []string{"192.0.2.1:1", "192.0.2.200:2", "[::ffff:192.0.2.3]:3"} {
		if n.Full(from(n, addr)) {
			t.Errorf("%s may bring nobody", addr)
		}
		n.Came(from(n, addr))
	}
	for addr, want := range map[string]bool{"192.0.2.9:1": true, "192.0.3.9:1": false, "[2001:db8::1]:1": false} {
		if got := n.Full(from(n, addr)); got != want {
			t.Errorf("%s: %t, wanted %t", addr, got, want)
		}
	}
	salt := n.salt
	moment = moment.Add(time.Hour)
	if n.Full(from(n, "192.0.2.1:1")) || bytes.Equal(salt[:], n.salt[:]) || len(n.count) != 0 {
		t.Error("the next hour remembers the last")
	}
	for range 9 {
		n.Came(from(n, "127.0.0.1:1"))
	}
	if n.Full(from(n, "127.0.0.1:1")) {
		t.Error("the machine itself is bounded")
	}
	unbounded := NewNewcomers(0, nil, time.Now)
	if ctx := from(unbounded, "192.0.2.1:1"); unbounded.Full(ctx) {
		t.Error("no bound is a bound of none")
	}
}

// Ever more networks fill no memory: those that find no place share one.
func TestNewcomersAreBounded(t *testing.T) {
	n := NewNewcomers(3, nil, func() time.Time { return time.Time{} })
	for i := range mostNetworks + 5 {
		n.Came(from(n, fmt.Sprintf("%d.%d.%d.1:1", 1+i>>16, i>>8&255, i&255)))
	}
	if len(n.count) > mostNetworks+1 {
		t.Errorf("%d networks are counted", len(n.count))
	}
	if !n.Full(from(n, "203.0.113.1:1")) {
		t.Error("those without a place are not counted")
	}
}
