// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"landed/server/span"
)

// heard is a Tracer that writes down what it is told.
type heard struct{ lines *[]string }

type below struct{}

func (h heard) Begin(ctx context.Context, name string) (context.Context, span.Open) {
	*h.lines = append(*h.lines, fmt.Sprintf("%v > %s", ctx.Value(below{}), name))
	return context.WithValue(ctx, below{}, name), open{h, name}
}

type open struct {
	heard
	name string
}

func (o open) Figure(key string, n int64) {
	*o.lines = append(*o.lines, fmt.Sprintf("%s: %s %d", o.name, key, n))
}
func (o open) End(failed bool) {
	*o.lines = append(*o.lines, fmt.Sprintf("%s ends, failed %t", o.name, failed))
}

func TestSpans(t *testing.T) {
	var lines []string
	spans, fault := span.To(heard{&lines}), errors.New("of a person")
	err := spans.Do(t.Context(), "outer", func(ctx context.Context) error {
		_, inner := spans.Begin(ctx, "inner")
		inner.Figure("reports", 3)
		inner.End(nil)
		return fault
	})
	want := []string{"<nil> > outer", "outer > inner", "inner: reports 3", "inner ends, failed false", "outer ends, failed true"}
	if err != fault || !slices.Equal(lines, want) {
		t.Errorf("%v, %q; wanted %q", err, lines, want)
	}
}

// Where nobody measures, a span is no work and no memory.
func TestNobodyMeasures(t *testing.T) {
	var none span.Spans
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		below, s := none.Begin(ctx, "x")
		s.Figure("reports", 3)
		s.End(nil)
		if below != ctx {
			t.Error("the context is another one")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNobodyMeasures(b *testing.B) {
	var none span.Spans
	ctx := context.Background()
	for b.Loop() {
		_, s := none.Begin(ctx, "x")
		s.Figure("reports", 3)
		s.End(nil)
	}
}
