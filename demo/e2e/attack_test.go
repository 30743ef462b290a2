// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
)

// thief is somebody with the server's three keys and a copy of its feed. Whatever they change, the result is perfect by
// the rules of TUF as far as those keys reach.
type thief struct {
	feed  string // the copy
	keys  map[string]tufrepo.Signer
	offer offers.Offer                 // of the approved build, to the whole fleet
	roles map[string][]byte            // metadata that the thief adds beside offers
	other map[string]manifests.Package // approved packages by model
}

// tricks are what the thief tries. Each bends an offer that would otherwise be accepted.
var tricks = map[string]func(*thief) error{
	"approved": func(*thief) error { return nil },
	"unlisted": func(t *thief) (err error) {
		t.offer.Package, err = t.put("builds/armani/evil.zip", []byte("a package of their own"))
		return err
	},
	"counter": func(t *thief) error { t.offer.Custom.Counter++; return nil },
	"effect": func(t *thief) error {
		t.offer.Custom.Effect = "build-runs"
		return nil
	},
	"questions": func(t *thief) error { // the rules of another release
		t.offer.Custom.Manifest = strings.Repeat("0", 64)
		return nil
	},
	"unheard-of": func(t *thief) (err error) { // a member that no program knows
		raw, err := json.Marshal(t.offer.Custom)
		t.offer.RawCustom = append(raw[:len(raw)-1], `,"region":"cn"}`...)
		return err
	},
	"bytes": func(t *thief) error {
		p, err := t.put(t.offer.Package.Path, []byte("other bytes under an approved path"))
		t.offer.Package = p
		return err
	},
	"othermodel": func(t *thief) error { t.offer.Package = t.other["dior"]; return nil },
	"delegation": func(t *thief) error { // a key of their own for the builds of armani
		_, own, err := ed25519.GenerateKey(nil)
		if err != nil {
			return err
		}
		one := func(k tufrepo.Signer) tufrepo.RoleKeys {
			return tufrepo.RoleKeys{Keys: []tufrepo.Key{k.Key()}, Threshold: 1}
		}
		doc, err := tufrepo.NewTargets(100, inAWeek(), []tufrepo.ModelKeys{
			{Role: "armani", Builds: one(stolen{own}), Offers: one(t.keys["offers"])},
		})
		if err == nil {
			t.roles[tufrepo.Targets], err = tufrepo.Sign(doc, t.keys["offers"])
		}
		return err
	},
}

// steal DATA TRICK FEED: copies the feed of a data folder to FEED, and publishes a trick there with the stolen keys.
func steal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 || tricks[args[1]] == nil {
		ts.Fatalf("usage: steal DATA TRICK FEED")
	}
	t := &thief{
		feed: ts.MkAbs(args[2]), keys: map[string]tufrepo.Signer{}, roles: map[string][]byte{},
		other: map[string]manifests.Package{},
	}
	ts.Check(os.CopyFS(t.feed, os.DirFS(filepath.Join(ts.MkAbs(args[0]), "feed"))))
	for _, name := range []string{"snapshot", "timestamp", "offers"} {
		key, err := stolenKey(filepath.Join(ts.MkAbs(args[0]), "keys", name+".pem"))
		ts.Check(err)
		t.keys[name] = key
	}
	ts.Check(t.look())
	ts.Check(tricks[args[1]](t))
	ts.Check(t.publish())
}

func inAWeek() time.Time { return time.Now().UTC().Truncate(time.Second).Add(7 * 24 * time.Hour) }

// read is the newest metadata of a role, found as a client finds it.
func (t *thief) read(role string) ([]byte, tufrepo.Info, error) {
	file := "timestamp.json"
	if role != tufrepo.Timestamp {
		from := tufrepo.Snapshot
		if role == tufrepo.Snapshot {
			from = tufrepo.Timestamp
		}
		_, info, err := t.read(from)
		if err != nil {
			return nil, info, err
		}
		file = tufrepo.MetadataFile(role, info.Files[role].Version)
	}
	doc, err := os.ReadFile(filepath.Join(t.feed, "metadata", file))
	if err != nil {
		return nil, tufrepo.Info{}, err
	}
	info, err := tufrepo.Read(doc)
	return doc, info, err
}

