// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"landed/handset/handsettest"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/otapkg"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

// attack is what a client must withstand, and the class under which it must be refused. The handset has
// polled a good feed without an offer before.
type attack struct {
	row   string
	class Class
	do    func(r *rig)
}

// attacks are those of the TUF and Uptane texts.
var attacks = []attack{
	{"1 timestamp signed by a stranger", ClassSignature, func(r *rig) {
		r.server.TimestampKey = handsettest.KeyOf("stranger")
		r.server.Publish()
	}},
	{"1 snapshot signed by a stranger", ClassSignature, func(r *rig) {
		r.server.SnapshotKey = handsettest.KeyOf("stranger")
		r.server.Publish()
	}},
	{"1 targets below the threshold", ClassSignature, func(r *rig) {
		r.server.TargetsKeys = []tufrepo.Signer{r.server.TargetsKeys[0], handsettest.KeyOf("stranger")}
		r.server.Publish()
	}},
	{"2 root signed by new keys only", ClassSignature, func(r *rig) {
		for i := range r.server.RootKeys {
			r.server.RootKeys[i] = handsettest.KeyOf(fmt.Sprint("new", i))
		}
		r.server.RotateRoot()
		r.server.Publish()
	}},
	{"2 root skips a version", ClassRollback, func(r *rig) {
		r.server.Versions["root"]++
		r.server.RotateRoot()
		r.server.Put("2.root.json", r.server.File("3.root.json"))
		r.server.Publish()
	}},
	{"3 older timestamp", ClassRollback, func(r *rig) { r.server.Restore(r.before) }},
	{"3 older offers role", ClassRollback, func(r *rig) {
		r.server.Versions["armani-offers"] = 0
		r.server.Publish()
	}},
	{"4 role gone from the snapshot", ClassRollback, func(r *rig) {
		delete(r.server.Devices, "armani")
		r.server.Publish()
	}},
	{"5 fast-forward is refused when it ends", ClassRollback, func(r *rig) {
		r.server.Versions["timestamp"] = 1 << 31
		r.server.Renew()
		r.step()
		r.pass(14 * time.Hour)
		r.server.Versions["timestamp"] = 10
		r.server.Publish()
	}},
	{"6 freeze", ClassFreeze, func(r *rig) { r.now = r.now.Add(30 * 24 * time.Hour) }},
	{"7 snapshot is not the one of the timestamp", ClassMix, func(r *rig) {
		r.server.Publish()
		name := tufrepo.MetadataFile("snapshot", r.server.Versions["snapshot"])
		r.server.Put(name, bytes.ReplaceAll(r.server.File(name), []byte(`"_type"`), []byte(`"_tyqe"`)))
	}},
	{"8 endless timestamp", ClassEndless, func(r *rig) { r.bend("timestamp.json", endless) }},
	{"8 endless snapshot", ClassEndless, func(r *rig) { r.server.Publish(); r.bend("snapshot.json", endless) }},
	{"9 endless payload", ClassEndless, func(r *rig) { r.offered(); r.bend(".zip", endless) }},
	{"9 payload of one byte more", ClassEndless, func(r *rig) {
		r.offered()
		r.bend(".zip", func(w http.ResponseWriter) { w.Write(append(bytes.Clone(r.content), 0)) })
	}},
	{"9 length that lies", ClassEndless, func(r *rig) {
		r.offered()
		r.bend(".zip", func(w http.ResponseWriter) { w.Header().Set("Content-Length", "99999999"); w.Write(r.content) })
	}},
	{"9 unasked compression", ClassNetwork, func(r *rig) {
		r.offered()
		r.bend(".zip", func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "gzip"); w.Write(r.content) })
	}},
	{"11 swapped payload", ClassHash, func(r *rig) {
		r.offered()
		other := bytes.Clone(r.content)
		other[len(other)/2] ^= 1
		r.bend(".zip", func(w http.ResponseWriter) { w.Write(other) })
	}},
	{"12 offer that the offline role does not list", ClassDisagree, func(r *rig) {
		r.server.Packages["armani"] = r.server.Packages["armani"][:0]
		r.offered()
	}},
	{"13 offer below another model", ClassHardware, func(r *rig) {
		r.offer.Package.Path = strings.Replace(r.offer.Package.Path, "armani", "dior", 1)
		r.offered()
	}},
	{"13 offers made for another model", ClassMix, func(r *rig) {
		r.server.Devices["armani"] = "dior"
		r.offered()
	}},
	{"15 other counter than the offline role signed", ClassDisagree, func(r *rig) { r.offer.Custom.Counter = 2; r.offered() }},
	{"15 other effect than the offline role signed", ClassDisagree, func(r *rig) { r.offer.Custom.Effect = "build-runs"; r.offered() }},
	{"15 other build than the offline role signed", ClassDisagree, func(r *rig) { r.offer.Custom.Build.UTC++; r.offered() }},
	{"15 a lab build in the stable document", ClassMix, func(r *rig) { r.labBuild(); r.offered() }},
	{"15 the lab document in the place of the stable one", ClassDisagree, func(r *rig) {
		r.labBuild()
		r.server.Channel = "lab"
		r.offered()
	}},
	{"15 other hash than the offline role signed", ClassDisagree, func(r *rig) {
		r.offer.Package.SHA256 = strings.Repeat("0", 64)
		r.offered()
	}},
	{"11 swapped manifest", ClassHash, func(r *rig) {
		length := r.otherManifest()
		r.bend("other.json", func(w http.ResponseWriter) { w.Write(bytes.Repeat([]byte("x"), int(length))) })
	}},
	{"9 endless manifest", ClassEndless, func(r *rig) { r.otherManifest(); r.bend("other.json", endless) }},
	{"15 other manifest than the offline role signed", ClassDisagree, func(r *rig) {
		r.offer.Custom.Manifest = strings.Repeat("0", 64)
		r.offered()
	}},
	{"41 one stolen key of two", ClassSignature, func(r *rig) {
		r.server.BuildsKeys = []tufrepo.Signer{r.server.BuildsKeys[0], handsettest.KeyOf("thief")}
		keepTargets := r.server.File(tufrepo.MetadataFile("targets", r.server.Versions["targets"]))
		r.offered()
		r.server.Put(tufrepo.MetadataFile("targets", r.server.Versions["targets"]), keepTargets)
		r.resnapshot(keepTargets)
	}},
	{"7 offers document swapped on the way", ClassHash, func(r *rig) {
		r.offered()
		text := offers.Document{Schema: 1, Model: "armani", Channel: "stable", Offers: []offers.Offer{r.offer}}.Bytes()
		r.bend("/targets/offers/", func(w http.ResponseWriter) {
			w.Write(bytes.Replace(text, []byte(`"stage": 1`), []byte(`"stage": 2`), 1))
		})
	}},
	{"15 other member that nobody knows", ClassDisagree, func(r *rig) {
		r.offer.RawCustom = r.rawCustom(`"proof":9007199254740993`)
		r.listRaw(r.rawCustom(`"proof":9007199254740992`))
		r.offered()
	}},
	{"15 a member that only the offline role has", ClassDisagree, func(r *rig) {
		r.listRaw(r.rawCustom(`"proof":null`))
		r.offered()
	}},
	{"15 a member that only the offer has", ClassDisagree, func(r *rig) {
		r.offer.RawCustom = r.rawCustom(`"proof":null`)
		r.offered()
	}},
	{"16 role of a model that delegates", ClassDisagree, func(r *rig) {
		r.alter("armani", func(signed map[string]any) {
			signed["delegations"] = map[string]any{"keys": map[string]any{}, "roles": []any{}}
		})
		r.offered()
	}},
	{"20 another role vouches for the build", ClassDisagree, func(r *rig) {
		r.server.Devices["dior"], r.server.Packages["dior"] = "dior", r.server.Packages["armani"]
		r.server.Packages["armani"] = nil
		r.alter("targets", func(signed map[string]any) {
			for _, d := range signed["delegations"].(map[string]any)["roles"].([]any) {
				switch role := d.(map[string]any); role["name"] {
				case "armani":
					role["paths"] = []string{"builds/armani/*.json"}
				case "dior":
					role["paths"] = []string{"builds/armani/*.zip"}
				}
			}
		})
		r.offered()
	}},
	{"20 another role vouches for what the model's own does not list", ClassDisagree, func(r *rig) {
		r.server.Devices["dior"], r.server.Packages["dior"] = "dior", r.server.Packages["armani"]
		r.server.Packages["armani"] = nil
		r.alter("targets", func(signed map[string]any) {
			for _, d := range signed["delegations"].(map[string]any)["roles"].([]any) {
				switch role := d.(map[string]any); role["name"] {
				case "armani":
					role["terminating"] = false
				case "dior":
					role["paths"] = []string{"builds/armani/*"}
				}
			}
		})
		r.offered()
	}},
	{"20 two hashes for one package", ClassMix, func(r *rig) {
		sum := sha512.Sum512(r.content)
		r.alter("armani", func(signed map[string]any) {
			for _, target := range signed["targets"].(map[string]any) {
				target.(map[string]any)["hashes"].(map[string]any)["sha512"] = hex.EncodeToString(sum[:])
			}
		})
		r.offered()
	}},
	{"6 offers role that lasts too long", ClassFreeze, func(r *rig) { r.offersLast(40); r.offered() }},
	{"6 freeze at the snapshot, in a process that lives on", ClassFreeze, func(r *rig) {
		r.offersLast(30)
		r.server.Publish()
		r.step()
		r.now = r.now.Add(10 * 24 * time.Hour)
		r.server.Renew()
	}},
	{"39 redirected timestamp", ClassNetwork, func(r *rig) { r.redirect("timestamp.json") }},
	{"39 redirected snapshot", ClassNetwork, func(r *rig) { r.server.Publish(); r.redirect("snapshot.json") }},
	{"39 redirected package", ClassNetwork, func(r *rig) { r.offered(); r.redirect("/builds/") }},
	{"1 timestamp without a snapshot", ClassSignature, func(r *rig) {
		var doc map[string]any
		_ = json.Unmarshal(r.server.File("timestamp.json"), &doc)
		doc["signed"].(map[string]any)["meta"] = map[string]any{}
		text, _ := json.Marshal(doc)
		r.server.Put("timestamp.json", text)
	}},
}

