// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

// TestHostileSets breaks one thing of a good feed per attack.
func TestHostileSets(t *testing.T) {
	cases := []struct {
		attack string
		do     func(r *repo)
		want   string
	}{
		{"arbitrary software: builds signed by one of two", func(r *repo) {
			r.files["armani"] = must(Sign(must(NewRole(1, r.in(100), []Target{packageFor("armani", 1)})), r.builds[0]))
			r.publish(2)
		}, "armani: version 1 has 1 good signatures"},
		{"arbitrary software: signed by strangers", func(r *repo) {
			r.files["armani"] = must(Sign(must(NewRole(1, r.in(100), nil)), people("stranger", 3)...))
			r.publish(2)
		}, "armani: version 1 has 0 good signatures"},
		{"stolen online key signs builds", func(r *repo) {
			r.files["armani"] = must(Sign(must(NewRole(2, r.in(100), nil)), r.offers, r.snapshot, r.timestamp))
			r.publish(2)
		}, "armani: version 2 has 0 good signatures"},
		{"a signature moved from one key to another", func(r *repo) {
			text := string(r.files["armani"])
			text = strings.Replace(text, r.builds[1].Key().ID(), r.builds[2].Key().ID(), 1)
			r.files["armani"] = []byte(text)
			r.publish(2)
		}, "armani: version 1 has 1 good"},
		{"content changed after signing", func(r *repo) {
			r.files["armani"] = []byte(strings.Replace(string(r.files["armani"]), "123456", "123457", 1))
			r.publish(2)
		}, "armani: version 1 has 0 good"},
		{"mix and match: other bytes than the snapshot lists", func(r *repo) {
			r.files["armani"] = must(Sign(r.files["armani"], r.builds[2])) // one good signature more
		}, "armani: the snapshot lists other bytes"},
		{"mix and match: an older snapshot", func(r *repo) {
			old := r.files[Snapshot]
			r.publish(2)
			r.files[Snapshot] = old
		}, "snapshot: the timestamp lists version 2, the file is version 1"},
		{"freeze: timestamp expired", func(r *repo) { r.now = r.in(-3); r.publish(2); r.now = testNow }, "timestamp: version 2 expired"},
		{"freeze: builds expired", func(r *repo) {
			r.files["armani"] = must(Sign(must(NewRole(1, r.in(-1), nil)), r.builds...))
			r.publish(2)
		}, "armani: version 1 expired"},
		{"freeze: last root expired", func(r *repo) {
			spec := r.rootSpec(2)
			spec.Expires = r.in(-1)
			r.addRoot(spec, r.root[:3]...)
		}, "root: version 2 expired"},
		{"root: a version is skipped", func(r *repo) { r.addRoot(r.rootSpec(3), r.root[:3]...) }, "version 3 follows 1"},
		{"root: not signed by the old keys", func(r *repo) {
			r.root = people("new", 5)
			r.addRoot(r.rootSpec(2), r.root[:3]...)
		}, "version 2 has 0 good signatures by keys of root version 1"},
		{"root: not signed by the new keys", func(r *repo) {
			old := r.root
			r.root = people("new", 5)
			r.addRoot(r.rootSpec(2), old[:3]...)
		}, "version 2 has 0 good signatures by keys of root version 2"},
		{"root: two of three", func(r *repo) {
			r.roots[0] = must(Sign(must(NewRoot(r.rootSpec(1))), r.root[:2]...))
		}, "root: version 1 has 2 good"},
		{"a delegated key changed, its file not signed again", func(r *repo) {
			r.builds = people("new", 3)
			r.files[Targets] = must(Sign(r.targetsDoc(2), r.targets[:2]...))
			r.publish(2)
		}, "armani: version 1 has 0 good"},
		{"a delegated role without a snapshot entry", func(r *repo) {
			r.models = append(r.models, "dior")
			r.files[Targets] = must(Sign(r.targetsDoc(2), r.targets[:2]...))
			r.publish(2)
		}, "dior: it is delegated but the snapshot does not list it"},
		{"a listed file is not there", func(r *repo) { delete(r.files, "armani") }, "armani: the snapshot lists it but the file is not there"},
		{"a file that nobody lists", func(r *repo) { r.files["dior"] = r.files["armani"] }, "dior: the file is there but the " +
			"snapshot does not list it"},
		{"a target of another model", func(r *repo) {
			r.files["armani"] = must(Sign(must(NewRole(1, r.in(100), []Target{packageFor("dior", 1)})), r.builds...))
			r.publish(2)
		}, "lies outside builds/armani/*"},
		{"a build for another model under this one's name", func(r *repo) {
			p := packageFor("dior", 1)
			p.Path = PackagePath("armani", "x")
			r.files["armani"] = must(Sign(must(NewRole(1, r.in(100), []Target{p})), r.builds...))
			r.publish(2)
		}, `is a build for "dior"`},
		{"a package for a channel that does not exist", func(r *repo) {
			p := packageFor("armani", 1)
			p.Custom = json.RawMessage(strings.Replace(string(p.Custom), `"stable"`, `"Public"`, 1))
			r.files["armani"] = must(Sign(must(NewRole(1, r.in(100), []Target{p})), r.builds...))
			r.publish(2)
		}, `channel "Public" is not the name of a channel`},
		{"a package without model and counter", func(r *repo) {
			p := packageFor("armani", 1)
			p.Custom = nil
			r.files["armani"] = must(Sign(must(NewRole(1, r.in(100), []Target{p})), r.builds...))
			r.publish(2)
		}, "no custom part"},
		{"a package that says more than the profile", func(r *repo) {
			p := packageFor("armani", 1)
			p.Custom = json.RawMessage(strings.Replace(string(p.Custom), `"counter"`, `"serial":"1","counter"`, 1))
			r.files["armani"] = must(Sign(must(NewRole(1, r.in(100), []Target{p})), r.builds...))
			r.publish(2)
		}, "unknown field"},
		{"a model that delegates further", func(r *repo) {
			r.files["armani"] = must(Sign(r.targetsDoc(2), r.builds...))
			r.publish(2)
		}, "armani: it delegates further"},
		{"snapshot by a stranger", func(r *repo) {
			r.snapshot = edSigner("stranger")
			r.publish(2)
		}, "snapshot: version 2 has 0 good signatures"},
		{"timestamp by a stranger", func(r *repo) {
			r.timestamp = edSigner("stranger")
			r.publish(2)
		}, "timestamp: version 2 has 0 good signatures"},
		{"targets by one of two", func(r *repo) {
			r.files[Targets] = must(Sign(r.targetsDoc(2), r.targets[0]))
			r.publish(2)
		}, "targets: version 2 has 1 good signatures"},
		{"no targets", func(r *repo) { delete(r.files, Targets) }, "targets: there is no such file"},
		{"an online key that also signs builds", func(r *repo) {
			r.builds = append(r.builds, r.snapshot)
			r.files[Targets] = must(Sign(r.targetsDoc(2), r.targets[:2]...))
			r.publish(2)
		}, "each needs keys of its own"},
		{"the top-level role lists a package itself, and delegates no more", func(r *repo) {
			r.files[Targets] = must(Sign(must(NewRole(2, r.in(100), []Target{packageFor("armani", 1)})), r.targets[:2]...))
			r.publish(2)
		}, "targets: it lists files itself"},
		{"no timestamp", func(r *repo) { delete(r.files, Timestamp) }, "snapshot or timestamp is missing"},
		{"no root", func(r *repo) { r.roots = nil }, "0 roots"},
		{"builds in the place of the timestamp", func(r *repo) { r.files[Timestamp] = r.files["armani"] }, "timestamp: metadata of type targets"},
	}
	for _, c := range cases {
		t.Run(c.attack, func(t *testing.T) {
			r := newRepo("armani")
			c.do(r)
			if err := r.set().Check(testNow); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; wanted %q", err, c.want)
			}
			// A feed that is served already may hold a model that has expired, and nothing else of all this.
			err := r.set().CheckServed(testNow)
			if forgiven := c.attack == "freeze: builds expired"; forgiven != (err == nil) || !forgiven && !strings.Contains(err.Error(), c.want) {
				t.Errorf("served: error %v; wanted %q", err, c.want)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	r := newRepo("armani", "dior")
	r.files["armani"] = must(Sign(must(NewRole(1, r.in(-1), nil)), r.builds[0]))
	delete(r.files, "dior")
	err := r.set().Check(testNow)
	for _, want := range []string{"armani: version 1 has 1 good", "armani: version 1 expired", "dior: the snapshot lists it", "armani: the " +
		"snapshot lists other bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

// TestNext tells what may follow a published feed. want "" means that it may.
func TestNext(t *testing.T) {
	release := func(r *repo, version int64) {
		r.files["armani"] = must(Sign(must(NewRole(version, r.in(100), []Target{packageFor("armani", 1), packageFor("armani", 2)})),
			r.builds[:2]...))
	}
	cases := []struct {
		name string
		do   func(r *repo)
		want string
	}{
		{"nothing new", func(*repo) {}, ""},
		{"renewal", func(r *repo) { r.publish(2) }, ""},
		{"a release", func(r *repo) { release(r, 2); r.publish(2) }, ""},
		{"after a restore: a leap ahead", func(r *repo) { release(r, 1002); r.publish(1002) }, ""},
		{"root rotated", func(r *repo) { r.addRoot(r.rootSpec(2), r.root[2:]...); r.publish(2) }, ""},
		{"a model retired, its entry kept", func(r *repo) {
			r.models = r.models[:1]
			r.files[Targets] = must(Sign(r.targetsDoc(2), r.targets[1:]...))
			r.publish(2)
		}, ""},
		{"a retired model dropped from the snapshot", func(r *repo) {
			r.models = r.models[:1]
			r.files[Targets] = must(Sign(r.targetsDoc(2), r.targets[1:]...))
			delete(r.files, "dior")
			r.publish(2)
		}, "dior: it vanished"},
		{"the same version with other bytes", func(r *repo) { release(r, 1); r.publish(2) }, "armani: version 1 is published with other bytes"},
		{"timestamp of the same version", func(r *repo) {
			r.publish(1)
			r.now = r.in(1)
			r.publish(1)
			r.now = testNow
		}, "timestamp: version 1 is published with other bytes"},
		{"a published root is gone", func(r *repo) { r.roots = nil; r.addRoot(r.rootSpec(2), r.root...) }, "keep all roots for ever"},
		{"a fast-forward", func(r *repo) { release(r, 1<<31); r.publish(2) }, "armani: version leaps"},
		{"a root that lives too long", func(r *repo) {
			spec := r.rootSpec(2)
			spec.Expires = r.in(3000)
			r.addRoot(spec, r.root...)
		}, "limit is 800 days"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRepo("armani", "dior")
			prev := r.set()
			c.do(r)
			err := checkNextTwice(t, prev, r.set(), testNow)
			if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v; wanted %q", err, c.want)
			}
		})
	}
}

// checkNextTwice checks with and without what a memo of prev remembers, and wants the same.
func checkNextTwice(t *testing.T, prev, next Set, now time.Time) error {
	t.Helper()
	plain := CheckNext(prev, next, now)
	prev = prev.Remembering()
	if err := CheckNext(prev, prev, testNow); err != nil {
		t.Fatal(err)
	}
	remembering := prev.With(nil)
	remembering.Roots, remembering.Files = next.Roots, next.Files
	if err := CheckNext(prev, remembering, now); fmt.Sprint(err) != fmt.Sprint(plain) {
		t.Errorf("with a memo: %v\nwithout: %v", err, plain)
	}
	if _, ok := prev.memo.find("armani", prev.Files["armani"]); !ok && plain != nil {
		t.Error("what was refused drove out what had passed")
	}
	return plain
}

// TestExpiredModel: a role of a model that expires stops its own handsets and nobody else. What
// changes, and what every handset reads, must be fresh. want "" means that it may follow.
func TestExpiredModel(t *testing.T) {
	const later = 101 // days: the builds of every model have expired, targets and root have not
	cases := []struct {
		name string
		do   func(r *repo)
		want string
	}{
		{"the timestamp is renewed", func(r *repo) { r.publish(2) }, ""},
		{"another model is halted", func(r *repo) {
			r.files["armani-offers"] = must(Sign(must(NewRole(2, r.in(7), []Target{offersFor("armani")})), r.offers))
			r.publish(2)
		}, ""},
		{"another model is released", func(r *repo) {
			r.files["armani"] = must(Sign(must(NewRole(2, r.in(100), []Target{packageFor("armani", 2)})), r.builds[:2]...))
			r.publish(2)
		}, ""},
		{"it is retired", func(r *repo) {
			r.models = []string{"armani"}
			r.files[Targets] = must(Sign(r.targetsDoc(2), r.targets[1:]...))
			r.publish(2)
		}, ""},
		{"a model is added beside it", func(r *repo) {
			r.models = append(r.models, "cancro")
			r.files[Targets] = must(Sign(r.targetsDoc(2), r.targets[1:]...))
			for _, role := range []string{"cancro", "cancro-offers"} {
				by := r.builds[:2]
				if role != "cancro" {
					by = []Signer{r.offers}
				}
				r.files[role] = must(Sign(must(NewRole(1, r.in(7), nil)), by...))
			}
			r.publish(2)
		}, ""},
		{"its keys change, its file does not", func(r *repo) {
			r.builds = people("new", 3)
			r.files[Targets] = must(Sign(r.targetsDoc(2), r.targets[1:]...))
			r.publish(2)
		}, "dior: version 1 has 0 good"},
		{"it is signed anew, but for a time that is over", func(r *repo) {
			r.files["dior"] = must(Sign(must(NewRole(2, r.in(-1), nil)), r.builds...))
			r.publish(2)
		}, "dior: version 2 expired"},
		{"a snapshot that has expired", func(r *repo) { r.now = r.in(-10); r.publish(2) }, "snapshot: version 2 expired"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRepo("armani", "dior")
			prev := r.set()
			r.now = r.in(later)
			c.do(r)
			now := testNow.AddDate(0, 0, later)
			err := checkNextTwice(t, prev, r.set(), now)
			if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("error %v; wanted %q", err, c.want)
			}
			if err != nil {
				return
			}
			if err := r.set().CheckServed(now); err != nil {
				t.Errorf("and once it is served: %v", err)
			}
			if err := r.set().Check(now); err == nil {
				t.Error("a check of everything does not tell that a model expired")
			}
		})
	}
}

// TestRollbackIsRefused and recovery: versions that a thief of online keys drove up can be
// left behind only by a root without those keys.
func TestFastForwardRecovery(t *testing.T) {
	r := newRepo("armani")
	good := maps.Clone(r.files)
	r.publish(9_000)
	attacked := r.set()
	r.files = good
	r.publish(2)
	if err := CheckNext(attacked, r.set(), testNow); err == nil || !strings.Contains(err.Error(), "timestamp: version 2 is lower than 9000") {
		t.Errorf("rollback: error %v", err)
	}
	r.addRoot(func() RootSpec {
		s := r.rootSpec(2)
		s.Timestamp.Keys = append(s.Timestamp.Keys, edSigner("new").Key())
		return s
	}(), r.root...)
	if err := CheckNext(attacked, r.set(), testNow); err == nil {
		t.Error("a new timestamp key beside the old one recovers nothing, but was accepted")
	}
	r.roots = r.roots[:1]
	r.timestamp, r.snapshot = edSigner("timestamp2"), edSigner("snapshot2")
	r.addRoot(r.rootSpec(2), r.root...)
	r.publish(2)
	if err := CheckNext(attacked, r.set(), testNow); err != nil {
		t.Errorf("recovery with new online keys: %v", err)
	}
}

func TestCheckStaged(t *testing.T) {
	unsigned := func(r *repo, version int64) []byte {
		return must(NewRole(version, r.in(100), []Target{packageFor("armani", 2)}))
	}
	cases := []struct {
		name   string
		staged func(r *repo) map[string][]byte
		want   string
	}{
		{"a release, unsigned", func(r *repo) map[string][]byte { return map[string][]byte{"armani": unsigned(r, 2)} }, ""},
		{"a release, signed in part", func(r *repo) map[string][]byte {
			return map[string][]byte{"armani": must(Sign(unsigned(r, 2), r.builds[0]))}
		}, ""},
		{"a stranger's signature", func(r *repo) map[string][]byte {
			return map[string][]byte{"armani": must(Sign(unsigned(r, 2), edSigner("stranger")))}
		}, "bad, or the key is not one"},
		{"a version that is published", func(r *repo) map[string][]byte { return map[string][]byte{"armani": unsigned(r, 1)} }, "the next is 2"},
		{"online roles", func(r *repo) map[string][]byte {
			return map[string][]byte{"armani-offers": unsigned(r, 2), Timestamp: r.files[Timestamp]}
		}, "people do not sign it"},
		{"an unknown model", func(r *repo) map[string][]byte { return map[string][]byte{"dior": unsigned(r, 1)} }, "nobody may"},
		{"expired", func(r *repo) map[string][]byte {
			return map[string][]byte{"armani": must(NewRole(2, r.in(-1), nil))}
		}, "expired"},
		{"for ever", func(r *repo) map[string][]byte {
			return map[string][]byte{"armani": must(NewRole(2, r.in(5000), nil))}
		}, "limit is 400 days"},
		{"keys of a model change, its file does not", func(r *repo) map[string][]byte {
			r.builds = people("new", 3)
			return map[string][]byte{Targets: r.targetsDoc(2)}
		}, "not signed again in the same change"},
		{"keys of a model change with its file", func(r *repo) map[string][]byte {
			r.builds = people("new", 3)
			return map[string][]byte{Targets: r.targetsDoc(2), "armani": unsigned(r, 2)}
		}, ""},
		{"targets keys change in the root, targets does not", func(r *repo) map[string][]byte {
			r.targets = people("new", 3)
			return map[string][]byte{Root: must(NewRoot(r.rootSpec(2)))}
		}, "targets: its keys change"},
		{"a root that skips", func(r *repo) map[string][]byte { return map[string][]byte{Root: must(NewRoot(r.rootSpec(3)))} }, "the next is 2"},
		{"a new model without a file", func(r *repo) map[string][]byte {
			r.models = append(r.models, "dior")
			return map[string][]byte{Targets: r.targetsDoc(2)}
		}, "dior: it is delegated but has no file"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRepo("armani")
			prev := r.set()
			err := CheckStaged(prev, c.staged(r), testNow)
			if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v; wanted %q", err, c.want)
			}
		})
	}
}

