// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/term"
)

// watchedFS says, on screen, how far the reading of each file has come: a package has gigabytes.
type watchedFS struct {
	fs.FS
	screen io.Writer
}

// Open implements fs.FS.
func (w watchedFS) Open(name string) (fs.File, error) {
	f, err := w.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	at, ok := f.(io.ReaderAt)
	if err != nil || !ok || !info.Mode().IsRegular() {
		return f, nil // whoever reads it finds out
	}
	return &watchedFile{f, at, newMeter(w.screen, name, info.Size())}, nil
}

// watchedFile counts what is read.
type watchedFile struct {
	fs.File
	at    io.ReaderAt
	meter *meter
}

// ReadAt implements io.ReaderAt.
func (f *watchedFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.at.ReadAt(p, off)
	f.meter.add(n)
	return n, err
}

// Close implements fs.File.
func (f *watchedFile) Close() error {
	f.meter.end()
	return f.File.Close()
}

// meter shows progress: on a terminal in one line that changes, else in a line of text when it takes long. It may be
// used from any number of goroutines. The progress bar of the other programs comes with an HTTP server, and this
// program links no network code.
type meter struct {
	mu     sync.Mutex
	screen io.Writer
	name   string
	size   int64
	read   int64
	now    func() time.Time
	next   time.Time // when a line is due
	live   bool      // somebody sees it: one line, written again and again
}

// A line comes after some seconds, and then now and again: a log should not be full of them.
const (
	firstLine = 5 * time.Second
	nextLine  = 30 * time.Second
	refresh   = 200 * time.Millisecond // of a terminal
)

// clearLine goes to the beginning of a terminal's line and empties it (ECMA-48, EL).
const clearLine = "\r\x1b[K"

func newMeter(screen io.Writer, name string, size int64) *meter {
	m := &meter{screen: screen, name: plain(name), size: size, now: time.Now, next: time.Now().Add(firstLine)}
	if f, ok := screen.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		m.live, m.next = true, time.Now().Add(refresh)
	}
	return m
}

// add counts bytes. What is read twice, as a directory at the end of a file, is not counted beyond the size.
func (m *meter) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read = min(m.read+int64(n), m.size)
	now := m.now()
	if now.Before(m.next) || m.size == 0 {
		return
	}
	before, after, wait := "", "\n", nextLine
	if m.live {
		before, after, wait = clearLine, "", refresh
	}
	m.next = now.Add(wait)
	fmt.Fprintf(m.screen, "%sReading %s: %d %% of %d MB.%s", before, m.name, m.read*100/m.size, m.size/1_000_000, after)
}

func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.live {
		fmt.Fprint(m.screen, clearLine)
	}
}
