// SPDX-License-Identifier: Apache-2.0

package fleet_test

import (
	"reflect"
	"strings"
	"testing"

	"landed/manifests/report"
	"landed/server/fleet"
)

// TestHalvesOfTheStore: no method of one half takes or gives a noun of the other, so that each can move to a database
// of its own; and no contract grows beyond what one reads at a glance.
func TestHalvesOfTheStore(t *testing.T) {
	reports := named(fleet.Installation{}, fleet.StoredReport{}, fleet.Counts{}, fleet.ReportID{}, fleet.ReportSeq{}, fleet.Muster{}, report.Reference(""))
	control := named(fleet.Package{}, fleet.PackageRef{}, fleet.Release{}, fleet.Change{}, fleet.Metadata{}, fleet.Rollout{}, fleet.Model{},
		fleet.Channel{}, fleet.AuditEntry{}, fleet.Token{}, fleet.Statement{}, fleet.Proposal{}, fleet.Outage{}, fleet.Admission{}, fleet.Quarantine{})
	for half, foreign := range map[reflect.Type]map[reflect.Type]bool{
		reflect.TypeFor[fleet.ControlTx](): reports,
		reflect.TypeFor[fleet.ReportsTx](): control,
	} {
		for noun := range half.Methods() {
			contract := noun.Type.Out(0)
			if contract.NumMethod() == 0 || contract.NumMethod() > 25 {
				t.Errorf("%s has %d methods", contract, contract.NumMethod())
			}
			for method := range contract.Methods() {
				for _, used := range usedBy(method.Type) {
					if foreign[used] {
						t.Errorf("%s.%s names %s, which is of the other half", contract, method.Name, used)
					}
				}
			}
		}
	}
}

func named(nouns ...any) map[reflect.Type]bool {
	all := map[reflect.Type]bool{}
	for _, n := range nouns {
		all[reflect.TypeOf(n)] = true
	}
	return all
}

// usedBy lists the types of a signature, those inside slices, maps and pointers too.
func usedBy(signature reflect.Type) (all []reflect.Type) {
	var add func(reflect.Type)
	add = func(t reflect.Type) {
		all = append(all, t)
		switch {
		case strings.HasPrefix(t.String(), "fleet."), strings.HasPrefix(t.String(), "report."):
		case t.Kind() == reflect.Slice, t.Kind() == reflect.Pointer:
			add(t.Elem())
		case t.Kind() == reflect.Map:
			add(t.Key())
			add(t.Elem())
		}
	}
	for in := range signature.Ins() {
		add(in)
	}
	for out := range signature.Outs() {
		add(out)
	}
	return all
}
