// SPDX-License-Identifier: Apache-2.0

// Package handsettest is a server in memory to test handsets against: a feed whose every file a test can
// bend, and a letter box for reports.
//
// It promises real metadata: written by tufrepo, signed by thresholds of real keys, served with ETags and
// ranges. It refuses nothing: it holds whatever keys and files an attack needs. Only tests link it.
package handsettest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

// Key is a signer in memory, the same for the same name in every run.
type Key struct {
	private ed25519.PrivateKey
}

// KeyOf makes the key of a name.
func KeyOf(name string) Key {
	seed := sha256.Sum256([]byte(name))
	return Key{ed25519.NewKeyFromSeed(seed[:])}
}

// Key is the public half.
func (k Key) Key() tufrepo.Key { return must(tufrepo.NewKey(k.private.Public())) }

// Sign implements tufrepo.Signer.
func (k Key) Sign(message []byte) ([]byte, error) { return ed25519.Sign(k.private, message), nil }

// Server is the feed and the letter box. Fields may be changed between publications.
type Server struct {
	Now func() time.Time
	// Root, Builds and the others are the keys; thresholds are 3, 2, 2 and 1.
	RootKeys, TargetsKeys, BuildsKeys    []tufrepo.Signer
	SnapshotKey, TimestampKey, OffersKey tufrepo.Signer
	Versions                             map[string]int64            // of each role; the next publication writes the next
	Packages                             map[string][]tufrepo.Target // by model role: what the offline role lists
	Offers                               map[string][]offers.Offer   // by model role
	Devices                              map[string]string           // model role to device name
	Mirrors                              []string                    // that the offers of every model name
	Retired                              map[string]bool             // model roles that targets delegates to no more
	Outsiders                            []tufrepo.OutsiderKeys      // whom targets names beside
	// what the stable documents say of themselves, if not stable
	Channel       string
	TimestampLife time.Duration
	// Packs, if set, says which files go out as gzip to whoever asks for it.
	Packs func(path string, size int) bool

	// Alter, if set, changes what is signed in each metadata file but the root, before it is signed.
	Alter func(role string, signed map[string]any)
	// AlterOffers, if set, changes the text of each offers document before its digest is signed.
	AlterOffers func(text []byte) []byte

	// Bend, if set, may answer a request itself; it says if it did.
	Bend func(w http.ResponseWriter, r *http.Request) bool

	roles    map[string]tufrepo.RoleFile // what the snapshot lists
	mu       sync.Mutex
	metadata map[string][]byte // by file name
	targets  map[string][]byte // by stored name
	reports  []report.Report
	last     map[report.Reference]time.Time
	seen     map[string]bool
	bytes    int64
	requests int
}

// New makes an empty feed with one root.
func New(now func() time.Time) *Server {
	s := &Server{
		Now: now, RootKeys: people("root", 5), TargetsKeys: people("targets", 3), BuildsKeys: people("builds", 3),
		SnapshotKey: KeyOf("snapshot"), TimestampKey: KeyOf("timestamp"), OffersKey: KeyOf("offers"),
		Versions: map[string]int64{}, Packages: map[string][]tufrepo.Target{}, Offers: map[string][]offers.Offer{},
		Devices:       map[string]string{},
		TimestampLife: 24 * time.Hour, metadata: map[string][]byte{}, targets: map[string][]byte{}, seen: map[string]bool{},
		last: map[report.Reference]time.Time{},
	}
	s.RotateRoot()
	return s
}

func people(role string, n int) (list []tufrepo.Signer) {
	for i := range n {
		list = append(list, KeyOf(fmt.Sprint(role, i)))
	}
	return list
}

func keys(threshold int, list ...tufrepo.Signer) tufrepo.RoleKeys {
	r := tufrepo.RoleKeys{Threshold: threshold}
	for _, k := range list {
		r.Keys = append(r.Keys, k.Key())
	}
	return r
}