func endless(w http.ResponseWriter) {
	for {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

// bend lets requests whose path holds part be answered by an attacker.
func (r *rig) bend(part string, answer func(http.ResponseWriter)) {
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.Contains(req.URL.Path, part) {
			return false
		}
		answer(w)
		return true
	}
}

// redirect answers with an address that a server has made for this handset alone.
func (r *rig) redirect(part string) {
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		if strings.Contains(req.URL.Path, "handset-4711") {
			r.t.Error("a redirect was followed")
		}
		if !strings.Contains(req.URL.Path, part) {
			return false
		}
		w.Header().Set("Location", "/handset-4711"+req.URL.Path)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return true
	}
}

// alter changes what is signed for a role from now on.
func (r *rig) alter(role string, change func(signed map[string]any)) {
	r.server.Alter = func(name string, signed map[string]any) {
		if name == role {
			change(signed)
		}
	}
}

// offersLast lets the offers role be valid for so many days.
func (r *rig) offersLast(days int) {
	r.alter("armani-offers", func(signed map[string]any) {
		signed["expires"] = r.now.AddDate(0, 0, days).Format(time.RFC3339)
	})
}

// rawCustom is the custom part of the offer with more members, in white space of its own.
func (r *rig) rawCustom(members string) json.RawMessage {
	r.t.Helper()
	text, err := json.Marshal(r.offer.Custom)
	if err != nil {
		r.t.Fatal(err)
	}
	if strings.Contains(members, `"schema"`) { // in place of that of today
		text = bytes.Replace(text, []byte(`"schema":2,`), nil, 1)
	}
	return json.RawMessage("{ " + members + ", " + string(text[1:]))
}

