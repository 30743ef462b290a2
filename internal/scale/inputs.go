// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// inputs are what the model is computed from. Those that were measured are of November 2026 and of two virtual cores; those that were
// chosen are for whoever reads the page to choose again.
type inputs struct {
	pollHours, timestampHours, offersHours, unchangedBytes, timestampBytes, offersBytes float64
	requestsTimestamp, requestsOffers, requestMicros, handshakeMicros                   float64

	reportBytes, reportsPerRelease, reportsAtWidening, wideningHours, wideningShare, peak float64
	reportMicros, databaseMicros, oneMachineReports, primaryReports                       float64
	reportDisk, reportDiskCompact, installationDisk                                       float64

	releasesPerYear, packageMB, deltaShare float64
	uplinkGbit, restoreMBps, restoreHours  float64
	fsckReports, fsckHours                 float64
	headroom, minCores                     float64

	coreMonth, diskGBMonth, objectGBMonth float64
}

// input is one of them, as people name it.
type input struct {
	name  string
	value *float64
	unit  string
	what  string // one line
	from  string // what measured it, who says so, or that it was chosen
}

const (
	chosen   = "chosen"
	figures  = "[figures.md](../design/figures.md)"
	measured = "measured, November 2026"
	aws      = "Amazon Web Services, US East, "
)

// list names all inputs, in the order of the page.
func (in *inputs) list() []input {
	return []input{
		{"poll-hours", &in.pollHours, "h", "between two polls of a handset", "`handset`, its default"},
		{"timestamp-hours", &in.timestampHours, "h", "between two renewals of the timestamp",
			"`server/repo`, its default"},
		{"offers-hours", &in.offersHours, "h", "between two renewals of the offers", "`server/repo`, its default"},
		{"poll-unchanged-bytes", &in.unchangedBytes, "B",
			"a poll that brings nothing, all of TCP, without TLS: for those who poll oftener than the timestamp is renewed", figures},
		{"poll-timestamp-bytes", &in.timestampBytes, "B", "a poll that brings a new timestamp", figures},
		{"poll-offers-bytes", &in.offersBytes, "B", "a poll that brings new offers of its model",
			figures + ", 7 models"},
		{"poll-timestamp-requests", &in.requestsTimestamp, "", "requests of a poll that brings a new timestamp",
			"[feed.md](../protocol/feed.md)"},
		{"poll-offers-requests", &in.requestsOffers, "", "requests of a poll that brings new offers",
			"[feed.md](../protocol/feed.md)"},
		{"request-micros", &in.requestMicros, "µs", "processor time of the server for a request of the feed",
			"[watching.md](../design/watching.md)"},
		{"handshake-micros", &in.handshakeMicros, "µs", "processor time of a TLS handshake at the balancer",
			chosen + "; not measured"},
		{"report-bytes", &in.reportBytes, "B", "an envelope on its way in",
			measured + ": 1,202 to 1,302 B of 300,000"},
		{"reports-per-release", &in.reportsPerRelease, "", "a baseline, two of progress, then 1 h, 24 h, 7 days, and two later ones",
			"`handset`, by hand"},
		{"reports-at-widening", &in.reportsAtWidening, "", "of those, within a poll interval of an offer: downloading, installed, running, 1 h",
			"`handset`, by hand"},
		{"widening-share", &in.wideningShare, "", "of the fleet, that the widest stage adds",
			chosen + ": from 50 % to everybody"},
		{"widening-hours", &in.wideningHours, "h", "in which it begins: a poll interval, more or less, and the download",
			chosen},
		{"peak", &in.peak, "", "busiest hour over the mean: a fleet in few time zones sleeps together", chosen},
		{"report-micros", &in.reportMicros, "µs", "processor time of `otad` for a report over HTTP",
			measured + ": 374 to 468 on SQLite, its writing included"},
		{"database-micros", &in.databaseMicros, "µs", "processor time of PostgreSQL for a report in batches of 256",
			measured + ", one writer"},
		{"one-machine-reports", &in.oneMachineReports, "/s",
			"reports that one `otad` with SQLite takes on two cores, the senders on the same two",
			measured + ": 2,300 to 2,800"},
		{"primary-reports", &in.primaryReports, "/s", "reports that the largest PostgreSQL primary takes",
			"inferred from 8,000 to 10,000 on two cores; not measured"},
		{"report-disk", &in.reportDisk, "B", "a report on disk with its index, as it came",
			measured + ", SQLite, 20,000 installations of 3 to 8 reports: 1,369 and 103"},
		{"report-disk-compact", &in.reportDiskCompact, "B", "the same once it is sealed and compact, an hour later",
			measured + ", the same ones"},
		{"installation-disk", &in.installationDisk, "B", "an installation on disk", measured + ", the same ones"},
		{"releases-per-year", &in.releasesPerYear, "", "releases that go to every handset", chosen},
		{"package-mb", &in.packageMB, "MB", "a full package", chosen},
		{"delta-share", &in.deltaShare, "", "an incremental of it, as a part of the full one",
			measured + " for a server-made one, 2.9 to 3.2 %; a maker's own is larger"},
		{"uplink-gbit", &in.uplinkGbit, "Gbit/s", "the network of one machine", chosen},
		{"restore-mbps", &in.restoreMBps, "MB/s", "how fast a database is copied or restored",
			chosen},
		{"restore-hours", &in.restoreHours, "h", "how long that may take", chosen},
		{"fsck-reports", &in.fsckReports, "/s", "reports that `otad fsck` verifies and judges again",
			measured + " beside other work, one report each of 100,000 installations"},
		{"fsck-hours", &in.fsckHours, "h", "how long that may take", chosen},
		{"headroom", &in.headroom, "", "processors bought over those that the peak needs", chosen},
		{"min-cores", &in.minCores, "", "processors of the smallest sensible machine", chosen},
		{"core-month", &in.coreMonth, "$", "a virtual core with 4 GB for a month",
			aws + "m7g.large, 0.0816 $/h for two, as [told on " +
				"2026-06-17](https://www.factualminds.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026/)"},
		{"disk-gb-month", &in.diskGBMonth, "$", "a GB of block storage for a month",
			"Amazon Web Services, gp3: 0.09394 € in an example of [its page](https://aws.eu/ebs/pricing) " +
				"(2026), taken for 0.10 $"},
		{"object-gb-month", &in.objectGBMonth, "$", "a GB in an S3 store for a month",
			aws + "first 50 TB, as [told in July " +
				"2022](https://gist.github.com/EverettBerry/a37438006529a55f42da6fdbc44a505c)"},
	}
}