// look finds the approved packages, and makes an honest offer of armani's.
func (t *thief) look() error {
	t.offer = offers.Offer{Rollout: "stolen", State: offers.StateRunning, Salt: strings.Repeat("0", 32), Stage: 1,
		Share: offers.WholeFleet}
	for _, role := range []string{"armani", "dior"} {
		_, info, err := t.read(role)
		if err != nil {
			return err
		}
		for _, target := range info.Targets {
			p := manifests.Package{Path: target.Path, Length: target.Length, SHA256: target.SHA256}
			switch {
			case !strings.HasSuffix(target.Path, ".zip"):
				if strings.HasSuffix(target.Path, "."+sold().Variant+".json") {
					t.offer.Manifest = p
				}
				continue
			case role == "armani":
				t.offer.Package = p
				if err := json.Unmarshal(target.Custom, &t.offer.Custom); err != nil {
					return err
				}
			}
			t.other[role] = p
		}
	}
	return nil
}

// put stores a target in the feed.
func (t *thief) put(path string, content []byte) (manifests.Package, error) {
	sum := sha256.Sum256(content)
	p := manifests.Package{Path: path, Length: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	file := filepath.Join(t.feed, "targets", filepath.FromSlash(tufrepo.StoredTarget(path, p.SHA256)))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return p, err
	}
	return p, os.WriteFile(file, content, 0o644)
}

// publish writes the offers document, its role, snapshot and timestamp, each in the next version and signed.
func (t *thief) publish() error {
	doc := offers.Document{Schema: offers.Schema, Model: "armani", Channel: "stable", Offers: []offers.Offer{t.offer}}
	p, err := t.put(tufrepo.OffersPath("armani", "stable"), doc.Bytes())
	if err != nil {
		return err
	}
	role := tufrepo.OffersRole("armani")
	_, old, err := t.read(role)
	if err != nil {
		return err
	}
	target := tufrepo.Target{Path: p.Path, Length: p.Length, SHA256: p.SHA256}
	made, err := tufrepo.NewRole(old.Version+1, inAWeek(), []tufrepo.Target{target})
	if err != nil {
		return err
	}
	if t.roles[role], err = tufrepo.Sign(made, t.keys["offers"]); err != nil {
		return err
	}
	_, snapshot, err := t.read(tufrepo.Snapshot)
	if err != nil {
		return err
	}
	for name, text := range t.roles {
		if snapshot.Files[name], err = t.write(name, text); err != nil {
			return err
		}
	}
	if made, err = tufrepo.NewSnapshot(snapshot.Version+1, inAWeek(), snapshot.Files); err != nil {
		return err
	}
	_, timestamp, err := t.read(tufrepo.Timestamp)
	if err != nil {
		return err
	}
	return t.finish(made, timestamp.Version+1)
}

func (t *thief) finish(snapshot []byte, version int64) error {
	signed, err := tufrepo.Sign(snapshot, t.keys["snapshot"])
	if err != nil {
		return err
	}
	file, err := t.write(tufrepo.Snapshot, signed)
	if err != nil {
		return err
	}
	made, err := tufrepo.NewTimestamp(version, time.Now().UTC().Truncate(time.Second).Add(48*time.Hour), file)
	if err == nil {
		made, err = tufrepo.Sign(made, t.keys["timestamp"])
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.feed, "metadata", "timestamp.json"), made, 0o644)
}

// write stores signed metadata under its version.
func (t *thief) write(role string, doc []byte) (tufrepo.RoleFile, error) {
	f, err := tufrepo.FileOf(doc)
	if err != nil {
		return f, err
	}
	return f, os.WriteFile(filepath.Join(t.feed, "metadata", tufrepo.MetadataFile(role, f.Version)), doc, 0o644)
}

type stolen struct{ private ed25519.PrivateKey }

func (s stolen) Key() tufrepo.Key {
	k, err := tufrepo.NewKey(s.private.Public())
	if err != nil {
		panic(err) // it is an Ed25519 key
	}
	return k
}
func (s stolen) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.private, message), nil }

func stolenKey(path string) (stolen, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return stolen{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return stolen{}, fmt.Errorf("%s is no PEM file", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return stolen{}, err
	}
	return stolen{key.(ed25519.PrivateKey)}, nil
}