// listRaw lets the offline role say this of the package.
func (r *rig) listRaw(custom json.RawMessage) {
	r.alter("armani", func(signed map[string]any) {
		signed["targets"].(map[string]any)[r.offer.Package.Path].(map[string]any)["custom"] = custom
	})
}

// offered publishes the offer.
// otherManifest offers a release whose manifest the handset has not seen yet, and gives its length.
func (r *rig) otherManifest() (length int64) {
	r.withManifest(func(m *manifests.Manifest) []byte { return m.Bytes() })
	r.offered()
	return r.server.Packages["armani"][0].Length
}

func (r *rig) offered() {
	r.server.Offers["armani"] = []offers.Offer{r.offer}
	r.server.Publish()
}

// labBuild makes the offer one of a build that people signed for the lab.
func (r *rig) labBuild() {
	custom := r.offer.Custom
	custom.Channel = "lab"
	r.offer = r.server.Add(custom, "lab", r.content)
}

// resnapshot signs a snapshot over other targets than those published last.
func (r *rig) resnapshot(targets []byte) {
	version := func(role string) string { return tufrepo.MetadataFile(role, r.server.Versions[role]) }
	files := map[string]tufrepo.RoleFile{}
	info, err := tufrepo.FileOf(targets)
	if err != nil {
		r.t.Fatal(err)
	}
	files["targets"] = info
	r.server.Put(tufrepo.MetadataFile("targets", info.Version), targets)
	for _, role := range []string{"armani", "armani-offers"} {
		if files[role], err = tufrepo.FileOf(r.server.File(version(role))); err != nil {
			r.t.Fatal(err)
		}
	}
	r.server.Versions["snapshot"]++
	doc, err := tufrepo.NewSnapshot(r.server.Versions["snapshot"], r.now.AddDate(0, 0, 7), files)
	if err != nil {
		r.t.Fatal(err)
	}
	if doc, err = tufrepo.Sign(doc, r.server.SnapshotKey); err != nil {
		r.t.Fatal(err)
	}
	r.server.Put(version("snapshot"), doc)
	r.server.Renew()
}

