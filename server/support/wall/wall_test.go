// SPDX-License-Identifier: Apache-2.0

package wall_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/store/storetest"
	"landed/server/support/wall"
)

// open are the tables that the public pages may read, and all that they may do there.
var open = map[string][]string{
	"Packages": nil, "Releases": nil, "Metadata": nil, "Models": nil, "Channels": nil, "Holders": nil, "Epochs": nil, "Statements": nil,
	"Changes": {"Get"}, "KnownIssues": {"Standing"}, "Rollouts": {"Get", "List", "OfModel"}, "Audit": {"OfSubject", "Acts"},
	"Installations": {"Get", "Of"},
	"Reports":       {"Get", "Page", "First"}, "PublicCells": {"Shown", "Past"},
}

// TestWall asks for every table of the store: what nobody opened is refused, also what somebody adds to the store tomorrow.
func TestWall(t *testing.T) {
	ctx := context.Background()
	err := wall.Of(storetest.Open(t), 20).View(ctx, func(tx fleet.Tx) error {
		of := reflect.ValueOf(tx)
		kind := reflect.TypeFor[fleet.Tx]()
		for n := range kind.NumMethod() {
			name := kind.Method(n).Name
			methods, is := open[name]
			got, refused := call(of.MethodByName(name))
			if refused == is {
				t.Errorf("%s: refused is %t", name, refused)
			}
			if refused || methods == nil {
				continue
			}
			table := kind.Method(n).Type.Out(0)
			for m := range table.NumMethod() {
				what := table.Method(m).Name
				method := got[0].MethodByName(what)
				in := []reflect.Value{reflect.ValueOf(ctx)}
				for i := 1; i < method.Type().NumIn(); i++ {
					if i < method.Type().NumIn()-1 || !method.Type().IsVariadic() {
						in = append(in, reflect.Zero(method.Type().In(i)))
					}
				}
				if _, refused := call(method, in...); refused == slices.Contains(methods, what) {
					t.Errorf("%s.%s: refused is %t", name, what, refused)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// call says if a call is refused, which ends a request.
func call(method reflect.Value, in ...reflect.Value) (out []reflect.Value, refused bool) {
	defer func() { refused = recover() != nil }()
	return method.Call(in), false
}

func TestBare(t *testing.T) {
	counts := map[string]string{"n": "17", "share": "100"}
	for _, tt := range []struct{ is, want fleet.Reason }{
		{fleet.Reason{}, fleet.Reason{}},
		{fleet.Said("a battery got hot"), fleet.Said("a battery got hot")},
		{fleet.Reason{Code: reasons.LeaksFound, Values: counts}, fleet.Reason{Code: wall.Held}},
		{fleet.Recorded(reasons.Words(fleet.Reason{Code: reasons.LeaksFound, Values: counts})), fleet.Reason{Code: wall.Held}},
		{fleet.Reason{Code: reasons.LostFound, Values: counts}, fleet.Reason{Code: wall.Held}},
		{fleet.Reason{Code: reasons.LeaksHalt, Values: counts}, fleet.Reason{Code: reasons.LeaksHalt}},
		{fleet.Recorded("17 of them, as it was once put"), fleet.Reason{Code: fleet.RecordedCode}},
		{fleet.Reason{Code: reasons.NotListed, Values: map[string]string{"text": "x.zip"}},
			fleet.Reason{Code: reasons.NotListed, Values: map[string]string{"text": "x.zip"}}},
	} {
		if got := wall.Bare(tt.is); !got.Equal(tt.want) {
			t.Errorf("%v becomes %v", tt.is, got)
		}
	}
	r := wall.Outside(fleet.Rollout{ID: "x", Forgiven: 17, ForgivenCounted: 17, Excused: 17, ExcusedLost: 17, Known: 17,
		Held: fleet.Reason{Code: reasons.LeaksFound, Values: counts}})
	if r.ID != "x" || r.Forgiven+r.ForgivenCounted+r.Excused+r.ExcusedLost != 0 || r.Known != 0 || r.Held.Values != nil {
		t.Errorf("outside it is %+v", r)
	}
}
