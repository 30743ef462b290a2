// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows how much is gone, if somebody is there to see it.
func (p *printer) bar(name string, size int64) (progress func(int64), end func()) {
	screen, ok := p.err.(interface {
		io.Writer
		Fd() uintptr
	})
	if !ok || !term.IsTerminal(int(screen.Fd())) {
		return nil, func() {}
	}
	shown := progressbar.NewOptions64(size, progressbar.OptionSetWriter(screen), progressbar.OptionSetDescription(plain(name)),
		progressbar.OptionShowBytes(true), progressbar.OptionFullWidth(), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())
	// A bar that cannot be drawn must not end an upload.
	return func(sent int64) { _ = shown.Set64(sent) }, func() { _ = shown.Finish() }
}
