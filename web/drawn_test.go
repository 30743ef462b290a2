// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"
)

// TestDrawn: what is said under a number is drawn once in each way; what has none is drawn each time.
func TestDrawn(t *testing.T) {
	l, err := NewLocale("en")
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPages(l, Links{})
	if err != nil {
		t.Fatal(err)
	}
	type model struct{ Standing, Badge string }
	draw := func(said int64, what model, how ...any) string {
		t.Helper()
		html, err := p.drawings("unseen.badge", []Piece{{said, what}}, how...)
		if err == nil {
			t.Fatalf("there is such a piece: %s", html)
		}
		if html, err = p.drawings("drawn.test", []Piece{{said, what}}, how...); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(string(html), "\n")
	}
	if _, err := p.drawn.from.New("drawn.test").Parse(`{{with index . 0}}{{.Badge}}{{end}}{{len .}}`); err != nil {
		t.Fatal(err)
	}
	first := draw(7, model{Badge: "<a>"}, true)
	for what, got := range map[string]string{
		"the same number": draw(7, model{Badge: "<b>"}, true), "another way": draw(7, model{Badge: "<c>"}, true, 1),
		"another number": draw(8, model{Badge: "<d>"}, true), "none": draw(0, model{Badge: "<e>"}, true),
		"none again": draw(0, model{Badge: "<f>"}, true),
	} {
		want := map[string]string{"the same number": "&lt;a&gt;2", "another way": "&lt;c&gt;3", "another number": "&lt;d&gt;2",
			"none": "&lt;e&gt;2", "none again": "&lt;f&gt;2"}[what]
		if got != want {
			t.Errorf("%s: %q, wanted %q", what, got, want)
		}
	}
	if first != "&lt;a&gt;2" {
		t.Error(first)
	}
	for n := range int64(3 * mostDrawn) {
		draw(100+n, model{}, true)
	}
	if n := len(p.drawn.young) + len(p.drawn.old); n > 2*mostDrawn {
		t.Errorf("%d pieces are kept", n)
	}
}
