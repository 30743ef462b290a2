// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"landed/internal/race"
	"landed/server/store/postgres/pgtest"
)

// TestMain ends the database server of the tests.
func TestMain(m *testing.M) { pgtest.Main(m) }

// TestReplicas: three servers on one database, asked in turn, say what the handsets really did.
func TestReplicas(t *testing.T) {
	if testing.Short() || race.Detector {
		t.Skip("it takes as long as the whole demo; what races between servers is met in package server")
	}
	var stdout, stderr bytes.Buffer
	args := []string{"-once", "-json", "-handsets", "70", "-replicas", "3", "-database", pgtest.Database(t)}
	if code := run(args, &stdout, &stderr); code != 0 {
		t.Fatalf("it ends with %d:\n%s\n%s", code, &stderr, &stdout)
	}
	var told struct {
		Agrees   bool      `json:"agrees"`
		Verified *verified `json:"verified"`
	}
	if err := json.Unmarshal(stdout.Bytes(), &told); err != nil || !told.Agrees {
		t.Errorf("page and handsets do not agree: %v\n%s\n%s", err, &stdout, &stderr)
	}
	if v := told.Verified; v == nil || v.Pages != 3 || v.Numbers < 20 || v.Reports < 70 {
		t.Errorf("what is public was not checked: %+v", v)
	}
}
