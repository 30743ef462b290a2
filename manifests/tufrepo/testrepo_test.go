// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"testing"
	"time"

	"landed/internal/format"
	"landed/manifests"
)

var testNow = time.Date(2014, 8, 10, 8, 0, 0, 0, time.UTC)

// testSigner is a key in memory, the same for the same name in every run.
type testSigner struct {
	key  Key
	sign func([]byte) ([]byte, error)
}

func (s testSigner) Key() Key                            { return s.key }
func (s testSigner) Sign(message []byte) ([]byte, error) { return s.sign(message) }

func edSigner(name string) testSigner {
	seed := sha256.Sum256([]byte(name))
	private := ed25519.NewKeyFromSeed(seed[:])
	return testSigner{must(NewKey(private.Public())), func(m []byte) ([]byte, error) { return ed25519.Sign(private, m), nil }}
}

func ecSigner(name string) testSigner {
	seed := sha256.Sum256([]byte(name))
	d := new(big.Int).Mod(new(big.Int).SetBytes(seed[:]), elliptic.P256().Params().N)
	private := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), d.FillBytes(make([]byte, 32))))
	return testSigner{must(NewKey(private.Public())), func(m []byte) ([]byte, error) {
		sum := sha256.Sum256(m)
		return private.Sign(rand.Reader, sum[:], crypto.SHA256)
	}}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// repo makes whole feeds, and lets a test break one thing.
type repo struct {
	root, targets, builds       []Signer
	snapshot, timestamp, offers Signer
	models                      []string
	roots                       [][]byte
	files                       map[string][]byte
	now                         time.Time
}

func people(role string, n int) (list []Signer) {
	for i := range n {
		if i%2 == 1 {
			list = append(list, ecSigner(fmt.Sprint(role, i)))
		} else {
			list = append(list, edSigner(fmt.Sprint(role, i)))
		}
	}
	return list
}

func keysOf(threshold int, list ...Signer) RoleKeys {
	r := RoleKeys{Threshold: threshold}
	for _, s := range list {
		r.Keys = append(r.Keys, s.Key())
	}
	return r
}

func newRepo(models ...string) *repo {
	r := &repo{
		root: people("root", 5), targets: people("targets", 3), builds: people("builds", 3),
		snapshot: edSigner("snapshot"), timestamp: edSigner("timestamp"), offers: edSigner("offers"),
		models: models, files: map[string][]byte{}, now: testNow,
	}
	r.addRoot(r.rootSpec(1), r.root[:3]...)
	r.files[Targets] = must(Sign(r.targetsDoc(1), r.targets[:2]...))
	for _, m := range models {
		r.files[m] = must(Sign(must(NewRole(1, r.in(100), []Target{packageFor(m, 1)})), r.builds[:2]...))
		r.files[OffersRole(m)] = must(Sign(must(NewRole(1, r.in(7), []Target{offersFor(m)})), r.offers))
	}
	r.publish(1)
	return r
}

func (r *repo) in(days int) time.Time { return r.now.Add(time.Duration(days) * 24 * time.Hour) }

func (r *repo) rootSpec(version int64) RootSpec {
	return RootSpec{version, r.in(365), keysOf(3, r.root...), keysOf(2, r.targets...), keysOf(1, r.snapshot), keysOf(1, r.timestamp)}
}

func (r *repo) modelKeys() (list []ModelKeys) {
	for _, m := range r.models {
		list = append(list, ModelKeys{m, keysOf(2, r.builds...), keysOf(1, r.offers)})
	}
	return list
}

func (r *repo) targetsDoc(version int64) []byte {
	return must(NewTargets(version, r.in(150), r.modelKeys()))
}

func (r *repo) addRoot(spec RootSpec, by ...Signer) {
	r.roots = append(r.roots, must(Sign(must(NewRoot(spec)), by...)))
}

// publish makes the next snapshot and timestamp over what is there.
func (r *repo) publish(version int64) {
	list := map[string]RoleFile{}
	for role, doc := range r.files {
		if role != Snapshot && role != Timestamp {
			list[role] = must(FileOf(doc))
		}
	}
	r.files[Snapshot] = must(Sign(must(NewSnapshot(version, r.in(7), list)), r.snapshot))
	r.files[Timestamp] = must(Sign(must(NewTimestamp(version, r.in(1), must(FileOf(r.files[Snapshot])))), r.timestamp))
}

func (r *repo) set() Set {
	return Set{Roots: append([][]byte{}, r.roots...), Files: maps.Clone(r.files)}
}

func packageFor(model string, counter int64) Target {
	custom := manifests.Custom{
		Schema: manifests.CustomSchema, Manifest: format.SHA256([]byte("manifest")), Effect: "cloud-messaging-opt-in",
		Model: model, Variant: model, Channel: "stable", Release: "miui-cloud-messaging-opt-in", Counter: counter,
		Build: manifests.Build{Fingerprint: "Xiaomi/" + model + "/" + model + ":4.3/JLS36C/JHCMIBH45.0:user/release-keys",
			Incremental: "JHCMIBH45.0", UTC: 1407600000 + counter},
	}
	content := fmt.Sprint(model, counter)
	return Target{PackagePath(model, fmt.Sprintf("miui_%s_%d", model, counter)), 123456, format.SHA256([]byte(content)),
		must(json.Marshal(custom))}
}

func offersFor(model string) Target {
	return Target{OffersPath(model, "stable"), 500, format.SHA256([]byte("offers" + model)), nil}
}

func TestCheckAcceptsWhatWeWrite(t *testing.T) {
	if err := newRepo("armani", "dior").set().Check(testNow); err != nil {
		t.Fatal(err)
	}
	if err := newRepo().set().Check(testNow); err != nil {
		t.Fatalf("a feed without models: %v", err)
	}
}
