// SPDX-License-Identifier: Apache-2.0

package rows

import "landed/server/fleet"

// Tx is one transaction over both halves. cells gathers what the figures change by; it is nil where they are not
// written, and refused says why.
type Tx struct {
	control, reports Querier
	cells            cells
	refused          error
	amongServers
}

// New is a transaction that reads both halves, or writes control. refused is what whoever moves a figure is told.
func New(control, reports Querier, refused error) *Tx {
	return &Tx{control, reports, nil, refused, amongServers{control}}
}

// NewReports is a transaction that writes the reports. Flush is called before it is committed.
func NewReports(control, reports Querier) *Tx {
	return &Tx{control, reports, cells{}, nil, amongServers{control}}
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
func (t *Tx) Installations() fleet.Installations { return installations{t.reports} }
func (t *Tx) Reports() fleet.Reports             { return reports{t.reports} }
func (t *Tx) Provisional() fleet.Provisional     { return provisional{t.reports} }
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
