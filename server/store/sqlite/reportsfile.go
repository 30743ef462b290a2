// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"landed/server/fleet"
)

// reportsFile is the half of the reports. It may be missing or damaged while control works: then each use says so, and
// it is tried again to open it, now and then.
type reportsFile struct {
	path string
	now  func() time.Time

	half    atomic.Pointer[half]
	opening sync.Mutex // held while it is opened

	mu     sync.Mutex // never held for long
	closed bool
	fault  error // of the last try to open it
	tried  time.Time
	hurt   error // damage that was met when it was used, and when
	hurtAt time.Time
}

const (
	triesEvery = time.Second // to open it
	hurtFor    = time.Minute // it is not ready after damage was met
)

// get is the open file; it is tried to open it if that failed a while ago.
func (r *reportsFile) get(ctx context.Context) (*half, error) {
	h, err := r.have()
	r.mu.Lock()
	again := err != nil && !r.closed && time.Since(r.tried) >= triesEvery
	r.mu.Unlock()
	if again {
		return r.open(ctx)
	}
	return h, err
}

// have is the open file, or why there is none. It waits for nobody.
func (r *reportsFile) have() (*half, error) {
	if h := r.half.Load(); h != nil {
		return h, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errClosed
	}
	return nil, cmp.Or(r.fault, error(fleet.Errorf(fleet.Busy, "reports_opening", "the file of the reports is being opened; "+
		"try again in a moment")))
}

func (r *reportsFile) open(ctx context.Context) (*half, error) {
	r.opening.Lock()
	defer r.opening.Unlock()
	if h := r.half.Load(); h != nil {
		return h, nil
	}
	h, err := r.try(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried = time.Now()
	if err == nil && r.closed {
		h.close()
		return nil, errClosed
	}
	if r.fault = err; err != nil {
		return nil, err
	}
	r.half.Store(h)
	return h, nil
}

func (r *reportsFile) try(ctx context.Context) (*half, error) {
	info, err := os.Stat(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, r.unusable("it is missing", err)
	case err != nil:
		return nil, r.unusable("it cannot be reached", err)
	case info.Size() == 0: // it was made with its tables, all at once
		return nil, r.unusable("it is empty", nil)
	}
	h, err := openHalf(ctx, r.path, sizeOfReports, func(conn *sql.Conn) error {
		all, err := migrations(migrationFiles, ofReports)
		if err != nil {
			return err
		}
		return migrate(ctx, conn, all, len(all), r.now, hooks{after: backfills[ofReports]})
	})
	if err == nil || fleet.Is(err, fleet.NoSpace) || fleet.Is(err, fleet.Busy) || ctx.Err() != nil {
		return h, err
	}
	return nil, r.unusable(fleet.InOneLine(err), err)
}

// CodeUnavailable is of a file of reports that is missing or damaged.
const CodeUnavailable = "reports_unavailable"

// unusable says what is wrong with the file, and what that means.
func (r *reportsFile) unusable(words string, err error) error {
	return &fleet.Error{Kind: fleet.Damaged, Code: CodeUnavailable, Err: err, Msg: fmt.Sprintf("the file of the reports "+
		"(%s) cannot be used: %s. Rollouts can be halted and offers are published without it; no report is taken in and no "+
		"figure shown until it is restored from a backup (otad restore --reports), or begun anew (otad reports begin)", r.path, words)}
}

// met notes that damage was met when the file was used.
func (r *reportsFile) met(err error) error {
	e, ok := errors.AsType[*fleet.Error](err)
	if !ok || e.Kind != fleet.Damaged || e.Code != codeDamaged && e.Code != codeDisk {
		return err
	}
	err = r.unusable(e.Msg, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hurt, r.hurtAt = err, time.Now()
	return err
}

// lately is the damage that was met a while ago at most.
func (r *reportsFile) lately() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.hurtAt) < hurtFor {
		return r.hurt
	}
	if _, err := os.Stat(r.path); err != nil { // it was taken away beneath us
		return r.unusable("it is missing", err)
	}
	return nil
}

// end waits for a running transaction, and closes the file for good.
func (r *reportsFile) end() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.opening.Lock() // who opens it meanwhile has ended
	defer r.opening.Unlock()
	if h := r.half.Load(); h != nil {
		return h.end()
	}
	return nil
}