// TestCheckStagedWithoutARoot: nothing is anybody's to sign before there is a root.
func TestCheckStagedWithoutARoot(t *testing.T) {
	r := newRepo("armani")
	err := CheckStaged(Set{}, map[string][]byte{"armani": r.files["armani"]}, testNow)
	if err == nil || !strings.Contains(err.Error(), "there is no root") {
		t.Errorf("error %v", err)
	}
}

func TestCountSignatures(t *testing.T) {
	r := newRepo("armani")
	doc := must(NewRole(2, r.in(100), nil))
	doc = must(Sign(doc, r.builds[1]))
	doc = must(Sign(doc, r.builds[1], edSigner("stranger")))
	p, err := CountSignatures(r.files[Targets], "armani", doc)
	if err != nil || p.Have != 1 || p.Need != 2 || p.Done() || len(p.Missing) != 2 || p.Signed[0] != r.builds[1].Key().ID() {
		t.Errorf("one person who signs twice, and a stranger: %+v, error %v", p, err)
	}
	p, _ = CountSignatures(r.files[Targets], "armani", must(Sign(doc, r.builds[0])))
	if !p.Done() {
		t.Errorf("two people: %+v", p)
	}
	if _, err := CountSignatures(r.files[Targets], "dior", doc); err == nil {
		t.Error("a role that is not delegated was counted")
	}
}

