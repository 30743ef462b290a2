// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"testing"

	"landed/server/fleet"
)

// Run is the conformance suite. open gives a fresh store each time.
func Run(t *testing.T, open func(t *testing.T) fleet.Store) {
	for _, test := range tests() {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// test is one of the suite.
type test struct {
	name string
	run  func(*testing.T, fleet.Store)
}

func tests() []test {
	return []test{
		{"an update that fails never happened", updateFails},
		{"an update that panics never happened, and the store goes on", updatePanics},
		{"a conflict inside an update leaves the rest of it standing", conflictInside},
		{"a view cannot write", viewReadOnly},
		{"a view sees one state", viewConsistent},
		{"concurrent updates lose nothing", updatesQueue},
		{"an update whose context has ended does not begin", updateCancelled},
		{"what is of the other half is refused", otherHalfRefused},
		{"the halves do not wait for each other", halvesDoNotWait},
		{"an update of the reports that fails never happened", reportsFail},
		{"a batch is what its reports are one by one", testIntake},
		{"many take reports in at once", testIntakes},
		{"what an intake may not", intakeRefuses},
		{"no bytes are nil", emptyBytes},
		{"packages", testPackages},
		{"removed packages", testRemoved},
		{"contents that come and go", testComing},
		{"packages of the same bytes", testSameBytes},
		{"releases", testReleases},
		{"changes", testChanges},
		{"metadata", testMetadata},
		{"rollouts", testRollouts},
		{"models", testModels},
		{"channels", testChannels},
		{"holders of keys", testHolders},
		{"statements", testStatements},
		{"suspended witnesses", testSuspensions},
		{"reports", testReports},
		{"installations", testInstallations},
		{"states of an installation", testStates},
		{"many at once", testMany},
		{"figures by age", testAges},
		{"ages are merged", testMerge},
		{"walks", testWalks},
		{"copies of figures", testHistory},
		{"numbers for the public", testPublicCells},
		{"provisional reports", testProvisional},
		{"counts", testCounts},
		{"totals", testTotals},
		{"counts of causes", testCauseCounts},
		{"who counts", testWhoCounts},
		{"admissions", testAdmissions},
		{"quarantines", testQuarantines},
		{"evidence epochs", testEpochs},
		{"rules of retention", testRetentions},
		{"known issues", testKnownIssues},
		{"from which take a tally is given", testTallies},
		{"pieces of tallies", testTallyPieces},
		{"the muster of a fleet", testMuster},
		{"who was silent for how long", testHeard},
		{"audit", testAudit},
		{"heads and leaves", testSeals},
		{"tokens", testTokens},
		{"what waits for a second person", testProposals},
		{"outages", testOutages},
		{"leases", testLeases},
		{"members", testMembers},
		{"what is released", testReleased},
	}
}

var ctx = context.Background()

func update(t *testing.T, s fleet.Store, fn func(fleet.Tx) error) {
	t.Helper()
	if err := s.Update(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func updateReports(t *testing.T, s fleet.Store, fn func(fleet.Tx) error) {
	t.Helper()
	if err := s.UpdateReports(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s fleet.Store, fn func(fleet.Tx) error) {
	t.Helper()
	if err := s.View(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

// wantKind runs fn in an update of its own and wants an error of this kind and code.
func wantKind(t *testing.T, s fleet.Store, k fleet.ErrorKind, code string, fn func(fleet.Tx) error) {
	t.Helper()
	err := s.Update(ctx, fn)
	e, ok := errors.AsType[*fleet.Error](err)
	if !ok || e.Kind != k || e.Code != code {
		t.Errorf("got %v, wanted %s %s", err, k, code)
	}
}

func put(name string) func(fleet.Tx) error {
	return func(tx fleet.Tx) error {
		return tx.Tokens().Put(ctx, fleet.Token{Name: name, Role: fleet.RoleSupport, Hash: []byte(name), At: Now, By: "root"})
	}
}

func names(t *testing.T, s fleet.Store) (all []string) {
	t.Helper()
	view(t, s, func(tx fleet.Tx) error {
		tokens, err := tx.Tokens().List(ctx)
		for _, token := range tokens {
			all = append(all, token.Name)
		}
		return err
	})
	return all
}
