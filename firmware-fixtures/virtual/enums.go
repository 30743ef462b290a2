// SPDX-License-Identifier: Apache-2.0

package virtual

// Closed enums of the firmware. The words are those by which it answers probes, and those of its files.
type (
	Migration   string // what an image does, at update, with a service that is on
	SwitchState string
	Origin      string // who set a switch
	Consent     string
	Surface     string // where the user answered
	Gate        string // the guard in front of self-activation
	Registrant  string // who registered a SIM
	Transport   string // how identifiers go out
)

// What the image did with a service that was on.
const (
	MigrationLeave         Migration = "leave"
	MigrationSwitchOff     Migration = "switch_off"
	MigrationAsk           Migration = "ask"
	MigrationNotApplicable Migration = "not_applicable"
)

// A switch.
const (
	StateOff       SwitchState = "off"
	StateOn        SwitchState = "on"
	StateSuspended SwitchState = "suspended" // waits for the user's answer; nothing is sent
)

// Who set it.
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

// The guard.
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

// Triggers are the events that make a firmware send what it should not: what shows that its silence was tested. They
// are kept since this build first booted, as booleans: no activity log.
type Triggers struct {
	Boot          bool `json:"boot"`
	SIMReady      bool `json:"sim_ready"`
	DataUp        bool `json:"data_up"`
	DayPassed     bool `json:"day_passed"`
	ContactOpened bool `json:"contact_opened"`
	ThreadOpened  bool `json:"thread_opened"`
	AppInstalled  bool `json:"app_installed,omitempty"`
}
