// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"landed/manifests"
)

var (
	word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,60}$`)
	// brand/product/device:release/id/incremental:type/tags (android.os.Build.FINGERPRINT)
	fingerprint = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}/[A-Za-z0-9_.-]{1,40}/[A-Za-z0-9_-]{1,40}:[A-Za-z0-9_.]{1,12}/[A-Za-z0-9_.-]{1,24}/[A-Za-z0-9_.-]{1,40}:[a-z]{1,12}/[a-z,-]{1,40}$`)
	// A label with ten digits in a row could be a telephone number; no build's label needs them.
	manyDigits = regexp.MustCompile(`[0-9]{10}`)
)

const (
	maxCount    = 65535
	maxObserved = 168 // hours: a week
	maxSeq      = 1 << 40
)

// Parse reads a body: exactly one JSON object, no unknown field, every value in range.
func Parse(body []byte) (Report, error) {
	var r Report
	if err := manifests.StrictJSON(body, &r); err != nil {
		return Report{}, fmt.Errorf("report: %w", discreet(err))
	}
	if err := r.Validate(); err != nil {
		return Report{}, fmt.Errorf("report: %w", err)
	}
	return r, nil
}

// discreet says what is wrong with JSON without repeating any of it: encoding/json names
// unknown fields and quotes numbers.
func discreet(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s: wanted another type or range", t.Field) // t.Field is a name of ours
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("no JSON, from byte %d on", s.Offset)
	}
	return errors.New("wanted exactly one JSON object, whole, without an unknown field")
}

// Bytes marshals r; Parse(r.Bytes()) gives r again.
func (r Report) Bytes() []byte {
	body, err := json.Marshal(r)
	if err != nil {
		panic(err) // closed fields: it cannot fail
	}
	return body
}

// Validate returns every fault of r, joined. It says nothing of sense between fields:
// a report that contradicts itself is well-formed evidence, and the verdict says so.
func (r Report) Validate() error {
	v := validator{}
	v.fault(r.Schema != Schema, "schema is %d, wanted %d", r.Schema, Schema)
	v.fault(!hexDigits(r.ID, 32), "id: wanted 32 hex digits")
	v.fault(!hexDigits(r.Key, 64), "key: wanted 64 hex digits")
	v.fault(hexDigits(r.Key, 64) && !ownKey(r.PublicKey()), "key: wanted one of which somebody holds the secret, in its one written form")
	v.between("seq", r.Seq, 1, maxSeq)
	v.match("release", r.Release, word, "a release name")
	v.match("model", r.Model, word, "a device name")
	v.match("variant", r.Variant, word, "a variant name")
	oneOf(&v, "channel", r.Channel, "stable", "beta", "lab")
	v.build("build", r.Build)
	if r.Build == BuildOther {
		v.between("build_utc", r.BuildUTC, 0, 0)
	} else {
		v.between("build_utc", r.BuildUTC, 1, 1<<40)
	}
	if r.PreviousBuild != "" {
		v.build("previous_build", r.PreviousBuild)
	}
	oneOf(&v, "kind", r.Kind, KindBaseline, KindProgress, KindEffect)
	oneOf(&v, "progress", r.Progress, ProgressKnown, ProgressDownloading, ProgressInstalled, ProgressRunning, ProgressFailed)
	v.fault((r.Failure != nil) != (r.Progress == ProgressFailed), "failure stands with progress failed, and only then")
	if r.Failure != nil {
		oneOf(&v, "failure.phase", r.Failure.Phase, PhaseMetadata, PhaseDownload, PhaseVerify, PhaseInstall, PhaseBoot)
		v.between("failure.code", int64(r.Failure.Code), 0, 9999)
	}
	r.Evidence.validate(&v)
	return errors.Join(v.faults...)
}

func (e Evidence) validate(v *validator) {
	v.between("evidence.feature", int64(e.Feature), 0, 1)
	oneOf(v, "evidence.migration", e.Migration, MigrationLeave, MigrationSwitchOff, MigrationAsk, MigrationNotApplicable)
	oneOf(v, "evidence.state", e.State, StateOff, StateOn, StateSuspended)
	oneOf(v, "evidence.origin", e.Origin, OriginFactoryDefault, OriginAuto, OriginCarriedOver, OriginUser, OriginPolicy)
	oneOf(v, "evidence.consent", e.Consent, ConsentNone, ConsentIn, ConsentOut)
	v.between("evidence.consent_text", int64(e.ConsentText), 0, 999)
	if e.ConsentDay != "" {
		_, err := time.Parse(time.DateOnly, e.ConsentDay)
		v.fault(err != nil, "evidence.consent_day is no day; wanted YYYY-MM-DD or nothing")
	}
	oneOf(v, "evidence.consent_surface", e.ConsentSurface, SurfaceNone, SurfaceMiCloud, SurfaceMessaging, SurfacePrompt)
	oneOf(v, "evidence.auto_gate", e.AutoGate, GateOpen, GateClosed)
	v.fault(len(e.Slots) < 1 || len(e.Slots) > 2, "evidence.slots has %d entries, wanted one or two", len(e.Slots))
	for _, s := range e.Slots {
		oneOf(v, "evidence.slots.by", s.By, RegisteredByNone, RegisteredByAuto, RegisteredByUser)
	}
	v.between("evidence.attempts_setup", int64(e.AttemptsSetup), 0, maxCount)
	v.between("evidence.attempts_build", int64(e.AttemptsBuild), 0, maxCount)
	v.between("evidence.lookups_off", int64(e.LookupsOff), 0, maxCount)
	v.between("evidence.observed_hours", int64(e.ObservedHours), 0, maxObserved)
	oneOf(v, "evidence.transport", e.Transport, TransportNotUsed, TransportHTTPS, TransportHTTP)
}

// validator gathers faults. It never repeats a refused string: whatever a handset tried
// to put into a field must not travel on into an answer or a log.
type validator struct{ faults []error }

func (v *validator) fault(bad bool, format string, args ...any) {
	if bad {
		v.faults = append(v.faults, fmt.Errorf(format, args...))
	}
}

// hexDigits says if s is n digits and letters up to f, lower case.
func hexDigits(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" }

// The helpers below put an error together only if there is one: they run two dozen times a report.

func (v *validator) match(field, value string, want *regexp.Regexp, words string) {
	if !want.MatchString(value) {
		v.fault(true, "%s: wanted %s", field, words)
	}
}

// build takes the shape of a fingerprint; that it is one which was published is for the
// server to see, who knows them.
func (v *validator) build(field, value string) {
	if value == BuildOther {
		return
	}
	v.match(field, value, fingerprint, "a build fingerprint, brand/product/device:release/id/incremental:type/tags")
	if manyDigits.MatchString(value) {
		v.fault(true, "%s: ten or more digits in a row are no build label", field)
	}
}

func (v *validator) between(field string, value, low, high int64) {
	if value < low || value > high {
		v.fault(true, "%s is out of range; wanted %d to %d", field, low, high)
	}
}

func oneOf[T ~string](v *validator, field string, value T, allowed ...T) {
	if !slices.Contains(allowed, value) {
		v.fault(true, "%s: wanted one of %v", field, slices.Clone(allowed)) // a copy: so allowed need not be on the heap
	}
}

// PublicKey is the installation's key. It is valid after Validate.
func (r Report) PublicKey() ed25519.PublicKey {
	key, _ := hex.DecodeString(r.Key)
	return key
}
