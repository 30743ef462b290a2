// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"math"
	"slices"
)

const (
	day   = 86400.0 // seconds
	month = 730.0 / 24 * day
	gb    = 1e9
)

// outcome is what a fleet of some size asks for, by the month unless it says otherwise.
type outcome struct {
	handsets             float64
	shape                shape
	polls, pollRequests  float64 // a second, mean
	feedGB               float64 // metadata, both ways
	edgeCores, feedCores float64 // at the peak
	reports              float64 // of one release
	reportsMean          float64 // a second
	reportsGB            float64 // on their way in
	reportsPeak          float64 // a second, in the busiest hour of the widest stage
	intakeCores, dbCores float64 // at that peak
	diskGB, compactGB    float64 // of one release, without installations
	installationsGB      float64
	fsckHours            float64 // that fsck takes of a year of reports
	yearGB               float64 // a year of releases, compact, and the installations
	packagesTB, deltaTB  float64 // of one release
	serversDollars       float64
	diskDollars          float64
	feedDollars          float64
	packagesDollars      float64
	deltasDollars        float64
}

// demand is what so many handsets ask for, without prices. It is linear.
func demand(in inputs, handsets float64) outcome {
	o := outcome{handsets: handsets}
	polls := 24 / in.pollHours // a day; each brings the newest of what was renewed since the one before
	offers := min(polls, 24/in.offersHours)
	timestamps := max(0, min(polls, 24/in.timestampHours)-offers)
	unchanged := polls - offers - timestamps
	o.polls = handsets * polls / day
	o.pollRequests = handsets * (offers*in.requestsOffers + timestamps*in.requestsTimestamp + unchanged) / day
	o.feedGB = handsets * (offers*in.offersBytes + timestamps*in.timestampBytes + unchanged*in.unchangedBytes) * month / day / gb
	o.feedCores = o.pollRequests * in.peak * in.requestMicros / 1e6

	releases := in.releasesPerYear / 12
	o.reports = handsets * in.reportsPerRelease
	o.fsckHours = o.reports * in.releasesPerYear / in.fsckReports / 3600
	o.reportsMean = o.reports * releases / month
	o.reportsGB = o.reports * releases * in.reportBytes / gb
	o.reportsPeak = handsets * in.wideningShare * in.reportsAtWidening / (in.wideningHours * 3600) * in.peak
	o.intakeCores = o.reportsPeak * in.reportMicros / 1e6
	o.dbCores = o.reportsPeak * in.databaseMicros / 1e6
	o.edgeCores = (o.polls*in.peak + o.reportsPeak) * in.handshakeMicros / 1e6

	o.diskGB = o.reports * in.reportDisk / gb
	o.compactGB = o.reports * in.reportDiskCompact / gb
	o.installationsGB = handsets * in.installationDisk / gb
	o.yearGB = o.compactGB*in.releasesPerYear + o.installationsGB

	o.packagesTB = handsets * in.packageMB / 1e6
	o.deltaTB = o.packagesTB * in.deltaShare
	return o
}

// compute is the demand with its price: that of the smallest shape which carries it.
func compute(in inputs, handsets float64) outcome {
	o, releases := demand(in, handsets), in.releasesPerYear/12
	o.shape = shapeOf(in, handsets)
	o.serversDollars = o.shape.cores(in, o) * in.coreMonth
	o.diskDollars = o.shape.copies * o.yearGB * in.diskGBMonth
	o.diskDollars += (o.yearGB + in.packageMB/1e3*in.releasesPerYear) * in.objectGBMonth
	o.feedDollars = price(delivery, o.feedGB)
	o.packagesDollars = price(delivery, o.feedGB+o.packagesTB*1e3*releases) - o.feedDollars
	o.deltasDollars = price(delivery, o.feedGB+o.deltaTB*1e3*releases) - o.feedDollars
	return o
}

// cores are those of all machines together, bought with room.
func (s shape) cores(in inputs, o outcome) float64 {
	whole := func(cores float64) float64 { return max(in.minCores, math.Ceil(cores*in.headroom)) }
	if s.copies == 1 {
		return whole(o.feedCores + o.intakeCores + o.edgeCores)
	}
	servers := max(2*in.minCores, whole(o.feedCores+o.intakeCores))
	return servers + s.copies*whole(o.dbCores) + max(2*in.minCores, whole(o.edgeCores))
}

// shape is how a fleet is served; copies are those of the database.
type shape struct {
	name   string
	copies float64
}

var (
	oneMachine = shape{"one machine", 1}
	withCDN    = shape{"one machine, CDN", 1}
	replicas   = shape{"replicas, PostgreSQL, S3, CDN", 2}
)

// shapeOf is the smallest shape that carries a fleet: replicas once one machine with SQLite cannot take the peak or hold a year.
func shapeOf(in inputs, handsets float64) shape {
	best := oneMachine
	for _, w := range walls(in) {
		switch {
		case handsets <= w.handsets:
		case w.ends == withCDN:
			return replicas
		case w.ends == oneMachine:
			best = withCDN
		}
	}
	return best
}

// wall is what a fleet meets when it has so many handsets.
type wall struct {
	handsets   float64
	ends       shape // that it is the end of; a zero one is a matter of money or of design
	what, then string
}

// walls are all of them, the nearest first.
func walls(in inputs) []wall {
	per := func(limit, each float64) float64 { return limit / each }
	one := demand(in, 1)
	room := in.restoreMBps * in.restoreHours * 3600 / 1e3 // GB
	all := []wall{
		{per(in.fsckReports*in.fsckHours*3600, in.reportsPerRelease*in.releasesPerYear), shape{},
			"a year of reports: `otad fsck` takes a day, and `otad copy` as long while the fleet stands",
			"fsck of a restored copy, on a machine of its own; move to PostgreSQL before"},
		{per(in.uplinkGbit/8*1e3, in.wideningShare*in.packageMB/(in.wideningHours*3600)), oneMachine,
			"the network of one machine, while the widest stage downloads full packages", "a CDN for packages"},
		{per(in.uplinkGbit/8*1e3, in.wideningShare*in.packageMB*in.deltaShare/(in.wideningHours*3600)), shape{},
			"the same with incrementals alone", "a CDN for packages"},
		{per(room, one.diskGB*in.releasesPerYear+one.installationsGB), shape{},
			"a year of reports as they came: to copy or restore one file takes too long", "compaction, which makes it the wall below"},
		{per(room, one.yearGB), withCDN,
			"a year of compact reports: the same", "PostgreSQL, whose copies and archives are made beside its work"},
		{per(in.oneMachineReports, one.reportsPeak), withCDN,
			"reports of the widest stage, with one SQLite file on two cores", "PostgreSQL and replicas, or a stage that widens by smaller steps"},
		{per(in.primaryReports, one.reportsPeak), shape{},
			"the same with one PostgreSQL primary", "smaller stages; several fleets, each with servers of its own"},
	}
	slices.SortStableFunc(all, func(a, b wall) int { return cmp.Compare(a.handsets, b.handsets) })
	return all
}
