// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"landed/manifests/strict"
)

//go:embed effects/*.yaml
var effects embed.FS

// Shipped lists the names of the effects that come with this program, in order. A release names one of them, or
// carries an effect of its own; either way the whole of it stands in what is signed.
func Shipped() []string {
	entries, err := effects.ReadDir("effects")
	if err != nil {
		panic(err) // embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// ByName is an effect that comes with this program.
func ByName(name string) (Effect, error) {
	text, err := effects.ReadFile("effects/" + name + ".yaml")
	if err != nil {
		return Effect{}, fmt.Errorf("no effect %q comes with this program; there are %s, or write one into the release",
			name, strings.Join(Shipped(), ", "))
	}
	return ParseYAML(text)
}

// ParseYAML reads an effect as an engineer writes it. Unknown keys are refused. It does not validate: whoever takes the
// effect says in which languages it must speak.
func ParseYAML(text []byte) (Effect, error) {
	var e Effect
	if err := strict.YAML(text, &e); err != nil {
		return Effect{}, fmt.Errorf("effect: %w", err)
	}
	return e, nil
}
