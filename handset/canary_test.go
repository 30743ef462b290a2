// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/effect/probe"
)

// canary stands for an identity: an IMEI, as a label of a build, a word of an answer or a number.
const (
	canary       = "490154203237518"
	canaryNumber = 49_015_420_323_751_8
)

// TestCanary: a firmware that puts an identity wherever it can, into its name, into every answer, asked for or not,
// gets none of it into a report.
func TestCanary(t *testing.T) {
	sold := build(t, fixtures.Unpatched)
	sold.Incremental = canary
	sold.Fingerprint = strings.Replace(sold.Fingerprint, sold.Version, canary, 1)
	for _, v := range []probe.Value{probe.Word("imei_" + canary), probe.Int(canaryNumber), probe.Int(-canaryNumber)} {
		t.Run(v.String(), func(t *testing.T) {
			r := newRigOn(t, sold)
			r.says = probe.Answers{}
			for _, name := range append(names(askOf(t, optIn)), "imei", "imei_"+canary, canary) {
				r.says[name] = v
			}
			sent := r.overhear()
			r.step()
			r.pass(8 * 24 * time.Hour)
			r.step()
			if len(*sent) < 5 || !r.patched() {
				t.Errorf("%d reports, patched %v", len(*sent), r.patched())
			}
			for _, text := range *sent {
				if strings.Contains(text, canary) || strings.Contains(text, "imei") {
					t.Errorf("a report carries the canary: %s", text)
				}
				holdMembers(t, text)
			}
		})
	}
}

// overhear notes the body of every report on its way.
func (r *rig) overhear() *[]string {
	sent := []string{}
	r.server.Bend = func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost {
			text, err := io.ReadAll(req.Body)
			if err != nil {
				r.t.Error(err)
			}
			sent = append(sent, payload(r.t, text))
			req.Body = io.NopCloser(bytes.NewReader(text))
		}
		return false
	}
	return &sent
}

// names lists what is asked.
func names(ask probe.Ask) (list []string) {
	for _, q := range ask.Probes {
		list = append(list, q.Name)
	}
	return list
}

// payload is the signed body inside an envelope.
func payload(t testing.TB, envelope []byte) string {
	t.Helper()
	t.Helper()
	var e struct{ Payload []byte }
	if err := json.Unmarshal(envelope, &e); err != nil {
		t.Fatal(err)
	}
	return string(e.Payload)
}

// holdMembers pins the members of a report: a new one is a decision, not an accident.
func holdMembers(t *testing.T, text string) {
	t.Helper()
	var body map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	var got []string
	for name := range body {
		got = append(got, name)
	}
	slices.Sort(got)
	want := []string{"answers", "attempt", "build", "build_utc", "channel", "key", "kind", "model",
		"progress", "release", "schema", "seq", "updated", "variant"}
	if strings.Contains(text, `"kind":"baseline"`) { // what it will draw with is committed to
		want = append(want, "draw_commit")
	}
	if !strings.Contains(text, `"progress":"known"`) { // and opened, once an attempt has begun
		want = append(want, "draw")
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members of a report: %s", diff)
	}
}
