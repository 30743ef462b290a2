// SPDX-License-Identifier: Apache-2.0

// Package handsettest is a server in memory to test handsets against: a feed whose every file a test can
// bend, and a letter box for reports.
//
// It promises real metadata: written by tufrepo, signed by thresholds of real keys, served with ETags and
// ranges. It refuses nothing: it holds whatever keys and files an attack needs. Only tests link it.
package handsettest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
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
	Retired                              map[string]bool             // model roles that targets delegates to no more
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

// Publish writes every role anew, then snapshot and timestamp.
func (s *Server) Publish() {
	now := s.Now()
	var models []tufrepo.ModelKeys
	s.roles = map[string]tufrepo.RoleFile{}
	for role := range s.Devices {
		if !s.Retired[role] {
			models = append(models, tufrepo.ModelKeys{Role: role, Builds: keys(2, s.BuildsKeys...),
				Offers: keys(1, s.OffersKey)})
		}
		doc := must(tufrepo.NewRole(s.next(role), now.AddDate(0, 5, 0), s.Packages[role]))
		s.putRole(role, s.sign(role, doc, s.BuildsKeys[:2]...))
		s.putOffers(role)
	}
	doc := must(tufrepo.NewTargets(s.next("targets"), now.AddDate(0, 5, 0), models))
	s.putRole("targets", s.sign("targets", doc, s.TargetsKeys[:2]...))
	s.putSnapshot()
}

// PublishOffers writes the offers of one model anew, then snapshot and timestamp: what most publications are.
func (s *Server) PublishOffers(role string) {
	s.putOffers(role)
	s.putSnapshot()
}

func (s *Server) putOffers(role string) {
	text := offers.Document{Schema: 1, Model: s.Devices[role], Channel: cmp.Or(s.Channel, "stable"),
		Offers: s.Offers[role]}.Bytes()
	if s.AlterOffers != nil {
		text = s.AlterOffers(text)
	}
	path := tufrepo.OffersPath(role, "stable")
	s.PutTarget(tufrepo.StoredTarget(path, hash(text)), text)
	name := tufrepo.OffersRole(role)
	doc := must(tufrepo.NewRole(s.next(name), s.Now().AddDate(0, 0, 7),
		[]tufrepo.Target{{Path: path, Length: int64(len(text)), SHA256: hash(text)}}))
	s.putRole(name, s.sign(name, doc, s.OffersKey))
}

func (s *Server) putSnapshot() {
	doc := must(tufrepo.NewSnapshot(s.next("snapshot"), s.Now().AddDate(0, 0, 7), s.roles))
	s.Put(tufrepo.MetadataFile("snapshot", s.Versions["snapshot"]), s.sign("snapshot", doc, s.SnapshotKey))
	s.Renew()
}

// Renew writes a new timestamp over the newest snapshot.
func (s *Server) Renew() {
	snapshot := s.File(tufrepo.MetadataFile("snapshot", s.Versions["snapshot"]))
	doc := must(tufrepo.NewTimestamp(s.next("timestamp"), s.Now().Add(s.TimestampLife),
		tufrepo.RoleFile{Version: s.Versions["snapshot"], Length: int64(len(snapshot)), SHA256: hash(snapshot)}))
	s.Put("timestamp.json", s.sign("timestamp", doc, s.TimestampKey))
}

func (s *Server) next(role string) int64 {
	s.Versions[role]++
	return s.Versions[role]
}

func (s *Server) putRole(role string, doc []byte) {
	s.Put(tufrepo.MetadataFile(role, s.Versions[role]), doc)
	s.roles[role] = tufrepo.RoleFile{Version: s.Versions[role], Length: int64(len(doc)), SHA256: hash(doc)}
}

// Put, File and PutTarget change what is served.
func (s *Server) Put(name string, doc []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metadata[name] = doc
}

// File is one metadata file as served, nil if there is none.
func (s *Server) File(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.metadata[name]
}

// Files is a copy of all metadata files by name.
func (s *Server) Files() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.metadata)
}

// Restore serves these metadata files and no others.
func (s *Server) Restore(files map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metadata = maps.Clone(files)
}

// PutTarget serves content under a stored name (dir/HASH.name).
func (s *Server) PutTarget(stored string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets[stored] = content
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

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	count := &counting{ResponseWriter: w, s: s}
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	if s.Bend != nil && s.Bend(count, r) {
		return
	}
	if r.URL.Path == "/v1/reports" {
		s.receive(count, r)
		return
	}
	s.mu.Lock()
	content, ok := s.metadata[strings.TrimPrefix(r.URL.Path, "/tuf/metadata/")]
	if !ok {
		content, ok = s.targets[strings.TrimPrefix(r.URL.Path, "/tuf/targets/")]
	}
	s.mu.Unlock()
	if !ok {
		http.NotFound(count, r)
		return
	}
	w.Header().Set("ETag", tag(r.URL.Path, content))
	if s.Packs != nil && r.Header.Get("Accept-Encoding") == "gzip" && s.Packs(r.URL.Path, len(content)) {
		content = Pack(content)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", "W/"+w.Header().Get("ETag"))
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(count, r, "", time.Time{}, bytes.NewReader(content))
}

// tag is the ETag of a file: of the timestamp the digest of what is signed in it.
func tag(path string, content []byte) string {
	sum := hash(content)
	if strings.HasSuffix(path, "/timestamp.json") {
		if signed, err := tufrepo.SignedDigest(content); err == nil {
			sum = signed
		}
	}
	return `"` + sum + `"`
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(io.LimitReader(r.Body, envelope.MaxBytes+1))
	if err != nil {
		problem(w, "truncated")
		return
	}
	got, ref, err := envelope.Open(text)
	if err != nil {
		problem(w, "report_malformed")
		return
	}
	s.mu.Lock()
	s.last[ref] = s.Now()
	stored := "replayed"
	if !s.seen[got.ID] {
		s.seen[got.ID], stored = true, "new"
		s.reports = append(s.reports, got)
	}
	s.mu.Unlock()
	fmt.Fprintf(w, `{"id":%q,"stored":%q}`, got.ID, stored)
}

func problem(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	fmt.Fprintf(w, `{"code":%q}`, code)
}

// Pack is content as gzip.
func Pack(content []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_ = must(w.Write(content))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

type counting struct {
	http.ResponseWriter
	s *Server
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.s.mu.Lock()
	c.s.bytes += int64(n)
	c.s.mu.Unlock()
	return n, err
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
