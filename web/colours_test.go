// SPDX-License-Identifier: Apache-2.0

package web

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The eyes that see no red, no green, no blue: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes,
// "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009, severity 1.0.
var eyes = map[string][3][3]float64{
	"all colours": {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"no red":      {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"no green":    {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"no blue":     {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

// apart is the least distance in CIE Lab between the colours of two verdicts: well over what
// one sees side by side, for these are looked up in a legend.
const apart = 13

// TestColoursOfVerdicts: nobody takes a leak for something else by its colour, on light or dark.
func TestColoursOfVerdicts(t *testing.T) {
	css, err := files.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"contradictory", "unpatched", "unknown"} // those of every effect
	for _, kind := range []string{"good", "open", "bad", "unjudged"} {
		for nth := range shades {
			want = append(want, Shade(kind, nth))
		}
	}
	colour := regexp.MustCompile(`--(` + strings.Join(want, "|") + `): (#[0-9a-f]{6});`)
	for _, name := range want {
		if !strings.Contains(string(css), ".c-"+name+" { fill: var(--"+name+"); color: var(--"+name+"); }") {
			t.Errorf("nothing is drawn in the colour %s", name)
		}
	}
	for _, step := range []string{"known", "downloading", "installed", "running", "failed"} {
		if !strings.Contains(string(css), ".c-step-"+step+" { fill: ") {
			t.Errorf("the step %s has no colour", step)
		}
	}
	light, dark, ok := strings.Cut(string(css), "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("there is no dark scheme")
	}
	for scheme, text := range map[string]string{"light": light, "dark": dark} {
		found := colour.FindAllStringSubmatch(text, -1)
		if len(found) != len(want) {
			t.Fatalf("%s: %d colours of verdicts, wanted %d", scheme, len(found), len(want))
		}
		for eye, m := range eyes {
			for i, a := range found {
				for _, b := range found[i+1:] {
					if d := distance(lab(seen(a[2], m)), lab(seen(b[2], m))); d < apart {
						t.Errorf("%s, %s: %s and %s are %.0f apart, wanted %d", scheme, eye, a[1], b[1], d, apart)
					}
				}
			}
		}
	}
}

// seen is a colour in linear light as an eye sees it.
func seen(hex string, eye [3][3]float64) (out [3]float64) {
	var linear [3]float64
	for i := range linear {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			panic(err) // the pattern found six hex digits
		}
		v := float64(n) / 255
		if linear[i] = v / 12.92; v > 0.04045 {
			linear[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	for i, row := range eye {
		out[i] = min(1, max(0, row[0]*linear[0]+row[1]*linear[1]+row[2]*linear[2]))
	}
	return out
}

// lab is a linear sRGB colour in CIE Lab, D65.
func lab(c [3]float64) [3]float64 {
	f := func(v float64) float64 {
		if v > 0.008856 {
			return math.Cbrt(v)
		}
		return 7.787*v + 16.0/116
	}
	x := f((0.4124*c[0] + 0.3576*c[1] + 0.1805*c[2]) / 0.95047)
	y := f(0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2])
	z := f((0.0193*c[0] + 0.1192*c[1] + 0.9505*c[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func distance(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}
