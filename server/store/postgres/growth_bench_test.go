// SPDX-License-Identifier: Apache-2.0

//go:build unix

package postgres_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store/storetest"
)

// BenchmarkDrop prints what compact reports cost on PostgreSQL, in bytes of files: as they are, with the bodies dropped of
// all but the first and the newest of each installation, and if the table is then written anew, which is what a partition for
// each month would come to. Beside it stand microseconds a report: of the drop, and of writing what stays into another
// table, which must be done before a partition can go. LANDED_INSTALLATIONS says how many there are, with 6 reports each.
func BenchmarkDrop(b *testing.B) {
	size := 200
	if testing.Short() { // to see that it works
		size = 40
	}
	if n, err := strconv.Atoi(os.Getenv("LANDED_INSTALLATIONS")); err == nil {
		size = n
	}
	for b.Loop() {
		address := storetest.Postgres(b)
		db, hand := open(b, address), outside(b, address)
		refs := fill(b, db, size)
		if _, err := storetest.CompactAll(ctx, db); err != nil {
			b.Fatal(err)
		}
		weigh := func(unit string) {
			do(b, hand, `VACUUM landed_reports.compact_reports`)
			var bytes int64
			if err := hand.QueryRow(ctx, `SELECT pg_total_relation_size('landed_reports.compact_reports')`).Scan(&bytes); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(bytes)/float64(6*size), unit)
		}
		weigh("B-compact/report")
		do(b, hand, `ANALYZE`)
		stop := vacuuming(b, outside(b, address))
		began := time.Now()
		dropped, slowest, err := storetest.DropAll(ctx, db, refs)
		stop()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Microseconds())/float64(dropped), "us-drop/report")
		b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-step-ms")
		weigh("B-dropped/report")
		b.ReportMetric(rewritten(b, hand)/float64(6*size), "us-rewrite/report")
		do(b, hand, `VACUUM FULL landed_reports.compact_reports`)
		weigh("B-rewritten/report")
		db.Close()
	}
}

// vacuuming does as autovacuum does meanwhile, only oftener.
func vacuuming(b *testing.B, hand *pgx.Conn) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(time.Second):
				if _, err := hand.Exec(ctx, `VACUUM landed_reports.compact_reports`); err != nil {
					b.Error(err)
					return
				}
			}
		}
	}()
	return func() { close(end); <-ended }
}

// rewritten is how many microseconds it takes to write what stays of all reports into another table.
func rewritten(b *testing.B, hand *pgx.Conn) float64 {
	b.Helper()
	began := time.Now()
	do(b, hand, `CREATE TABLE landed_reports.anew (LIKE landed_reports.compact_reports INCLUDING ALL)`)
	do(b, hand, `INSERT INTO landed_reports.anew SELECT * FROM landed_reports.compact_reports`)
	took := time.Since(began)
	do(b, hand, `DROP TABLE landed_reports.anew`)
	return float64(took.Microseconds())
}

func fill(b *testing.B, db fleet.Store, installations int) (refs []report.Reference) {
	b.Helper()
	for n := range installations {
		r, key := storetest.Report(n, 1)
		ref := report.ReferenceOf(r.PublicKey())
		refs = append(refs, ref)
		if err := db.UpdateReports(ctx, func(tx fleet.Tx) error {
			var all []fleet.StoredReport
			for seq := int64(1); seq < 7; seq++ {
				r, _ = storetest.Report(n, seq)
				all = append(all, storetest.Stored(b, r, key, storetest.Now.Add(time.Duration(6*n)*time.Second)))
			}
			if _, err := tx.Reports().Append(ctx, all...); err != nil {
				return err
			}
			i := fleet.Installation{Ref: ref, Release: "one", Current: true, Model: "armani", Channel: "stable", Seq: 6, Reports: 6,
				Newest: report.Report{ID: all[5].ID}, First: storetest.Now, Last: storetest.Now, Drawn: -1}
			return tx.Installations().Put(ctx, i)
		}); err != nil {
			b.Fatal(err)
		}
	}
	return refs
}
