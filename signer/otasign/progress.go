// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
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

// meter shows progress: a bar where somebody sees it, else a line of text when it takes long. It may be used from any
// number of goroutines.
type meter struct {
	mu     sync.Mutex
	screen io.Writer
	name   string
	size   int64
	read   int64
	now    func() time.Time
	next   time.Time // when a line is due
	bar    *progressbar.ProgressBar
}

// A line comes after some seconds, and then now and again: a log should not be full of them.
const (
	firstLine = 5 * time.Second
	nextLine  = 30 * time.Second
)

func newMeter(screen io.Writer, name string, size int64) *meter {
	m := &meter{screen: screen, name: plain(name), size: size, now: time.Now, next: time.Now().Add(firstLine)}
	if f, ok := screen.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		m.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(screen), progressbar.OptionSetDescription(m.name),
			progressbar.OptionShowBytes(true), progressbar.OptionFullWidth(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	return m
}

// add counts bytes. What is read twice, as a directory at the end of a file, is not counted beyond the size.
func (m *meter) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read = min(m.read+int64(n), m.size)
	if m.bar != nil {
		_ = m.bar.Set64(m.read) // a bar that cannot be drawn must not end a review
		return
	}
	if now := m.now(); !now.Before(m.next) && m.size > 0 {
		m.next = now.Add(nextLine)
		fmt.Fprintf(m.screen, "Reading %s: %d %% of %d MB.\n", m.name, m.read*100/m.size, m.size/1_000_000)
	}
}

func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}
