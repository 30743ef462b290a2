// SPDX-License-Identifier: Apache-2.0

// Package v1 is the first body of a report, as handsets sent it until the probes of an effect became data. It is kept
// for ever: what was signed in it is evidence, and must be readable in ten years.
//
// Parties: handsets that were sold with it; the store, which holds such reports; the server, which reads both.
//
// It promises that a body which reads is well-formed to the last field, and gives the same core and the same answers to
// the probes of cloud-messaging-opt-in whenever it is read. It refuses unknown fields and values out of range. Nothing
// in it changes any more: what is new goes into the next version.
package v1

import (
	"landed/manifests/report"
)

// Schema is the version of the body.
const Schema = 1

// PayloadType is the DSSE payload type of this body.
const PayloadType = "application/vnd.landed.report+json"

// Body is the body. See Validate for ranges.
type Body struct {
	Schema  int         `json:"schema"`
	ID      string      `json:"id"`      // 32 hex digits, random; the same report sent twice keeps it
	Key     string      `json:"key"`     // the installation's public key, 64 hex digits (Ed25519)
	Seq     int64       `json:"seq"`     // 1, 2, 3 … within the installation
	Kind    report.Kind `json:"kind"`    // why it was sent
	Release string      `json:"release"` // the release it is about, as the offers document names it

	Model         string `json:"model"`          // ro.product.device
	Variant       string `json:"variant"`        // image variant
	Channel       string `json:"channel"`        // stable, beta or lab
	Build         string `json:"build"`          // fingerprint that is running, if the feed names it; else BuildOther
	BuildUTC      int64  `json:"build_utc"`      // its ro.build.date.utc, seconds; 0 for BuildOther
	PreviousBuild string `json:"previous_build"` // before the last update, as Build; "" if there was none

	Progress report.Progress `json:"progress"`
	Failure  *report.Failure `json:"failure,omitempty"` // with progress failed, and only then

	Evidence Evidence `json:"evidence"`
}

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

// Closed enums. The zero value of none of them is valid.
type (
	Migration  string
	State      string
	Origin     string
	Consent    string
	Surface    string
	Gate       string
	Registrant string
	Transport  string
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

// core is what every version carries.
func (b Body) core() report.Report {
	return report.Report{
		Schema: Schema, ID: b.ID, Key: b.Key, Seq: b.Seq, Kind: b.Kind, Release: b.Release, Model: b.Model,
		Variant: b.Variant, Channel: b.Channel, Build: b.Build, BuildUTC: b.BuildUTC, PreviousBuild: b.PreviousBuild,
		Progress: b.Progress, Failure: b.Failure,
	}
}
