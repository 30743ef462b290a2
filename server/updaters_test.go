// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"testing"

	"landed/manifests/updaters"
)

// TestStrictReadersTakeWhatIsServed: by the rules of each app, what the server answers leads to the very package, and what it
// says of the package is so. Halted, no app is offered anything, and only those that have no word for "nothing" see an error.
func TestStrictReadersTakeWhatIsServed(t *testing.T) {
	p := newPhones(t)
	r := p.start(10_000)
	pkg, err := updaters.ReadPackage(bytes.NewReader(p.zip), int64(len(p.zip)))
	if err != nil {
		t.Fatal(err)
	}
	phone := updaters.Phone{Device: "fuxi", Channel: "stable", Kind: "NIGHTLY", Version: "22.2", Base: p.url + "/legacy/custota/stable"}
	readers := map[string]struct {
		read  func(updaters.Answer, updaters.Phone) ([]updaters.Offer, []updaters.Fault)
		quiet bool // an empty list says "nothing"
	}{
		"/api/v1/fuxi/nightly/x":               {updaters.LineageOS1, true},
		"/api/v2/devices/fuxi/builds":          {updaters.LineageOS2, true},
		"/legacy/grapheneos/fuxi-stable":       {updaters.GrapheneOS, false},
		"/fuxi-stable":                         {updaters.GrapheneOS, false},
		"/legacy/aosp-sample/stable/fuxi.json": {updaters.AOSPSample, false},
		"/legacy/custota/stable/fuxi.json":     {updaters.Custota, false},
	}
	ask := func(path string) updaters.Answer {
		resp, body := p.ask("GET", path)
		return updaters.Answer{URL: p.url + path, Status: resp.StatusCode, Type: resp.Header.Get("Content-Type"), Body: body}
	}
	for path, of := range readers {
		offers, found := of.read(ask(path), phone)
		if len(found) > 0 || len(offers) != 1 || !offers[0].Installs {
			t.Fatalf("%s: %+v, %v", path, offers, found)
		}
		if found := offers[0].Against(pkg); len(found) > 0 {
			t.Errorf("%s: the package: %v", path, found)
		}
		at := offers[0].URL
		if rest, is := bytes.CutPrefix([]byte(at), []byte("https://ota.example")); is {
			at = p.url + string(rest)
		}
		resp, body := p.ask("GET", at[len(p.url):], "Range", updaters.Span{From: 10, To: 29, Total: pkg.Size}.Header())
		span := updaters.Span{From: 10, To: 29, Total: pkg.Size}
		if found := span.Judge(resp.StatusCode, resp.Header.Get("Content-Range"), int64(len(body))); len(found) > 0 ||
			!bytes.Equal(body, p.zip[10:30]) {
			t.Errorf("%s: a part of the package: %v", path, found)
		}
	}
	if _, err := p.rooms.Rollouts.Halt(t.Context(), r.ID, "ann", "it breaks"); err != nil {
		t.Fatal(err)
	}
	for path, of := range readers {
		if offers, found := of.read(ask(path), phone); len(offers) > 0 || (len(found) == 0) != of.quiet {
			t.Errorf("halted, %s: %+v, %v", path, offers, found)
		}
	}
}
