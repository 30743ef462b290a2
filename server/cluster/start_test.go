// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"landed/server/cluster"
)

// TestFirstBeatWaits: a server begins beside somebody who has the database for longer than a lease lasts; it ends at once if it is told to.
func TestFirstBeatWaits(t *testing.T) {
	db, hand := withHand(t)
	hand.SetMaxOpenConns(1)
	if _, err := hand.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	times := patient
	times.TTL = 500 * time.Millisecond
	began := make(chan error, 1)
	one := cluster.New(cluster.Config{Store: db, Program: "1.0", Times: times})
	go func() { began <- one.Start(t.Context()) }()

	told, cancel := context.WithCancel(t.Context())
	time.AfterFunc(3*times.TTL, cancel)
	other := cluster.New(cluster.Config{Store: db, Program: "1.0", Times: times})
	if err := other.Start(told); err == nil || !strings.Contains(err.Error(), "could not be told of this one") {
		t.Errorf("one that is to end: %v", err)
	}
	select {
	case err := <-began:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	if _, err := hand.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := <-began; err != nil {
		t.Fatal(err)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
}