func TestDiff(t *testing.T) {
	r := newRepo("armani", "dior")
	prev := r.set()
	old := r.root[4]
	r.root[4] = edSigner("fi")
	r.addRoot(r.rootSpec(2), r.root[:3]...)
	r.models = []string{"armani", "cancro"}
	r.files[Targets] = must(Sign(r.targetsDoc(2), r.targets...))
	r.files["armani"] = must(Sign(must(NewRole(2, r.in(120), []Target{packageFor("armani", 2)})), r.builds...))
	got := strings.Join(Diff(prev, r.set()), "\n")
	for _, want := range []string{
		"root: version 1 becomes 2, valid until 2015-08-10",
		fmt.Sprintf("root: key %.8s (ed25519) is added.", r.root[4].Key().ID()),
		fmt.Sprintf("root: key %.8s (ed25519) is removed.", old.Key().ID()),
		"targets: version 1 becomes 2",
		"Model cancro is added.",
		"cancro: 2 of 3 keys must sign.",
		"Model dior is retired",
		"New package for armani on stable: release miui-cloud-messaging-opt-in, build JHCMIBH45.0 of 2014-08-09, counter 2, effect " +
			"cloud-messaging-opt-in;",
		"armani: builds/armani/miui_armani_1.zip is taken out",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	// The same package for another channel is another thing to sign.
	listed := packageFor("armani", 2)
	listed.Custom = json.RawMessage(strings.Replace(string(listed.Custom), `"stable"`, `"lab"`, 1))
	lab := r.set().With(map[string][]byte{"armani": must(NewRole(3, r.in(120), []Target{listed}))})
	if got := strings.Join(Diff(r.set(), lab), "\n"); !strings.Contains(got, "Replaced, was sha256") || !strings.Contains(got,
		"package for armani on lab") {
		t.Errorf("only the channel changes, said is:\n%s", got)
	}
	// A key more without another threshold is one more who may sign.
	r.builds = append(r.builds, edSigner("gu"))
	more := r.set().With(map[string][]byte{Targets: r.targetsDoc(3)})
	if got := strings.Join(Diff(r.set(), more), "\n"); !strings.Contains(got, "armani: 2 of 4 keys must sign (was 2 of 3).") {
		t.Errorf("a fourth key is added, said is:\n%s", got)
	}
	other := Set{Roots: [][]byte{must(Sign(must(NewRoot(newRepo().rootSpec(1)))))}, Files: prev.Files}
	if words := Diff(Set{Roots: prev.Roots[:1], Files: prev.Files}, other); !strings.Contains(strings.Join(words, " "),
		"root: another version 1") {
		t.Errorf("another root of the same number is said to be %q", words)
	}
	if same := Diff(prev, prev); len(same) != 0 {
		t.Errorf("nothing changed, but: %q", same)
	}
}

// TestManyModels holds the size of the fleet for which publishing must stay below a second.
func TestManyModels(t *testing.T) {
	var models []string
	many := 200
	if testing.Short() { // to see that it works
		many = 10
	}
	for i := range many {
		models = append(models, fmt.Sprintf("m%d", i))
	}
	r := newRepo(models...)
	if err := r.set().Check(testNow); err != nil {
		t.Fatal(err)
	}
	if n := len(r.files[Snapshot]); n > 20_000 {
		t.Errorf("a snapshot of 401 roles has %d bytes; every handset downloads it", n)
	}
}

func BenchmarkCheckNext200Models(b *testing.B) {
	var models []string
	many := 200
	if testing.Short() { // to see that it works
		many = 10
	}
	for i := range many {
		models = append(models, fmt.Sprintf("m%d", i))
	}
	r := newRepo(models...)
	for _, m := range models {
		var list []Target
		for i := range 20 {
			list = append(list, packageFor(m, int64(i+1)))
		}
		r.files[m] = must(Sign(must(NewRole(1, r.in(100), list)), r.builds[:2]...))
	}
	r.publish(2)
	prev := r.set().Remembering()
	r.publish(3)
	next := prev.With(r.files)
	for b.Loop() {
		if err := CheckNext(prev, next, testNow.Add(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
}
