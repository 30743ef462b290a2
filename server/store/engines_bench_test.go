// SPDX-License-Identifier: Apache-2.0

//go:build unix

package store_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/postgres/pgtest"
	"landed/server/store/storetest"
)

// BenchmarkEngines takes reports in as intake does, 256 in a transaction, into a table of LANDED_BENCH_INSTALLATIONS
// (20,000 if unset): on SQLite, and on PostgreSQL with one writer, with two of one process, and with one each of two
// stores, as two servers would. All in one run and in turn, on disk, and beside Ed25519 verification of bodies of their
// size on one core: x_sqlite is a rate against that of SQLite, x_verify against verification.
func BenchmarkEngines(b *testing.B) {
	size := 20_000
	if testing.Short() {
		size = 2048
	}
	if n, err := strconv.Atoi(os.Getenv("LANDED_BENCH_INSTALLATIONS")); err == nil {
		size = n
	}
	address := pgtest.New(b, "max_wal_size = 4GB\nshared_buffers = 256MB").Database(b, "landed")
	file := hotStore(b, filepath.Join(b.TempDir(), "landed.db"))
	one, two := hotStore(b, address), hotStore(b, address)
	for _, s := range []fleet.Store{file, one} {
		for n := 0; n < size; n += hotBatch {
			hotTake(b, s, n, min(n+hotBatch, size), 1)
		}
	}
	batches := min(size/hotBatch, 80)
	rates := map[string]float64{}
	names := []string{"verify", "sqlite", "postgres", "postgres_2", "postgres_1+1"}
	for range b.N {
		rates["verify"] += verifyRate(b)
		rates["sqlite"] += hotRate(b, size, batches, file)
		rates["postgres"] += hotRate(b, size, batches, one)
		rates["postgres_2"] += hotRate(b, size, batches, one, one)
		rates["postgres_1+1"] += hotRate(b, size, batches, one, two)
	}
	b.ReportMetric(0, "ns/op")
	for _, name := range names {
		b.ReportMetric(rates[name]/float64(b.N), name+"/s")
		if name != "verify" {
			b.ReportMetric(rates[name]/rates["verify"], name+"_x_verify")
		}
		if name != "verify" && name != "sqlite" {
			b.ReportMetric(rates[name]/rates["sqlite"], name+"_x_sqlite")
		}
	}
}

const hotBatch = 256

func hotStore(b *testing.B, address string) store.Database {
	b.Helper()
	db, err := store.Make(context.Background(), address, storetest.Clock)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db
}

// hotSeq gives every batch a number of its own, so that no report is one that was sent before.
var hotSeq atomic.Int64

// hotRate takes batches of random installations in, by as many writers as stores.
func hotRate(b *testing.B, size, batches int, by ...store.Database) float64 {
	b.Helper()
	var next atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for _, s := range by {
		group.Go(func() {
			for next.Add(1) <= int64(batches) {
				from := rand.IntN(max(size-hotBatch, 1))
				hotTake(b, s, from, from+hotBatch, 1+hotSeq.Add(1))
			}
		})
	}
	group.Wait()
	return float64(batches*hotBatch) / time.Since(start).Seconds()
}

// hotTake takes a report of each installation from one number to another in: numbers are scattered over the table.
func hotTake(b *testing.B, s fleet.Store, from, to int, seq int64) {
	b.Helper()
	ctx := context.Background()
	envelope := make([]byte, 1300)
	var refs []report.Reference
	for n := from; n < to; n++ {
		refs = append(refs, report.Reference(fmt.Sprintf("%08X%016d", uint32(n)*2654435761, n)))
	}
	classes := []fleet.Class{storetest.Unpatched, storetest.NotExercised, storetest.ConfirmedOff}
	if err := s.Intake(ctx, func(tx fleet.Tx) error {
		known, err := tx.Installations().Of(ctx, refs...)
		if err != nil {
			return err
		}
		var reports []fleet.StoredReport
		var states []fleet.Installation
		for k, ref := range refs {
			class := classes[seq%3]
			next := fleet.Installation{Ref: ref, Release: "one", Current: true, Kind: storetest.KindOf(class),
				Model: fmt.Sprintf("model%d", (from+k)%200), Channel: "stable", Seq: seq, Verdict: class, Reports: seq,
				Newest:   report.Report{ID: fmt.Sprintf("%032x", seq*1e9+int64(from+k))},
				Progress: report.ProgressKnown, Because: []fleet.Reason{{Code: "not_of_release"}}, Before: storetest.BeforeActive,
				First: storetest.Now, Last: storetest.Now.Add(time.Duration(seq) * time.Second)}
			var was *fleet.Installation
			if had := known[ref]; len(had) > 0 {
				was = &had[0]
			}
			reports = append(reports, fleet.StoredReport{ID: next.Newest.ID, Ref: ref, Seq: seq, Schema: 3, Release: "one",
				Envelope: envelope, At: next.Last})
			states = append(states, next)
			if err := tx.Counts().Move(ctx, was, &next); err != nil {
				return err
			}
		}
		_, err = tx.Reports().Append(ctx, reports...)
		return errors.Join(err, tx.Installations().Put(ctx, states...))
	}); err != nil {
		b.Error(err)
	}
}

func verifyRate(b *testing.B) float64 {
	b.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 900)
	sig := ed25519.Sign(private, body)
	const times = 4000
	start := time.Now()
	for range times {
		if !ed25519.Verify(public, body, sig) {
			b.Fatal("a good signature does not verify")
		}
	}
	return times / time.Since(start).Seconds()
}
