// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"landed/manifests/strict"
)

//go:embed models.yaml
var modelsYAML []byte

// Catalogue is the list of models that this fleet knows.
type Catalogue struct {
	models []Model
}

// Model is one ro.product.device: what a package is for, and what a rollout goes to.
type Model struct {
	Device   string   `json:"device" yaml:"device"`                       // ro.product.device, as build.prop spells it
	Product  string   `json:"product,omitempty" yaml:"product"`           // the name on the box
	Numbers  []string `json:"numbers,omitempty" yaml:"numbers"`           // model numbers
	ROMNames []string `json:"rom_names,omitempty" yaml:"rom_names"`       // the word in recovery file names
	Variants []string `json:"variants" yaml:"variants"`                   // image variants
	Letters  string   `json:"letters,omitempty" yaml:"letters,omitempty"` // device letters in MIUI version names
	SoC      string   `json:"soc,omitempty" yaml:"soc,omitempty"`         //
	Android  string   `json:"android,omitempty" yaml:"android"`           // as sold
	Profile  Profile  `json:"profile" yaml:"profile"`                     //
	Unknown  []string `json:"unknown,omitempty" yaml:"unknown,omitempty"` // fields that no source we know confirms
	// Protocols are those by which phones of the model poll that do not know the feed; none, for most.
	Protocols []Protocol `json:"protocols,omitempty" yaml:"protocols,omitempty"`
}

// Profile says what the recovery or updater of a model can do.
type Profile struct {
	// Family is the package family the model installs: "file" or "ab".
	Family string `json:"family" yaml:"family"`
	// LegacyRecovery is a recovery of 2014: it takes the last 256 bytes before the
	// footer as an RSA-2048 signature, knows SHA-1, and ignores the metadata file.
	LegacyRecovery bool `json:"legacy_recovery" yaml:"legacy_recovery"`
}

// takenVariants cannot be image variants: builds/<role>/<release>.<variant>.json would be the path of another document.
var takenVariants = []string{"effect", "notes"}

var (
	deviceName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,40}$`)
	roleName   = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
)

// DefaultCatalogue is the built-in line-up: Xiaomi's phones of 2014 and one current model.
// It panics if the embedded file is broken, which its test would have caught.
func DefaultCatalogue() *Catalogue { return builtIn() }

// builtIn is read once: a catalogue does not change.
var builtIn = sync.OnceValue(func() *Catalogue {
	c, err := ParseCatalogue(modelsYAML)
	if err != nil {
		panic(err)
	}
	return c
})

// CatalogueSchema is the highest version of a catalogue that is read. Version 1 knew no protocols.
const CatalogueSchema = 2

// SchemaOf is the lowest version of a catalogue that can say what m says, so that older programs read what they understand.
func SchemaOf(m Model) int {
	if len(m.Protocols) > 0 {
		return CatalogueSchema
	}
	return 1
}

// ParseCatalogue reads a catalogue in YAML, of any schema. Unknown keys are refused; all faults are
// returned together.
func ParseCatalogue(text []byte) (*Catalogue, error) {
	var doc struct {
		Schema int     `yaml:"schema"`
		Models []Model `yaml:"models"`
	}
	if err := strict.YAML(text, &doc); err != nil {
		return nil, fmt.Errorf("model catalogue: %w", err)
	}
	if doc.Schema < 1 || doc.Schema > CatalogueSchema {
		return nil, fmt.Errorf("model catalogue: schema is %d, this program reads 1 and %d", doc.Schema, CatalogueSchema)
	}
	for _, m := range doc.Models {
		if doc.Schema == 1 && len(m.Protocols) > 0 {
			return nil, fmt.Errorf("model catalogue: device %s has protocols, which schema 1 does not know; write schema: %d",
				m.Device, CatalogueSchema)
		}
	}
	return NewCatalogue(doc.Models...)
}

// NewCatalogue is a catalogue of these models. All faults are returned together.
func NewCatalogue(models ...Model) (*Catalogue, error) {
	var faults []error
	roles := map[string]string{}
	for _, m := range models {
		faults = append(faults, m.faults()...)
		if other, taken := roles[m.Role()]; taken {
			faults = append(faults, fmt.Errorf("models %s and %s would share the role name %s", other, m.Device, m.Role()))
		}
		roles[m.Role()] = m.Device
	}
	if len(models) == 0 {
		faults = append(faults, errors.New("no model is listed"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("model catalogue: %w", err)
	}
	return &Catalogue{models: models}, nil
}

func (m Model) faults() []error {
	var faults []error
	if !deviceName.MatchString(m.Device) || strings.HasSuffix(m.Role(), "-offers") {
		faults = append(faults, fmt.Errorf("device %q: wanted a letter, then letters, digits, _ or -, and not the "+
			"ending -offers", m.Device))
	}
	if m.Profile.Family != "file" && m.Profile.Family != "ab" {
		faults = append(faults, fmt.Errorf("device %s: profile.family is %q, wanted file or ab", m.Device, m.Profile.Family))
	}
	if len(m.Variants) == 0 {
		faults = append(faults, fmt.Errorf("device %s: no variant is listed; name at least the model itself", m.Device))
	}
	for _, v := range m.Variants {
		if !deviceName.MatchString(v) {
			faults = append(faults, fmt.Errorf("device %s: variant %q: wanted a letter, then letters, digits, _ or -",
				m.Device, v))
		}
		if slices.Contains(takenVariants, v) {
			faults = append(faults, fmt.Errorf("device %s: no variant can be called %q: its manifest would lie "+
				"where the %s document of a release lies", m.Device, v, v))
		}
	}
	return append(faults, m.protocolFaults()...)
}

// Role is the name of the model in TUF metadata and in paths: the device name in lower
// case, because a role name of digits or capitals is read differently by different clients.
func (m Model) Role() string { return strings.ToLower(m.Device) }

// HasVariant says if v is an image variant of m.
func (m Model) HasVariant(v string) bool { return slices.Contains(m.Variants, v) }

// Models lists the catalogue in its order. The caller may keep the slice.
func (c *Catalogue) Models() []Model { return slices.Clone(c.models) }

// Model finds a model by its exact device name.
func (c *Catalogue) Model(device string) (Model, bool) {
	return c.find(func(m Model) bool { return m.Device == device })
}

// ByRole finds a model by its role name.
func (c *Catalogue) ByRole(role string) (Model, bool) {
	return c.find(func(m Model) bool { return m.Role() == role })
}

func (c *Catalogue) find(is func(Model) bool) (Model, bool) {
	i := slices.IndexFunc(c.models, is)
	if i < 0 {
		return Model{}, false
	}
	return c.models[i], true
}
