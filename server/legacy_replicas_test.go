// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"landed/server/fleet"
)

// TestReplicasGiveOthersTheSame: whichever server publishes, all of them give phones with other updaters the same bytes, and
// after a halt on one of them none gives anything.
func TestReplicasGiveOthersTheSame(t *testing.T) {
	rs := newReplicas(t, 3)
	id := rs.rolling("fuxi")
	first := rs.list()[0]
	file := "schema: 2\nmodels: [{device: fuxi, product: Xiaomi 13, numbers: [\"2211133C\", \"2211133G\"], rom_names: [FUXI, FUXIGlobal], " +
		"variants: [fuxi, fuxi_global], android: \"13\", profile: {family: ab}, protocols: [grapheneos]}]"
	if _, err := first.Rooms().Lineup.Add(t.Context(), []byte(file), "ann", ""); err != nil {
		t.Fatal(err)
	}
	for _, r := range rs.list() {
		if err := r.Rooms().Lineup.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.line.Database.Update(t.Context(), func(tx fleet.Tx) error {
		r, err := tx.Rollouts().Get(t.Context(), id)
		r.Stage, r.State = len(r.Stages)-1, fleet.RolloutRunning
		return errors.Join(err, tx.Rollouts().Save(t.Context(), r))
	}); err != nil {
		t.Fatal(err)
	}
	publish := func(r *replica) error { return r.Rooms().Rollouts.PublishOffers(t.Context()) }
	for over := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := publish(rs.list()[1])
		if err == nil {
			break
		}
		if time.Now().After(over) {
			t.Fatal(err)
		}
	}
	line := func(r *replica) (status int, text, onDisk string) {
		t.Helper()
		resp, err := http.Get(r.web.URL + "/fuxi-stable")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		have, _ := os.ReadFile(filepath.Join(r.dir, "feed", "legacy", "grapheneos", "fuxi-stable"))
		return resp.StatusCode, string(body), string(have)
	}
	_, want, _ := line(first)
	for _, r := range rs.list() {
		if status, text, onDisk := line(r); status != 200 || text != want || onDisk != want || want == "" {
			t.Errorf("%s gives %d %q, its folder has %q; wanted %q", r.name, status, text, onDisk, want)
		}
	}
	if err := rs.turn(rs.list()[2], id, true); err != nil {
		t.Fatal(err)
	}
	for _, r := range rs.list() {
		if status, text, onDisk := line(r); status != 200 || text != onDisk || onDisk != "none 1 fuxi stable\n" {
			t.Errorf("halted, and %s gives %d %q, its folder has %q", r.name, status, text, onDisk)
		}
	}
}