func TestAttacks(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for _, a := range attacks {
			t.Run(fmt.Sprintf("%s, restarted %v", a.row, restart), func(t *testing.T) { withstand(t, a, restart) })
		}
	}
}

func withstand(t *testing.T, a attack, restart bool) {
	r := newRig(t)
	r.server.Offers["armani"] = nil
	r.server.Publish()
	r.before = r.server.Files()
	r.server.Publish()
	if refusal := r.step(); refusal != nil {
		t.Fatal(refusal)
	}
	if restart {
		r.open()
	}
	r.pass(14 * time.Hour)
	a.do(r)
	r.now = r.now.Add(14 * time.Hour) // whenever it had polled last, it polls now
	refusal := r.step()
	if refusal == nil || refusal.Class != a.class {
		t.Errorf("got %v, wanted %s", refusal, a.class)
	}
	if r.patched() {
		t.Error("it was installed")
	}
	if info, err := os.Stat(r.dir + "/client/" + downloadFile); err == nil && info.Size() > int64(len(r.content)) {
		t.Errorf("%d bytes lie on the disk", info.Size())
	}
}

// A stolen online key can offer again what was approved, and nothing else (row 40).
func TestStolenOnlineKeyOffersOnlyWhatWasApproved(t *testing.T) {
	r := newRig(t)
	r.offer.Share, r.offer.State = 0, offers.StateHalted
	r.offered()
	r.step()
	if r.patched() {
		t.Fatal("halted, and yet installed")
	}
	r.pass(14 * time.Hour)
	r.offer.Share, r.offer.State = offers.WholeFleet, offers.StateRunning // the thief's doing
	r.offered()
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Errorf("a replay of an approved build is what such a thief can do; got %v", refusal)
	}
}

// A handset that slept through three root rotations and the expiry of everything it had recovers (row 22).
func TestLongSleep(t *testing.T) {
	r := newRig(t)
	r.server.Offers["armani"] = nil
	r.server.Publish()
	r.step()
	for i := range 3 {
		r.now = r.now.AddDate(0, 5, 0)
		r.server.TimestampKey = handsettest.KeyOf(fmt.Sprint("timestamp", i))
		r.server.SnapshotKey = handsettest.KeyOf(fmt.Sprint("snapshot", i))
		r.server.RotateRoot()
	}
	r.offered()
	r.open()
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Errorf("got %v", refusal)
	}
}

// After a fast-forward the way back is a new timestamp key (row 5).
func TestFastForwardRecovery(t *testing.T) {
	r := newRig(t)
	r.server.Offers["armani"] = nil
	r.server.Versions["timestamp"] = 1 << 31
	r.server.Publish()
	r.step()
	r.pass(14 * time.Hour)
	r.server.Versions["timestamp"] = 10
	r.server.TimestampKey = handsettest.KeyOf("new timestamp")
	r.server.RotateRoot()
	r.offered()
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Errorf("got %v", refusal)
	}
}

// A server that trickles is given up by the minimum rate, not by an idle timeout (row 10).
func TestSlowServer(t *testing.T) {
	for _, part := range []string{"timestamp.json", ".zip"} {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
					if !strings.Contains(req.URL.Path, part) {
						return false
					}
					for {
						if _, err := io.WriteString(w, "{"); err != nil {
							return true
						}
						select { // time of the bubble: none passes outside
						case <-req.Context().Done():
							return true
						case <-time.After(time.Second):
						}
					}
				}
				begun := time.Now()
				refusal := r.step()
				if refusal == nil || refusal.Class != ClassSlow {
					t.Errorf("got %v, wanted %s", refusal, ClassSlow)
				}
				if waited := time.Since(begun); waited > 2*DefaultPace.Window {
					t.Errorf("waited for %s", waited)
				}
				synctest.Wait() // until the server has noticed
			})
		})
	}
}

func TestRefusedPackageIsReported(t *testing.T) {
	r := newRig(t)
	r.offered()
	r.keys = []otapkg.Pin{strangerKey(t)}
	r.open()
	for range maxInstalls {
		refusal := r.step()
		if refusal == nil || refusal.Phase != report.PhaseVerify || refusal.Code != codeRecoverySig || r.patched() {
			t.Fatalf("got %v", refusal)
		}
		r.pass(25 * time.Hour)
	}
	r.step() // sends
	all := r.server.Reports()
	if last := all[len(all)-1]; last.Failure == nil || last.Failure.Code != codeRecoverySig {
		t.Errorf("the last report is %+v", last)
	}
	if _, err := os.Stat(r.dir + "/client/" + downloadFile); err == nil {
		t.Error("the refused package was left on the disk")
	}
}
