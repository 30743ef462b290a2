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

// firstBoot is what the first boot of an image makes of the userdata that it finds; nil is none.
func (b *BackupBehaviour) firstBoot(found *Backup) *Backup {
	if found == nil {
		s := &Backup{Feature: b.Feature, Switch: Switch{StateOff, OriginFactoryDefault}}
		if b.DefaultOn {
			s.Switch.State = StateOn
		}
		return s
	}
	s := *found
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
	return &s
}

// appBackup is the app backup on one handset: what an image does with the userdata. Nil is an image without one.
type appBackup struct {
	mem  *Backup
	does BackupBehaviour
	line uplink
}

// upload sends the list of installed apps, if the app backup does so and it is time. One that is not accepted is sent
// with the next backup.
func (b *appBackup) upload(now time.Time) {
	if b == nil || !b.line.up || now.Before(b.mem.Next) {
		return
	}
	on := b.mem.Switch.State == StateOn
	if !on && !b.does.UploadOff {
		return
	}
	b.mem.Next = now.Add(UploadEvery)
	saturate(&b.mem.UploadsBuild)
	if !on {
		saturate(&b.mem.UploadsOff)
	}
	_ = b.line.send(now, AppList)
}

// set is the user's choice.
func (b *appBackup) set(on bool, now time.Time) {
	b.mem.Switch = Switch{StateOff, OriginUser}
	if on {
		b.mem.Switch.State = StateOn
	}
	b.upload(now)
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

func (b *appBackup) truth(t Triggers) *BackupTruth {
	if b == nil {
		return nil
	}
	return &BackupTruth{OptIn: b.does.Feature >= 1, On: b.mem.Switch.State == StateOn, Origin: b.mem.Switch.Origin,
		Tested: t.Boot && t.DataUp && t.AppInstalled, Sent: b.mem.UploadsBuild, Off: b.mem.UploadsOff}
}
