// SPDX-License-Identifier: Apache-2.0

package library_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// shared is a package of armani that names other devices as well.
func shared(t *testing.T, also ...string) []byte {
	t.Helper()
	b := kit.OK(fixtures.BuildOf("armani", fixtures.Patched))(t)
	b.Also = also
	return kit.OK(fixtures.Bytes(b, kit.OTAKey))(t)
}

// refs are the packages of one upload, by what is bound to each.
func refs(u library.Uploaded) (all []string) {
	for _, p := range append([]fleet.Package{u.Package}, u.Also...) {
		all = append(all, p.Model+" "+p.Variant+" "+p.Channel)
	}
	slices.Sort(all)
	return all
}

func TestSeveralDevicesShareAPackage(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani", "dior")
	body := shared(t, "dior")
	send := func() library.Uploaded {
		in := library.Incoming{Name: "both.zip", Channel: "lab", By: "ann"}
		return kit.OK(h.Library.Upload(h.Ctx, in, bytes.NewReader(body)))(t)
	}
	both := send()
	if want := []string{"armani armani_global lab", "dior dior_global lab"}; !slices.Equal(refs(both), want) || both.Known {
		t.Errorf("uploaded %q; wanted %q", refs(both), want)
	}
	if again := send(); !again.Known || len(refs(again)) != 2 || contents(h) != 1 {
		t.Errorf("again: known %t, %q, %d contents", again.Known, refs(again), contents(h))
	}
	kit.OK(h.Library.Remove(h.Ctx, both.SHA256+"/dior/lab", "ann", ""))(t)
	if filled := send(); filled.Known || len(refs(filled)) != 2 {
		t.Errorf("with one of two removed: known %t, %q", filled.Known, refs(filled))
	}
	stable := promote(h, both.Package, "stable")
	release(h, "1", "for-both", append(stable.Also, stable.Package)...)
	started := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: "for-both", By: "ann"}))(t)
	if len(started) != 2 {
		t.Errorf("%d rollouts", len(started))
	}
	wantSound(h)
}

func TestOneModelOfSeveralIsPromoted(t *testing.T) {
	h := kit.New(t)
	in := library.Incoming{Name: "both.zip", Channel: "lab", By: "ann"}
	both := kit.OK(h.Library.Upload(h.Ctx, in, bytes.NewReader(shared(t, "dior"))))(t)
	p := library.Promotion{Package: both.SHA256, Model: "dior", To: "beta", By: "bo"}
	if one := kit.OK(h.Library.Promote(h.Ctx, p))(t); !slices.Equal(refs(one), []string{"dior dior_global beta"}) {
		t.Errorf("promoted %q", refs(one))
	}
	p.Model = ""
	all := kit.OK(h.Library.Promote(h.Ctx, p))(t)
	if want := []string{"armani armani_global beta", "dior dior_global beta"}; !slices.Equal(refs(all), want) {
		t.Errorf("then %q", refs(all))
	}
}

// Every device has to be known, and each that is not is named.
func TestSharedPackageOfUnknownDevice(t *testing.T) {
	h := kit.New(t)
	in := library.Incoming{Name: "all.zip", Channel: "stable", By: "ann"}
	_, err := h.Library.Upload(h.Ctx, in, bytes.NewReader(shared(t, "dior", "nuwa", "cancr")))
	refused, is := errors.AsType[*library.Refused](err)
	if !is {
		t.Fatalf("got %v", err)
	}
	var said []string
	for _, f := range refused.Findings {
		if f.Code == otapkg.DevUnknown {
			said = append(said, f.Message)
		}
	}
	if words := strings.Join(said, " "); !strings.Contains(words, "nuwa") || !strings.Contains(words, "Did you mean `cancro`?") || strings.Contains(words, "dior is") {
		t.Errorf("it says %q", words)
	}
	if n := h.Contents(); n != 0 {
		t.Errorf("%d things were stored", n)
	}
}

// vector reads a package that was made elsewhere: from $LANDED_VECTORS, or shared/vectors beside or
// above the module.
func vector(t *testing.T, folder, name string) []byte {
	t.Helper()
	under := "cases/" + folder
	tries := []string{os.Getenv("LANDED_VECTORS")}
	at := kit.OK(filepath.Abs("../.."))(t)
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		tries = append(tries, filepath.Join(at, "..", "shared", "vectors"))
	}
	for _, dir := range tries {
		text, err := os.ReadFile(filepath.Join(dir, under, name))
		if err == nil {
			return text
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	t.Skipf("%s/%s is not here: set LANDED_VECTORS to the folder that holds it", under, name)
	return nil
}

// A package with a build of its own for each device: each model gets its own.
func TestBuildsOfSeveralDevices(t *testing.T) {
	body := vector(t, "06-several-pre-devices", "two-devices.zip")
	facts, _, err := otapkg.Inspect(bytes.NewReader(body), int64(len(body)), otapkg.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	h := kit.New(t, func(c *rooms.Config) { c.OTAKeys = func(string) ([]otapkg.Pin, error) { return nil, nil } })
	h.Now = h.Now.AddDate(12, 0, 0)
	send := func() (library.Uploaded, error) {
		return h.Library.Upload(h.Ctx, library.Incoming{Name: "two.zip", Channel: "lab", By: "ann"}, bytes.NewReader(body))
	}
	first := kit.OK(send())(t)
	if want := []string{"fuxi fuxi_global lab"}; !slices.Equal(refs(first), want) || !strings.Contains(string(first.Findings), "`nuwa` is not a known device") {
		t.Errorf("before the other model is added: %q, %s", refs(first), first.Findings)
	}
	file := "schema: 1\nmodels: [{device: nuwa, variants: [nuwa, nuwa_global], profile: {family: ab}}]"
	kit.OK(h.Lineup.Add(h.Ctx, []byte(file), "ann", ""))(t)
	u := kit.OK(send())(t)
	if want := []string{"fuxi fuxi_global lab", "nuwa nuwa_global lab"}; !slices.Equal(refs(u), want) {
		t.Errorf("uploaded %q; wanted %q", refs(u), want)
	}
	for _, p := range append([]fleet.Package{u.Package}, u.Also...) {
		if !strings.Contains(p.Build.Fingerprint, "/"+p.Model+":") || !slices.Contains(facts.PostBuild, p.Build.Fingerprint) {
			t.Errorf("%s has the build %s", p.Model, p.Build.Fingerprint)
		}
	}
}

func TestSharedFilePackage(t *testing.T) {
	body := vector(t, "06-several-pre-devices", "armani-dior.zip")
	h := kit.New(t, func(c *rooms.Config) { c.OTAKeys = func(string) ([]otapkg.Pin, error) { return nil, nil } })
	in := library.Incoming{Name: "armani-dior.zip", Channel: "lab", By: "ann"}
	u, err := h.Library.Upload(h.Ctx, in, bytes.NewReader(body))
	if want := []string{"armani armani_global lab", "dior dior_global lab"}; err != nil || !slices.Equal(refs(u), want) {
		t.Errorf("uploaded %q, %v; wanted %q", refs(u), err, want)
	}
}