// defaults are the inputs of the page.
func defaults() inputs {
	return inputs{
		pollHours: 12, timestampHours: 4, offersHours: 24, unchangedBytes: 340, timestampBytes: 2000, offersBytes: 5600,
		requestsTimestamp: 3, requestsOffers: 6, requestMicros: 25, handshakeMicros: 1000,
		reportBytes: 1250, reportsPerRelease: 8, reportsAtWidening: 4, wideningHours: 14, wideningShare: 0.5, peak: 3,
		reportMicros: 420, databaseMicros: 74, oneMachineReports: 2300, primaryReports: 40000,
		reportDisk: 1471, reportDiskCompact: 217, installationDisk: 228,
		releasesPerYear: 12, packageMB: 500, deltaShare: 0.03, uplinkGbit: 1, restoreMBps: 100, restoreHours: 2,
		fsckReports: 1430, fsckHours: 24,
		headroom: 2, minCores: 2,
		coreMonth: 29.8, diskGBMonth: 0.10, objectGBMonth: 0.023,
	}
}

// set changes an input by its name, name=value; values are above 0.
func (in *inputs) set(text string) error {
	name, value, _ := strings.Cut(text, "=")
	for _, i := range in.list() {
		if i.name != name {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil || !(v > 0) || v > 1e15 {
			return fmt.Errorf("%s is %q; wanted a number above 0", name, value)
		}
		*i.value = v
		return nil
	}
	return fmt.Errorf("no input is named %q; wanted NAME=VALUE with a name of the table in docs/operate/scale.md", name)
}

// tier is a part of a list of prices: so many GB at so much each; 0 GB is all that is left.
type tier struct{ gb, dollars float64 }

// delivery is the list of Amazon CloudFront for the United States, Mexico, Canada and Europe, from
// https://aws.amazon.com/cloudfront/pricing as it was stored in 2026; other regions cost up to four times as much. A GB of it is
// counted as 10^9 bytes.
var delivery = []tier{{10e3, 0.085}, {40e3, 0.080}, {100e3, 0.060}, {350e3, 0.040}, {524e3, 0.030}, {4e6, 0.025}, {0, 0.020}}

// price is what so many GB cost by a list.
func price(list []tier, gb float64) (dollars float64) {
	for _, t := range list {
		n := gb
		if t.gb > 0 {
			n = min(n, t.gb)
		}
		dollars += n * t.dollars
		gb -= n
	}
	return dollars
}
