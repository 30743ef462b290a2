// SPDX-License-Identifier: Apache-2.0

// Package report is the statement that a handset makes about itself, and its envelope.
//
// Parties: an installation (one set-up of one handset, until factory reset) makes an
// Ed25519 key for itself, and signs each Report with it; the server opens the envelope,
// judges and counts. The installation's Reference is a digest of its public key, so it
// carries no identity, and a factory reset makes a new one.
//
// It promises that a report which opens is well-formed to the last field: closed enums,
// bounded integers, no free text. It refuses unknown fields, oversized envelopes, foreign
// payload types, and signatures by any key but the one the report names.
//
// IMEI, IMSI, numbers, contacts, serial, account, place, carrier and installed apps, and
// digests of them, have no field that they could go into. That is on purpose.
package report

// Schema is the version of the report body.
const Schema = 1

// Report is the body. See Validate for ranges.
type Report struct {
	Schema  int    `json:"schema"`
	ID      string `json:"id"`      // 32 hex digits, random; the same report sent twice keeps it
	Key     string `json:"key"`     // the installation's public key, 64 hex digits (Ed25519)
	Seq     int64  `json:"seq"`     // 1, 2, 3 … within the installation
	Kind    Kind   `json:"kind"`    // why it was sent
	Release string `json:"release"` // the release it is about, as the offers document names it

	Model         string `json:"model"`          // ro.product.device
	Variant       string `json:"variant"`        // image variant
	Channel       string `json:"channel"`        // stable, beta or lab
	Build         string `json:"build"`          // fingerprint that is running, if the feed names it; else BuildOther
	BuildUTC      int64  `json:"build_utc"`      // its ro.build.date.utc, seconds; 0 for BuildOther
	PreviousBuild string `json:"previous_build"` // before the last update, as Build; "" if there was none

	Progress Progress `json:"progress"`
	Failure  *Failure `json:"failure,omitempty"` // with progress failed, and only then

	Evidence Evidence `json:"evidence"`
}

// BuildOther stands for every build that the signed documents of a handset's model do not
// name: a build's name is free text of its maker, and free text has no place in a report.
const BuildOther = "other"

// Evidence is what the running system says about Cloud Messaging
// (docs/design/report.md says why each field is there).
type Evidence struct {
	Feature        int       `json:"feature"`         // 0 absent, 1 opt-in: compiled into the image
	Migration      Migration `json:"migration"`       // what the image did at update
	State          State     `json:"state"`           // the switch
	Origin         Origin    `json:"origin"`          // who set it
	Consent        Consent   `json:"consent"`         //
	ConsentText    int       `json:"consent_text"`    // which wording was shown, 0 none
	ConsentDay     string    `json:"consent_day"`     // YYYY-MM-DD, "" if none; a day, not a time
	ConsentSurface Surface   `json:"consent_surface"` // where the user answered
	AutoGate       Gate      `json:"auto_gate"`       // the guard in front of self-activation
	Slots          []Slot    `json:"slots"`           // one or two
	AttemptsSetup  int       `json:"attempts_setup"`  // self-activations since set-up, 0…65535
	AttemptsBuild  int       `json:"attempts_build"`  // since this build first booted, 0…65535
	LookupsOff     int       `json:"lookups_off"`     // contact numbers sent while off, since this build first booted
	Triggers       Triggers  `json:"triggers"`        // what happened since this build first booted
	ObservedHours  int       `json:"observed_hours"`  // since this build first booted, 0…168
	Transport      Transport `json:"transport"`       // how identifiers went out, if any did
}

// Slot is one SIM slot. There is no field that says which SIM.
type Slot struct {
	Present    bool       `json:"present"`
	Registered bool       `json:"registered"`
	By         Registrant `json:"by"`
}

// Triggers are the events that made an unpatched build activate itself. Booleans, not
// counts: they show that the silence was tested and are no activity log.
type Triggers struct {
	Boot          bool `json:"boot"`
	SIMReady      bool `json:"sim_ready"`
	DataUp        bool `json:"data_up"`
	DayPassed     bool `json:"day_passed"`
	ContactOpened bool `json:"contact_opened"`
	ThreadOpened  bool `json:"thread_opened"`
}

// Failure says where an update failed. Codes are those of update_engine (0…66, 2000+HTTP
// status) or of the recovery (0…4000), never text.
type Failure struct {
	Phase Phase `json:"phase"`
	Code  int   `json:"code"` // 0…9999
}

// Closed enums. The zero value of none of them is valid.
type (
	Kind       string
	Progress   string
	Migration  string
	State      string
	Origin     string
	Consent    string
	Surface    string
	Gate       string
	Registrant string
	Transport  string
	Phase      string
)

// Why a report was sent.
const (
	KindBaseline Kind = "baseline" // before the patch, and weekly while waiting
	KindProgress Kind = "progress" // a step of the update
	KindEffect   Kind = "effect"   // 1 h, 24 h, 7 days after first boot, and when the answer changes
)

// How far the installation is.
const (
	ProgressKnown       Progress = "known" // it has met the rollout
	ProgressDownloading Progress = "downloading"
	ProgressInstalled   Progress = "installed" // written, not yet booted
	ProgressRunning     Progress = "running"
	ProgressFailed      Progress = "failed"
)

// What the image did with a service that was on.
const (
	MigrationLeave         Migration = "leave"
	MigrationSwitchOff     Migration = "switch_off"
	MigrationAsk           Migration = "ask"
	MigrationNotApplicable Migration = "not_applicable"
)

// The switch.
const (
	StateOff       State = "off"
	StateOn        State = "on"
	StateSuspended State = "suspended" // waits for the user's answer; nothing is sent
)

// Who set the switch.
const (
	OriginFactoryDefault Origin = "factory_default"
	OriginAuto           Origin = "auto"
	OriginCarriedOver    Origin = "carried_over"
	OriginUser           Origin = "user"
	OriginPolicy         Origin = "policy"
)

// What the user chose.
const (
	ConsentNone Consent = "none"
	ConsentIn   Consent = "in"
	ConsentOut  Consent = "out"
)

// Where the user chose.
const (
	SurfaceNone      Surface = "none"
	SurfaceMiCloud   Surface = "settings_micloud"
	SurfaceMessaging Surface = "settings_messaging"
	SurfacePrompt    Surface = "prompt"
)

// The guard in front of self-activation.
const (
	GateOpen   Gate = "open"
	GateClosed Gate = "closed"
)

// Who registered a SIM.
const (
	RegisteredByNone Registrant = "none"
	RegisteredByAuto Registrant = "auto"
	RegisteredByUser Registrant = "user"
)

// How identifiers went out since this build first booted.
const (
	TransportNotUsed Transport = "not_used"
	TransportHTTPS   Transport = "https"
	TransportHTTP    Transport = "http"
)

// Where an update failed.
const (
	PhaseMetadata Phase = "metadata" // TUF workflow, or offline and online roles disagree
	PhaseDownload Phase = "download"
	PhaseVerify   Phase = "verify" // the package itself
	PhaseInstall  Phase = "install"
	PhaseBoot     Phase = "boot" // fell back to the old slot
)
