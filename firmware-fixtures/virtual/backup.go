// SPDX-License-Identifier: Apache-2.0

package virtual

import "time"

// UploadEvery is how often a handset sends the list of installed apps with its app backup.
const UploadEvery = 24 * time.Hour

// BackupBehaviour is etc/app_backup.conf: an image that has the file counts what it sends and can say so; one that has
// none has no app backup, and knows nothing of it.
type BackupBehaviour struct {
	Feature   int       // 0 is on unless its user says otherwise, 1 only if its user switched it on
	DefaultOn bool      // the switch after a factory reset
	UploadOff bool      // the list is sent even while the switch is off: what a bad image does
	Migration Migration // what the first boot over an older behaviour does with a backup that is on; never ask
}

// Backup is the userdata of the app backup.
type Backup struct {
	Feature      int       `json:"feature"` // behaviour version that wrote this
	Switch       Switch    `json:"switch"`
	UploadsBuild int       `json:"uploads_build"` // lists sent since this build first booted, up to 65535
	UploadsOff   int       `json:"uploads_off"`   // of them while the switch was off
	Next         time.Time `json:"next"`          // none before this
}

// backup is the userdata of an image that has an app backup, nil on any other.
func (p *Phone) backup() *Backup {
	if p.image == nil || p.image.Backup == nil {
		return nil
	}
	return p.s.Backup
}

// bootBackup is the first boot of an image, as far as the app backup goes.
func (p *Phone) bootBackup(b *BackupBehaviour) {
	if b == nil {
		return // the userdata stays, and nobody looks at it
	}
	if p.s.Backup == nil {
		p.s.Backup = &Backup{Feature: b.Feature, Switch: Switch{StateOff, OriginFactoryDefault}}
		if b.DefaultOn {
			p.s.Backup.Switch.State = StateOn
		}
		return
	}
	s := p.s.Backup
	s.UploadsBuild, s.UploadsOff = 0, 0
	if on := s.Switch.State == StateOn; on && s.Feature < b.Feature {
		switch b.Migration {
		case MigrationLeave:
			s.Switch.Origin = OriginCarriedOver
		case MigrationSwitchOff:
			s.Switch = Switch{StateOff, OriginPolicy}
		}
	}
	s.Feature = b.Feature
}

// upload sends the list of installed apps, if the app backup does so and it is time. One that is not accepted is sent
// with the next backup.
func (p *Phone) upload(now time.Time) {
	s := p.backup()
	if s == nil || !p.s.NetUp || now.Before(s.Next) {
		return
	}
	on := s.Switch.State == StateOn
	if !on && !p.image.Backup.UploadOff {
		return
	}
	s.Next = now.Add(UploadEvery)
	saturate(&s.UploadsBuild)
	if !on {
		saturate(&s.UploadsOff)
	}
	_ = p.service.Send(now, p.handset, AppList)
}

// AppInstalled says that an app was installed.
func (p *Phone) AppInstalled(now time.Time) {
	if p.backup() == nil {
		return
	}
	p.s.Triggers.AppInstalled = true
	p.upload(now)
}

// SetBackup says that the user switched the app backup on or off.
func (p *Phone) SetBackup(on bool, now time.Time) {
	s := p.backup()
	if s == nil {
		return
	}
	s.Switch = Switch{StateOff, OriginUser}
	if on {
		s.Switch.State = StateOn
	}
	p.upload(now)
}

// BackupTruth is what is really so of the app backup; see Truth.
type BackupTruth struct {
	OptIn  bool // the image sends the list only if its user wants that
	On     bool
	Origin Origin
	Tested bool // boot, data network and a new app since the build first booted
	Sent   int  // lists, since then
	Off    int  // of them while the switch was off
}

func (p *Phone) backupTruth() *BackupTruth {
	s := p.backup()
	if s == nil {
		return nil
	}
	t := p.s.Triggers
	return &BackupTruth{OptIn: p.image.Backup.Feature >= 1, On: s.Switch.State == StateOn, Origin: s.Switch.Origin,
		Tested: t.Boot && t.DataUp && t.AppInstalled, Sent: s.UploadsBuild, Off: s.UploadsOff}
}
