// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Standing is how the server stands now.
type Standing struct {
	DiskFree, DiskMark, Reserve int64 // bytes
	ReserveMissing              bool
	Database                    map[string]int64 // bytes of each half, by name
	Causes                      map[string]bool  // by name, whether it keeps the server from being ready; all of them
	Failing                     bool             // the last publication was not done
	Unpublished                 time.Duration    // for so long a change of the rollouts is stored and not published
	Halting                     int              // rollouts that are halted, and whose handsets are not told so yet
	Excess                      int64            // rollouts whose build more report to run than their share explains
	Regressions                 int64            // shares of a release that are worse than they were
	// Reports that are stored of installations that are of no counted fleet, and that may be; the latter below 0 without a bound.
	Uncounted, UncountedLimit int64
	Provisional, Evicted      int64                // reports that are kept for now, and that were let go of since the start
	Expires                   time.Time            // of the timestamp; zero before the first
	Expiries                  map[string]time.Time // of each role of the served feed
	Vouchers                  map[string]time.Time // when the last voucher for a witness handset ends, by model

	Feed        []FeedAnswers // all that there may be
	TargetBytes int64         // that the feed has given away
	S3          *S3           // nil: packages lie on the disk, or nobody counts

	Reports     []Reports
	Implausible int64         // reports that say what nobody can have seen
	Queued      int           // reports that wait to be stored
	Oldest      time.Duration // for so long the oldest waits that has no answer

	Taken time.Duration // all places for connections were, since the start
	Away  int64         // so often who came found none of them

	// Leases are what one server at a time may do, by name, and whether this one may; nil where there is one server.
	Leases map[string]bool

	Installations []Cell
	Counted       time.Time // as of when; zero: not yet
}

// FeedAnswers are answers of the feed since the start.
type FeedAnswers struct {
	Kind, Status string
	N            int64
}

// Reports are what became of reports since the start: an outcome, with the code of why, and the class of who was sent
// away, where there is one.
type Reports struct {
	Outcome, Code, Class string
	N                    int64
}

// S3 is what was asked of the S3 store since the start.
type S3 struct {
	Requests, Asked, Came int64 // the latter two in bytes: asked for, and read
}

type collector struct {
	standing func(context.Context) Standing
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("landed_"+name, help, labels, nil)
}

var (
	diskFree       = gauge("disk_free_bytes", "Free bytes on the disk of the data folder.")
	diskMark       = gauge("disk_mark_bytes", "So many must be free for reports and packages to be taken in.")
	reserve        = gauge("reserve_bytes", "Bytes that are kept for halts.")
	reserveMissing = gauge("reserve_missing", "1 while the reserve was given back and is not made again.")
	databaseBytes  = gauge("database_bytes", "Size of the files of each half of the database.", "half")
	notReady       = gauge("not_ready", "1 while the cause keeps the server from being ready.", "cause")
	failing        = gauge("publication_failing", "1 while the last publication was not done.")
	unpublished    = gauge("unpublished_seconds", "For so long a change of the rollouts is stored and not published.")
	halting        = gauge("rollouts_halting", "Rollouts that are halted, and whose handsets are not told so yet.")
	excess         = gauge("rollouts_excess", "Rollouts whose build more installations report to run than their share explains.")
	regressions    = gauge("regressions", "Shares of the installations of a release on a model that are worse than they were.")
	voucherEnds    = gauge("voucher_ends_seconds", "When the last voucher for a witness handset of a model ends, in Unix time.", "model")
	roleExpires    = gauge("role_expires_seconds", "When the metadata of a role expires, in Unix time.", "role")
	expires        = gauge("timestamp_expires_seconds", "When the timestamp of the feed expires, in Unix time.")
	uncounted      = gauge("uncounted_reports", "Stored reports of installations that are of no counted fleet.")
	uncountedLimit = gauge("uncounted_limit_reports", "How many of those may be; more are provisional. -1 is no bound.")
	provisional    = gauge("provisional_reports", "Reports that are kept for now, and may be let go of.")
	evicted        = gauge("provisional_evicted_total", "Provisional reports that were let go of.")
	feedAnswers    = gauge("feed_requests_total", "Answers of the feed, by what was asked for and status; a poll asks for "+
		"the timestamp.", "kind", "status")
	targetBytes = gauge("feed_target_bytes_total", "Bytes of packages and documents that the feed gave away.")
	s3Requests  = gauge("s3_requests_total", "Reads that were asked of the S3 store.")
	s3Asked     = gauge("s3_asked_bytes_total", "Bytes that were asked of the S3 store.")
	s3Came      = gauge("s3_read_bytes_total", "Bytes of those that were read.")
	reports     = gauge("reports_total", "Reports by what became of them, with the code of why and the class of who was "+
		"sent away, where there is one.", "outcome", "code", "class")
	implausible = gauge("reports_implausible_total", "Reports that were stored, and say what nobody can have seen.")
	queued      = gauge("intake_queue_reports", "Reports that wait to be stored.")
	oldest      = gauge("intake_queue_oldest_seconds", "For so long the oldest report waits that has no answer.")
	taken       = gauge("connections_taken_seconds_total", "For so long all places for connections were taken.")
	away        = gauge("connections_away_total", "So often who came found no place: waited for one, or was told to come later.")
	leases      = gauge("lease_held", "1 while this server holds the lease.", "lease")
)

// Describe implements prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		diskFree, diskMark, reserve, reserveMissing, databaseBytes, notReady, failing, unpublished, halting, expires,
		roleExpires, feedAnswers, targetBytes, s3Requests, s3Asked, s3Came, reports, implausible, queued, oldest, taken, away, leases,
		installations, countedFleet, figuresAt, uncounted, uncountedLimit, provisional, evicted, voucherEnds, excess, regressions,
	} {
		to <- d
	}
}
