// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
)

// switchedLog writes to whatever a test last asked for, and nowhere at first.
type switchedLog struct{ to *atomic.Pointer[slog.Handler] }

func newSwitchedLog() switchedLog {
	s := switchedLog{&atomic.Pointer[slog.Handler]{}}
	s.set(slog.DiscardHandler)
	return s
}

func (s switchedLog) set(h slog.Handler) { s.to.Store(&h) }

// LogTo writes the lines of a level and above to w from now on.
func (r *Rooms) LogTo(w io.Writer, level slog.Level) {
	r.log.set(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

func (s switchedLog) Enabled(ctx context.Context, l slog.Level) bool {
	return (*s.to.Load()).Enabled(ctx, l)
}

func (s switchedLog) Handle(ctx context.Context, r slog.Record) error {
	return (*s.to.Load()).Handle(ctx, r)
}

func (s switchedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return (*s.to.Load()).WithAttrs(attrs)
}

func (s switchedLog) WithGroup(name string) slog.Handler { return (*s.to.Load()).WithGroup(name) }
