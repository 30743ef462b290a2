// SPDX-License-Identifier: Apache-2.0

package legacy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/shelf"
	"landed/server/fleet"
)

func TestApart(t *testing.T) {
	text := func(path, text string) shelf.File { return shelf.File{Path: path, Type: shelf.JSON, Text: text} }
	target := func(path, name, sha string) shelf.File {
		return shelf.File{Path: path, Type: shelf.Package, Target: &manifests.Package{Path: "builds/nuwa/" + name, SHA256: sha}}
	}
	d, collided := Apart(shelf.New("nuwa", "stable", []shelf.File{text("a/same", "x"), text("a/same", "x"), text("a/two", "x"),
		text("a/one", "x"), text("a/two", "y"), text("a/two", "x"), target("b/same", "p.zip", "1"), target("b/same", "q.zip", "1"), target("b/two", "p.zip", "1"),
		target("b/two", "q.zip", "2")}))
	var left []string
	for _, f := range d.Files {
		left = append(left, f.Path)
	}
	if want := []string{"a/one", "a/same", "b/same"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, wanted %q", left, want)
	}
	if len(collided) != 2 || !strings.HasPrefix(collided[0], "a/two ") ||
		!strings.Contains(collided[1], "b/two would be two files, by one name (p.zip, q.zip)") {
		t.Errorf("collided: %q", collided)
	}
}

// TestCollisions: what one release has twice, and what two channels have under GrapheneOS's one root, unless the bytes are the same.
func TestCollisions(t *testing.T) {
	model := nuwa()
	on := func(channel, sha string) fleet.Package {
		p := packageOf(2, "nuwa", "nuwa")
		p.Channel, p.SHA256 = channel, strings.Repeat(sha, 64)
		return p
	}
	given := func(release, channel string, packages ...fleet.Package) Given {
		return Given{model, channel, release, packages, clientsOf(packages...)}
	}
	inc := packageOf(2, "nuwa", "nuwa", "V14.0.1.0")
	debug := packageOf(2, "nuwa", "nuwa", "V14.0.1.0")
	debug.SHA256, debug.Name = strings.Repeat("d", 64), "debug.zip"
	debug.PreBuilds = []string{strings.Replace(debug.PreBuilds[0], "user/", "userdebug/", 1)}
	stable, beta := given("two", "stable", on("stable", "a")), given("one", "beta", on("beta", "b"))
	same, older := given("one", "beta", on("beta", "a")), given("one", "stable", on("stable", "b"))
	spaced := given("two", "stable", on("stable", "a"))
	spaced.Clients.ROMType = "night ly"
	both := []fleet.Package{on("beta", "b"), on("stable", "a")}
	for name, tt := range map[string]struct {
		wanted, others []Given
		words          []string
	}{
		"one release": {[]Given{given("two", "stable", on("stable", "a"), inc)}, nil, nil},
		"one label, two sources": {[]Given{given("two", "stable", on("stable", "a"), inc, debug)}, nil,
			[]string{"two packages of two for nuwa on stable", "aosp-sample/stable/nuwa/V14.0.1.0.json"}},
		"the same on two channels": {[]Given{stable}, []Given{same}, nil},
		"other bytes on two channels": {[]Given{stable}, []Given{beta},
			[]string{"two of nuwa on stable and one of nuwa on beta", "grapheneos/nuwa-ota_update-V14.0.2.0.zip"}},
		"both in one release": {[]Given{given("two", "beta", both...), given("two", "stable", both...)}, nil,
			[]string{"two of nuwa on beta and two of nuwa on stable"}},
		"the newer replaces the older":  {[]Given{stable}, []Given{older}, nil},
		"what others have among them":   {[]Given{given("two", "lab", on("lab", "a"))}, []Given{same, older}, []string{"one of nuwa on stable"}},
		"a path that is none":           {[]Given{spaced}, nil, []string{"two of nuwa on stable: files for other updaters: path"}},
		"a package for another channel": {[]Given{given("two", "stable", both...)}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := errors.Join(Collisions(base, tt.wanted, tt.others)...)
			if (got == nil) != (tt.words == nil) {
				t.Fatalf("got %v, wanted words about %q", got, tt.words)
			}
			for _, words := range tt.words {
				if !strings.Contains(got.Error(), words) {
					t.Errorf("got %v, wanted words about %q", got, words)
				}
			}
		})
	}
}
