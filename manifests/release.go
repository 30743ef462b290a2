// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"embed"
	"errors"
	"fmt"
	"landed/manifests/strict"
	"maps"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed releases/*.yaml
var releases embed.FS

var releaseName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`)

// Languages are those in which a release must speak: English, 简体中文, 繁體中文.
var Languages = []string{"en", "zh-Hans", "zh-Hant"}

// Release is what a release engineer writes: what must be true on a handset afterwards,
// and the words for people. The server binds it to one package per model.
type Release struct {
	Schema  int    `yaml:"schema"`
	Name    string `yaml:"release"`
	Counter int64  `yaml:"counter"` // grows with each release; a handset never goes to a lower one
	Effect  Effect `yaml:"effect"`
	// Migration says per model what the image does with a service that is already on,
	// where it differs from Effect.Migration.
	Migration map[string]Migration `yaml:"migration_by_model,omitempty"`
	Notes     map[string]string    `yaml:"notes"` // by language tag
}

// Effect is what must be true afterwards, and how it is judged.
type Effect struct {
	Name      string    `json:"name" yaml:"name"`             // "cloud-messaging-opt-in" is the one kind judged so far
	Feature   int       `json:"feature" yaml:"feature"`       // the cm_feature that a patched image reports; 1 is opt-in
	Migration Migration `json:"migration" yaml:"migration"`   // what the image does where the service is already on
	PromptDay string    `json:"prompt_day" yaml:"prompt_day"` // YYYY-MM-DD of the first build that can ask; an earlier consent is impossible
}

// Migration is what an image does, at update, on a handset where the service is on.
type Migration string

// The three policies. Only MigrationLeave is supported by Xiaomi's own text of 2014.
const (
	MigrationLeave     Migration = "leave"      // stays as it was; not proven, shown as "still on from before"
	MigrationSwitchOff Migration = "switch_off" // off, unless a consent is on record
	MigrationAsk       Migration = "ask"        // suspended until the user answers
)

// EffectCloudMessagingOptIn is the effect of the MIUI patch of August 2014.
const EffectCloudMessagingOptIn = "cloud-messaging-opt-in"

// OptInSource is the release this house was built for, in YAML. It panics if the embedded
// file is gone, which its test would have caught.
func OptInSource() []byte {
	text, err := releases.ReadFile("releases/miui-cloud-messaging-opt-in.yaml")
	if err != nil {
		panic(err)
	}
	return text
}

// OptInRelease is OptInSource, parsed.
func OptInRelease() Release {
	r, err := ParseRelease(OptInSource())
	if err != nil {
		panic(err)
	}
	return r
}

// ParseRelease reads a release in YAML; unknown keys are refused, all faults returned.
func ParseRelease(text []byte) (Release, error) {
	var r Release
	if err := strict.YAML(text, &r); err != nil {
		return Release{}, fmt.Errorf("release: %w", err)
	}
	if err := r.Validate(); err != nil {
		return Release{}, fmt.Errorf("release %q: %w", r.Name, err)
	}
	return r, nil
}

// YAML writes r as a release engineer would; ParseRelease(r.YAML()) gives r again. What Validate
// refuses is not written.
func (r Release) YAML() ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("release %q: %w", r.Name, err)
	}
	return yaml.Marshal(r)
}

// Validate returns every fault of r, joined.
func (r Release) Validate() error {
	var faults []error
	if r.Schema != 1 {
		faults = append(faults, fmt.Errorf("schema is %d, wanted 1", r.Schema))
	}
	if !releaseName.MatchString(r.Name) {
		faults = append(faults, fmt.Errorf("name %q: wanted a lower-case letter, then letters, digits and hyphens", r.Name))
	}
	if r.Counter < 1 || r.Counter > maxSafeInteger {
		faults = append(faults, fmt.Errorf("counter is %d, wanted 1 or more", r.Counter))
	}
	faults = append(faults, r.Effect.faults()...)
	for _, model := range slices.Sorted(maps.Keys(r.Migration)) {
		if !r.Migration[model].valid() {
			faults = append(faults, fmt.Errorf("migration_by_model.%s is %q; say leave, switch_off or ask", model, r.Migration[model]))
		}
	}
	for _, tag := range Languages {
		if r.Notes[tag] == "" {
			faults = append(faults, fmt.Errorf("notes.%s is missing; a release speaks %v", tag, Languages))
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(r.Notes)) {
		if len(r.Notes[tag]) > 4000 {
			faults = append(faults, fmt.Errorf("notes.%s has %d bytes; the limit is 4000, handsets download it", tag, len(r.Notes[tag])))
		}
	}
	return errors.Join(faults...)
}

// EffectOn is the effect of r on one model, with that model's migration policy.
func (r Release) EffectOn(model string) Effect {
	e := r.Effect
	if m, ok := r.Migration[model]; ok {
		e.Migration = m
	}
	return e
}

func (m Migration) valid() bool {
	return m == MigrationLeave || m == MigrationSwitchOff || m == MigrationAsk
}

func (e Effect) faults() []error {
	var faults []error
	if e.Name != EffectCloudMessagingOptIn {
		faults = append(faults, fmt.Errorf("effect.name is %q; the one that can be judged is %s", e.Name, EffectCloudMessagingOptIn))
	}
	if e.Feature != 1 {
		faults = append(faults, fmt.Errorf("CM-DECL: effect.feature is %d; 1 means that the service is opt-in", e.Feature))
	}
	if !e.Migration.valid() {
		faults = append(faults, fmt.Errorf("CM-DECL: effect.migration is %q; say what this image does on handsets where the service is already on: leave, switch_off or ask", e.Migration))
	}
	if _, err := time.Parse(time.DateOnly, e.PromptDay); err != nil {
		faults = append(faults, fmt.Errorf("effect.prompt_day is %q; wanted YYYY-MM-DD, the day of the first build that can ask for consent", e.PromptDay))
	}
	return faults
}
