// SPDX-License-Identifier: Apache-2.0

// Package span is the seam between what takes time and whoever measures it.
//
// Parties: rooms, intake and the map of the house begin and end spans; package server hands them a [Tracer], which
// measures for the metrics, and for OpenTelemetry where that is asked for. It promises that a span costs nothing where
// nobody measures, and that nothing of a person or an installation can stand in one: names are constants of the program,
// which the compiler holds, figures are integers, and of an error it is told that there was one. It refuses text.
package span

import "context"

// word is a constant of the program: no other package can make one of a string that it was given.
type word string

// Tracer measures spans. Its methods are called from any number of goroutines.
type Tracer interface {
	// Begin begins a span below the one that ctx is of, if there is one. What is begun with the context that it answers
	// lies below this one.
	Begin(ctx context.Context, name string) (context.Context, Open)
}

// Open is a span that has begun. One goroutine uses it.
type Open interface {
	Figure(key string, n int64)
	End(failed bool)
}

// Spans begins spans. The zero value begins none.
type Spans struct{ tracer Tracer }

// To begins spans that t measures.
func To(t Tracer) Spans { return Spans{t} }

// Span has begun. The zero value measures nothing.
type Span struct{ open Open }

// Begin begins a span with a constant name.
func (s Spans) Begin(ctx context.Context, name word) (context.Context, Span) {
	if s.tracer == nil {
		return ctx, Span{}
	}
	ctx, open := s.tracer.Begin(ctx, string(name))
	return ctx, Span{open}
}

// Figure says how much of something there was; key is a constant.
func (s Span) Figure(key word, n int) {
	if s.open != nil {
		s.open.Figure(string(key), int64(n))
	}
}

// End ends the span. Of err it is told whether there is one.
func (s Span) End(err error) {
	if s.open != nil {
		s.open.End(err != nil)
	}
}

// Do runs fn in a span.
func (s Spans) Do(ctx context.Context, name word, fn func(context.Context) error) error {
	ctx, sp := s.Begin(ctx, name)
	err := fn(ctx)
	sp.End(err)
	return err
}
