// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/otapkg"
)

// TestOthers: phones that know nothing of the feed get the fix from a plain file server, each by its own protocol, and nothing
// after the halt.
func TestOthers(t *testing.T) {
	var out, complaints bytes.Buffer
	if code := run([]string{"-once", "-json", "-story", "legacy"}, &out, &complaints); code != 0 {
		t.Fatalf("exit %d: %s\n%s", code, &complaints, &out)
	}
	var r result
	dec := json.NewDecoder(&out)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if !r.Agrees || r.Others == nil || r.Others.Stopped != 2 || r.Others.Requests < 20 {
		t.Fatalf("got %+v", r)
	}
	var spoken []manifests.Protocol
	for _, p := range r.Others.Phones {
		spoken = append(spoken, p.Protocol)
		streams := p.Protocol == manifests.LineageOS2 || p.Protocol == manifests.AOSPSample || p.Protocol == manifests.Custota
		if strings.HasPrefix(p.How, "streamed") != streams || p.Before != 0 || p.Offered == 0 || p.Halted != 0 || p.Ran == p.Runs {
			t.Errorf("%+v", p)
		}
	}
	want := []manifests.Protocol{manifests.LineageOS1, manifests.LineageOS2, manifests.GrapheneOS, manifests.AOSPSample,
		manifests.Custota}
	if !slices.Equal(spoken, want) {
		t.Errorf("phones of %v, wanted %v", spoken, want)
	}
	var page bytes.Buffer
	if r.print(&page); !strings.Contains(page.String(), "grapheneos    offered 0 before, 2 for everybody, 0 when halted") {
		t.Errorf("it tells\n%s", &page)
	}
}

// TestOthersAgree: each thing that may go wrong is not passed over.
func TestOthersAgree(t *testing.T) {
	for name, change := range map[string]func(*othersResult){
		"offered too early":      func(o *othersResult) { o.Phones[0].Before = 1 },
		"never offered":          func(o *othersResult) { o.Phones[0].Offered = 0 },
		"another build":          func(o *othersResult) { o.Phones[0].Runs = "old" },
		"had it already":         func(o *othersResult) { o.Phones[0].Ran = "new" },
		"offered when halted":    func(o *othersResult) { o.Phones[0].Halted = 1 },
		"the server ran":         func(o *othersResult) { o.Stopped = 1 },
		"nobody polled anything": func(o *othersResult) { o.Phones = nil },
	} {
		o := &othersResult{Stopped: 2, Phones: []polled{{Offered: 1, Ran: "old", Runs: "new"}}}
		if !o.agrees("new") {
			t.Fatal("what is good does not agree")
		}
		if change(o); o.agrees("new") {
			t.Errorf("%s: it agrees", name)
		}
	}
}

// TestOthersBelieveTheMakerAlone: of a package that somebody else signed, or that was changed, none of it runs.
func TestOthersBelieveTheMakerAlone(t *testing.T) {
	b, err := fixtures.BuildOf(polledBy, fixtures.Patched)
	if err != nil {
		t.Fatal(err)
	}
	zips := map[string][]byte{}
	var pins []otapkg.Pin
	for _, who := range []string{"maker", "thief"} {
		key, err := fixtures.NewKey(rand.Reader)
		if err == nil {
			zips[who], err = fixtures.Bytes(b, key)
		}
		if err != nil {
			t.Fatal(err)
		}
		if who == "maker" {
			if pins, err = otapkg.ParsePins(key.CertPEM()); err != nil {
				t.Fatal(err)
			}
		}
	}
	zips["changed"] = slices.Clone(zips["maker"])
	zips["changed"][len(zips["changed"])/2] ^= 1
	for who, zip := range zips {
		if err := judged(zip, pins); (err == nil) != (who == "maker") {
			t.Errorf("%s: %v", who, err)
		}
	}
}
