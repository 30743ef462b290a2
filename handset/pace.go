// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// Pace is the slowest server that is waited for: at least Bytes in every Window. update_engine gives
// up below 10 bytes/s for 90 s, which a server that means harm can afford for ever.
type Pace struct {
	Bytes  int64
	Window time.Duration
}

// DefaultPace is 1 KiB/s, looked at twice a minute.
var DefaultPace = Pace{Bytes: 30 << 10, Window: 30 * time.Second}

var errSlow = errors.New("the server is slower than the minimum rate")

// paced ends a request whose body comes too slowly, even if a single Read never returns.
type paced struct {
	pace   Pace
	from   io.ReadCloser
	cancel context.CancelCauseFunc
	timer  *time.Timer
	read   atomic.Int64 // bytes in this window
	tooLow atomic.Bool
}

func (p *paced) watch() {
	p.timer = time.AfterFunc(p.pace.Window, func() {
		if p.read.Swap(0) < p.pace.Bytes {
			p.tooLow.Store(true)
			p.cancel(errSlow)
			return
		}
		p.timer.Reset(p.pace.Window)
	})
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.read.Add(int64(n))
	if err != nil && p.tooLow.Load() { // however the transport tells it, even as a plain end
		err = errors.Join(errSlow, io.ErrUnexpectedEOF)
	}
	return n, err
}

func (p *paced) slow() error {
	if p.tooLow.Load() {
		return errSlow
	}
	return nil
}

func (p *paced) stop() error {
	p.timer.Stop()
	p.cancel(nil)
	return nil
}

func (p *paced) Close() error {
	return errors.Join(p.stop(), p.from.Close())
}
