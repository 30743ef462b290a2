// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"
)

// Names of the files, relative to /system. An image need not have the last one.
const (
	PropName       = "build.prop"
	ConfName       = "etc/cloud_messaging.conf"
	BackupConfName = "etc/app_backup.conf"
)

const maxFile = 64 << 10 // bytes; real build.prop files have a few thousand

// Image is what is installed: which build, and how it behaves.
type Image struct {
	Fingerprint string // ro.build.fingerprint
	Device      string // ro.product.device
	Variant     string // ro.product.mod_device; Device if the image has none
	Incremental string // ro.build.version.incremental
	UTC         int64  // ro.build.date.utc, seconds
	Behaviour   Behaviour
	Backup      *BackupBehaviour // nil if it has no app backup
}

// Behaviour is etc/cloud_messaging.conf.
type Behaviour struct {
	Feature        int       // behaviour version: 0 activates by itself, 1 opt-in
	DefaultOn      bool      // the switch after a factory reset
	AutoActivate   bool      // the task that registers a SIM by itself exists
	Gate           Gate      // the guard in front of that task; it runs only if open
	LookupAlways   bool      // contact numbers are looked up whatever the switch says; else only with consent
	Migration      Migration // what the first boot over an older behaviour does with a service that is on
	DeregisterAuto bool      // its first boot over another build drops SIM registrations that were made by themselves
	Transport      Transport // https or http
	GuardEnds      time.Time // from when on a closed guard holds no longer; zero: it always does
}

// GateAt is the guard at a time.
func (b Behaviour) GateAt(now time.Time) Gate {
	if !b.GuardEnds.IsZero() && !now.Before(b.GuardEnds) {
		return GateOpen
	}
	return b.Gate
}

// Load reads an installed image; fsys is its /system. All faults are returned together.
func Load(fsys fs.FS) (*Image, error) {
	prop, err1 := readFile(fsys, PropName)
	conf, err2 := readFile(fsys, ConfName)
	backup, err3 := readFile(fsys, BackupConfName)
	if errors.Is(err3, fs.ErrNotExist) {
		backup, err3 = nil, nil
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("installed image: %w", err)
	}
	return Parse(prop, conf, backup)
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// Parse reads the texts of the files. backup is nil for an image without an app backup.
func Parse(buildProp, conf, backup []byte) (*Image, error) {
	img, err1 := parseProp(buildProp)
	behaviour, err2 := parseConf(conf)
	var err3 error
	if backup != nil {
		img.Backup, err3 = parseBackupConf(backup)
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("installed image: %w", err)
	}
	img.Behaviour = behaviour
	return img, nil
}

// parseProp takes what it needs from a build.prop; other keys are the maker's business. Like Android's init, it
// would see only the first of two equal ro. keys; two are refused, so that nobody is misled.
func parseProp(text []byte) (*Image, error) {
	img := &Image{}
	fields := map[string]*string{
		"ro.build.fingerprint":         &img.Fingerprint,
		"ro.product.device":            &img.Device,
		"ro.product.mod_device":        &img.Variant,
		"ro.build.version.incremental": &img.Incremental,
		"ro.build.date.utc":            new(string),
	}
	var errs []error
	for l, err := range lines(PropName, text) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		into := fields[l.key]
		switch {
		case into == nil:
		case *into != "":
			errs = append(errs, fmt.Errorf("%s:%d: %s stands there twice", PropName, l.number, l.key))
		default:
			*into = l.value
		}
	}
	for _, key := range []string{"ro.build.fingerprint", "ro.product.device", "ro.build.version.incremental"} {
		if *fields[key] == "" {
			errs = append(errs, fmt.Errorf("%s: no %s", PropName, key))
		}
	}
	utc, err := strconv.ParseInt(*fields["ro.build.date.utc"], 10, 64)
	if err != nil || utc < 1 || utc > 1<<40 {
		errs = append(errs, fmt.Errorf("%s: ro.build.date.utc: wanted seconds since 1970", PropName))
	}
	img.UTC = utc
	if img.Variant == "" {
		img.Variant = img.Device
	}
	return img, errors.Join(errs...)
}
