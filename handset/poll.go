// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

// poll is the trusted state of one poll. go-tuf refreshes an updater once; each poll makes a new one.
type poll struct {
	fetch   *fetcher
	clock   *clock
	copies  *copies
	sold    []byte // the root that the firmware was sold with
	channel string
	log     *slog.Logger
	model   string // ro.product.device
	role    string // of the model
	now     time.Time
	behind  bool // the feed served an older timestamp than the trusted one, which was discarded
	up      *updater.Updater
}

// refresh does the TUF workflow. A root that names other online keys takes back what the old ones had proven about
// the time, and then the workflow is done again: by that time the root itself may have seemed to have expired.
func (p *poll) refresh() error {
	err := p.workflow()
	if p.up != nil && p.clock.forgetOtherKeys(onlineKeys(p.up.GetTrustedMetadataSet().Root)) {
		p.now = p.clock.best()
		err = p.workflow()
	}
	if err != nil {
		return err
	}
	return p.checkLifetime(tufrepo.Snapshot, p.up.GetTrustedMetadataSet().Snapshot.Signed.Expires)
}

func (p *poll) checkLifetime(role string, expires time.Time) error {
	if err := p.clock.checkLifetime(role, expires); err != nil {
		return metadataRefusal(err, nil)
	}
	return nil
}

func (p *poll) workflow() error {
	if err := p.copies.write(); err != nil {
		return &Refusal{ClassHandset, report.PhaseMetadata, codeWrite, err}
	}
	p.copies.dropUnreadable()
	cfg, err := config.New(p.fetch.server.metadataURL(""), p.copies.root(p.sold))
	if err != nil {
		return err
	}
	cfg.LocalMetadataDir, cfg.LocalTargetsDir = p.copies.folder(), p.copies.folder()
	cfg.Fetcher = p.fetch
	cfg.TargetsMaxLength = maxRole
	return p.guard(func() (err error) {
		if p.up, err = updater.New(cfg); err != nil {
			return err
		}
		p.up.UnsafeSetRefTime(p.now)
		p.fetch.instead = p.inPlaceOf
		return p.up.Refresh()
	})
}

// guard runs a piece of go-tuf. v2.4.2 dereferences nil on some signed but senseless metadata; that must
// end one poll, not the process.
func (p *poll) guard(do func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = metadataRefusal(fmt.Errorf("the metadata make no sense: %v", fault), nil)
		}
	}()
	if err := do(); err != nil {
		return metadataRefusal(err, p.fetch.network)
	}
	return nil
}