// RotateRoot writes the next root with the keys that are set now, signed by the first root's people too.
func (s *Server) RotateRoot() {
	s.Versions["root"]++
	v := s.Versions["root"]
	doc := must(tufrepo.NewRoot(tufrepo.RootSpec{Version: v, Expires: s.Now().AddDate(1, 0, 0),
		Root:    keys(3, s.RootKeys...),
		Targets: keys(2, s.TargetsKeys...), Snapshot: keys(1, s.SnapshotKey), Timestamp: keys(1, s.TimestampKey)}))
	s.Put(tufrepo.MetadataFile("root", v), must(tufrepo.Sign(doc, s.RootKeys[:3]...)))
}

// Root is the first root, which handsets are sold with.
func (s *Server) Root() []byte { return s.File("1.root.json") }

// Add lists a package in the offline role of its model and returns the offer that repeats it.
func (s *Server) Add(custom manifests.Custom, name string, content []byte) offers.Offer {
	role := manifests.Model{Device: custom.Model}.Role()
	s.Devices[role] = custom.Model
	path := tufrepo.PackagePath(role, name)
	p := manifests.Package{Path: path, Length: int64(len(content)), SHA256: hash(content)}
	s.Packages[role] = append(s.Packages[role], tufrepo.Target{Path: path, Length: p.Length, SHA256: p.SHA256,
		Custom: must(json.Marshal(custom))})
	s.PutTarget(tufrepo.StoredTarget(path, p.SHA256), content)
	return offers.Offer{Rollout: custom.Release + "-" + role, State: offers.StateRunning,
		Salt: strings.Repeat("0", 32), Stage: 1, Share: offers.WholeFleet, Package: p, Manifest: p, Custom: custom}
}

// AddRelease is Add with a handset manifest that asks, as releases have it since schema 2. custom.Effect names what the
// questions are about.
func (s *Server) AddRelease(custom manifests.Custom, ask probe.Ask, name string, content []byte) offers.Offer {
	role := manifests.Model{Device: custom.Model}.Role()
	p := manifests.Package{Path: tufrepo.PackagePath(role, name), Length: int64(len(content)), SHA256: hash(content)}
	notes := manifests.Package{Path: "builds/" + role + "/" + custom.Release + ".notes.json", Length: 1,
		SHA256: hash([]byte("n"))}
	m := manifests.Manifest{Schema: manifests.ManifestSchema, Release: custom.Release, Model: custom.Model,
		Variant: custom.Variant,
		Channel: custom.Channel, Counter: custom.Counter, Build: custom.Build, Package: p, NotesDocument: &notes}
	if custom.Effect != "" {
		m.Effect, m.Ask, m.EffectDocument = custom.Effect, ask, &notes
	}
	if err := m.Validate(); err != nil {
		panic(err) // a test that wants another one adds it with AddTarget
	}
	text := m.Bytes()
	offer := s.Add(m.Custom(hash(text)), name, content)
	offer.Manifest = s.AddTarget(role, tufrepo.ManifestPath(role, custom.Release, custom.Variant), text)
	return offer
}

// AddTarget lists a file in the offline role of a model and serves it.
func (s *Server) AddTarget(role, path string, content []byte) manifests.Package {
	p := manifests.Package{Path: path, Length: int64(len(content)), SHA256: hash(content)}
	s.Packages[role] = append(s.Packages[role], tufrepo.Target{Path: path, Length: p.Length, SHA256: p.SHA256})
	s.PutTarget(tufrepo.StoredTarget(path, p.SHA256), content)
	return p
}

// Reports are those received, in order, each once.
func (s *Server) Reports() []report.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]report.Report(nil), s.reports...)
}

// Last is when an installation was last heard of.
func (s *Server) Last(ref report.Reference) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[ref]
}

// Traffic is how many requests were answered, and with how many bytes of bodies, since the last call.
func (s *Server) Traffic() (requests int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests, bytes = s.requests, s.bytes
	s.requests, s.bytes = 0, 0
	return requests, bytes
}

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
