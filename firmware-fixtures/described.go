// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"errors"
	"fmt"
	"slices"
)

// Model describes a model that is not built in, in as many words as its builds take. Version numbers and dates are
// those that every such model gets.
type Model struct {
	Device  string // ro.product.device
	Variant string // image variant
	ROMName string // the word in the file name
	Android string // release, as "6.0"
	AB      bool   // takes A/B payloads
}

// BuildOf gives the build of a kind. It refuses the name of a model that is built in.
func (m Model) BuildOf(kind Kind) (Build, error) { return m.complete(m.model().build(kind)) }

// LaterBuildOf gives a build after those of BuildOf, as the function of that name does for a model that is built in.
func (m Model) LaterBuildOf(kind Kind, n int) (Build, error) {
	return m.complete(m.model().later(kind, n))
}

func (m Model) complete(b Build, err error) (Build, error) {
	if slices.Contains(Models(), m.Device) {
		err = errors.Join(err, fmt.Errorf("model %s is built in, and has builds of its own", m.Device))
	}
	b.board = m.model().board
	return b, err
}

func (m Model) model() model {
	return model{name: m.Device, variant: m.Variant, romName: m.ROMName, product: m.Device + "/" + m.Device,
		android: m.Android, buildID: "MRA58K", fileAndroid: m.Android,
		versions: [3]string{"V7.0.1.0", "V7.0.4.0", "V7.0.5.0"}, dates: [3]string{"2016-01-12", "2016-02-16", "2016-02-23"},
		board: qcom("7824900.sdhci"), ab: m.AB}
}
