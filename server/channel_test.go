// SPDX-License-Identifier: Apache-2.0

package server

import (
	"testing"

	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/store/storetest"
)

// The handsets of a retired channel are still heard: what is wrong with this report is that its release is not there yet.
func TestRetiredChannelIsHeard(t *testing.T) {
	h := newHouse(t)
	r, key := storetest.Report(1, 1)
	if resp, answer := h.do(fleet.RoleEngineer, "DELETE", "/v1/channels/"+r.Channel+"?reason=one+less", ""); resp.StatusCode != 204 {
		t.Fatalf("not retired: %d %v", resp.StatusCode, answer)
	}
	text, _, err := envelope.Seal(r, key)
	if err != nil {
		t.Fatal(err)
	}
	resp, answer := h.do("", "POST", "/v1/reports", string(text), "Content-Type", "application/json")
	if answer["code"] != "release_unknown" {
		t.Errorf("answered %d %v", resp.StatusCode, answer)
	}
}
