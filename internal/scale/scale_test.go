// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestPage: the page says what the model says.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/operate/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	now, err := replace(string(text), tables(defaults(), fleets))
	if err != nil {
		t.Fatal(err)
	}
	if now != string(text) {
		t.Error("docs/operate/scale.md is not what is computed; go run ./internal/scale -write docs/operate/scale.md, and read its prose again")
	}
}

// TestByHand holds the model against sums done by hand, for a fleet of a million.
func TestByHand(t *testing.T) {
	o := compute(defaults(), 1e6)
	for name, tt := range map[string]struct{ got, want float64 }{
		"polls a second":           {o.polls, 2e6 / 86400},
		"requests of the feed":     {o.pollRequests, 9e6 / 86400},
		"GB of the feed":           {o.feedGB, 7600 * 1e6 / 1e9 * 730 / 24},
		"reports of a release":     {o.reports, 8e6},
		"reports a second at peak": {o.reportsPeak, 0.5e6 * 4 / (14 * 3600) * 3},
		"cores of otad for them":   {o.intakeCores, 0.5e6 * 4 / (14 * 3600) * 3 * 420e-6},
		"GB of reports":            {o.diskGB, 8e6 * 1471 / 1e9},
		"GB after a year":          {o.yearGB, (12*8e6*217 + 1e6*228) / 1e9},
		"TB of packages":           {o.packagesTB, 500},
		"packages, $":              {o.packagesDollars, price(delivery, o.feedGB+500e3) - price(delivery, o.feedGB)},
	} {
		if math.Abs(tt.got-tt.want) > 1e-9*tt.want {
			t.Errorf("%s: %g; wanted %g", name, tt.got, tt.want)
		}
	}
}

func TestPrice(t *testing.T) {
	for gb, want := range map[float64]float64{
		0: 0, 1: 0.085, 10e3: 850, 50e3: 850 + 3200, 6e6: 850 + 3200 + 6000 + 14000 + 15720 + 100000 + 976e3*0.02,
	} {
		if got := price(delivery, gb); math.Abs(got-want) > 1e-6 {
			t.Errorf("%g GB cost %g; wanted %g", gb, got, want)
		}
	}
}

// TestInputs: each input has a name, a value and a source, and each of them moves something.
func TestInputs(t *testing.T) {
	in := defaults()
	if fields := reflect.TypeFor[inputs]().NumField(); len(in.list()) != fields {
		t.Errorf("%d inputs are listed, of %d", len(in.list()), fields)
	}
	oftener := func() (in inputs) { // so that some polls bring nothing
		in = defaults()
		in.pollHours = 1
		return in
	}
	before := everything(oftener())
	for _, i := range in.list() {
		if !(*i.value > 0) || i.what == "" || i.from == "" {
			t.Errorf("%+v", i)
		}
		changed := oftener()
		if err := changed.set(i.name + "=" + exact(*i.value*1.7)); err != nil {
			t.Error(err)
		}
		if reflect.DeepEqual(everything(changed), before) && i.name != "poll-hours" {
			t.Errorf("%s moves nothing", i.name)
		}
	}
	often := defaults()
	if err := often.set("poll-hours=1"); err != nil {
		t.Fatal(err)
	}
	if got, want := compute(often, 1e6).feedGB, (5600+5*2000+18*340)*1e6/1e9*730/24; math.Abs(got-want) > 1e-9*want {
		t.Errorf("polls of an hour: %g GB; wanted %g", got, want)
	}
	for _, text := range []string{"", "peak", "peak=", "peak=0", "peak=-1", "peak=NaN", "peak=1e99", "peek=1"} {
		if err := in.set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func everything(in inputs) (all []any) {
	for _, n := range fleets {
		all = append(all, compute(in, n))
	}
	return append(all, walls(in))
}

// TestShapes: a larger fleet never has a smaller shape, and each shape begins behind a wall that ends the one before.
func TestShapes(t *testing.T) {
	in, last := defaults(), 0
	order := map[shape]int{oneMachine: 0, withCDN: 1, replicas: 2}
	seen := map[shape]bool{}
	for n := 1e2; n < 1e9; n *= 1.3 {
		s := shapeOf(in, n)
		if order[s] < last {
			t.Errorf("%g handsets: %s", n, s.name)
		}
		last, seen[s] = order[s], true
	}
	if len(seen) != len(order) {
		t.Errorf("only %v are ever used", seen)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 1e6: "1 M", 0.00123: "0.0012", 9.96: "10", 1234: "1200", 12345: "12 k",
		999999: "1 M", 2.5e7: "25 M", 8e9: "8 G"} {
		if got := number(n); got != want {
			t.Errorf("%g is %q; wanted %q", n, got, want)
		}
	}
	for n, want := range map[float64]string{0.0134: "13 MB", 13.4: "13 GB", 1340: "1.3 TB", 5e7: "50 PB"} {
		if got := size(n); got != want {
			t.Errorf("%g GB is %q; wanted %q", n, got, want)
		}
	}
	if _, err := replace("no marks\n", ""); err == nil || !strings.Contains(err.Error(), "computed") {
		t.Errorf("%v; wanted to be told of the marks", err)
	}
}
