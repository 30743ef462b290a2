// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"landed/manifests/report"
	"landed/server/fleet"
)

// Tx is one transaction over both halves. cells gathers what the figures change by; it is nil where they are not
// written, and refused says why.
type Tx struct {
	control, reports Querier
	cells            cells
	refused          error
	asked            *asked // in Intake
	amongServers
	keeping
	toldByPeople
	tallied
}

// New is a transaction that reads both halves, or writes control. refused is what whoever moves a figure is told.
func New(control, reports Querier, refused error) *Tx {
	t := &Tx{control: control, reports: reports, refused: refused, amongServers: amongServers{control}}
	t.keeping, t.toldByPeople, t.tallied = keeping{t}, toldByPeople{t}, tallied{t}
	return t
}

// NewReports is a transaction that writes the reports. Flush is called before it is committed.
func NewReports(control, reports Querier) *Tx {
	t := &Tx{control: control, reports: reports, cells: cells{}, amongServers: amongServers{control}}
	t.keeping, t.toldByPeople, t.tallied = keeping{t}, toldByPeople{t}, tallied{t}
	return t
}

// NewIntake is one that writes the reports beside others.
func NewIntake(control, reports Querier) *Tx {
	t := NewReports(control, reports)
	t.asked = &asked{refs: map[report.Reference]bool{}, states: map[stateKey]bool{}}
	return t
}

// Overtaken says if somebody else was first with what this transaction took to be new.
func (t *Tx) Overtaken() bool { return t.asked != nil && t.asked.overtaken }

// asked is what an Intake has asked for, and so holds.
type asked struct {
	refs      map[report.Reference]bool
	states    map[stateKey]bool // those that are stored
	overtaken bool
}

type stateKey struct {
	ref     report.Reference
	release string
}

func (t *Tx) Packages() fleet.Packages           { return packages{t.control} }
func (t *Tx) Releases() fleet.Releases           { return releases{t.control} }
func (t *Tx) Changes() fleet.Changes             { return changes{t.control} }
func (t *Tx) Metadata() fleet.MetadataFiles      { return metadata{t.control} }
func (t *Tx) Rollouts() fleet.Rollouts           { return rollouts{t.control} }
func (t *Tx) Models() fleet.Models               { return models{t.control} }
func (t *Tx) Channels() fleet.Channels           { return channels{t.control} }
func (t *Tx) Holders() fleet.Holders             { return holders{t.control} }
func (t *Tx) Statements() fleet.Statements       { return statements{t.control} }
func (t *Tx) Epochs() fleet.Epochs               { return epochs{t.control} }
func (t *Tx) Admissions() fleet.Admissions       { return admissions{t.control} }
func (t *Tx) Quarantines() fleet.Quarantines     { return quarantines{t.control} }
func (t *Tx) Installations() fleet.Installations { return installations{t.reports, t.asked} }
func (t *Tx) Reports() fleet.Reports             { return reports{t.reports, t.asked} }
func (t *Tx) Provisional() fleet.Provisional     { return provisional{t.reports, t.asked} }
func (t *Tx) Counts() fleet.CountsTable          { return counts{t} }
func (t *Tx) Walks() fleet.Walks                 { return walks{t.reports} }
func (t *Tx) Audit() fleet.Audit                 { return audit{t.control} }
func (t *Tx) Tokens() fleet.Tokens               { return tokens{t.control} }
func (t *Tx) Proposals() fleet.Proposals         { return proposals{t.control} }
func (t *Tx) Outages() fleet.Outages             { return outages{t.control} }
func (t *Tx) Seals() fleet.Seals                 { return seals{t.control, t.reports} }

// amongServers is what several servers on one database need of a transaction.
type amongServers struct{ control Querier }

func (t amongServers) Leases() fleet.Leases   { return leases{t.control} }
func (t amongServers) Members() fleet.Members { return members{t.control} }

// keeping is what a transaction knows of how long reports are kept.
type keeping struct{ of *Tx }

func (t keeping) History() fleet.History         { return history{t.of.reports} }
func (t keeping) PublicCells() fleet.PublicCells { return publicCells{t.of.reports} }
func (t keeping) Retentions() fleet.Retentions   { return retentions{t.of.control} }
func (t keeping) Cuts() fleet.Cuts               { return cuts{t.of.reports, seals{t.of.control, t.of.reports}} }

// toldByPeople is what people say to whoever reads the pages.
type toldByPeople struct{ by *Tx }

func (t toldByPeople) KnownIssues() fleet.KnownIssues { return knownIssues{t.by.control} }

// tallied is what tallies are given with.
type tallied struct{ with *Tx }

func (t tallied) Tallies() fleet.Tallies         { return tallies{t.with.control} }
func (t tallied) TallyPieces() fleet.TallyPieces { return tallyPieces{t.with.reports} }
