// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
)

const (
	abTarget = "Xiaomi/fuxi/fuxi:13/TKQ1/V14.0.1:user/release-keys"
	abSource = "pre-build=Xiaomi/fuxi/fuxi:13/TKQ1/V14.0.0:user/release-keys\n"
)

// deltaPayload copies one block of the old partition and patches the other.
func deltaPayload() payloadSpec {
	s := goodPayload()
	s.old, s.minor = true, 9
	s.ops = []op{{kind: 5, size: 4096, blocks: 1, reads: 2}, {kind: opSourceCopy, start: 1, blocks: 1, from: 1, reads: 1}}
	return s
}

// levelOf is the level of the first finding of a code, "" without one.
func levelOf(found Findings, code Code) Level {
	if i := slices.IndexFunc(found, func(f Finding) bool { return f.Code == code }); i >= 0 {
		return found[i].Level
	}
	return ""
}

func TestOperations(t *testing.T) {
	pin := Policy{Pins: pinsOf(t, fixtures.TestKey().Cert)}
	for _, c := range []struct {
		name  string
		full  bool
		edit  func(*payloadSpec)
		want  []Code
		level Level // of the first
	}{
		{"delta", false, func(*payloadSpec) {}, nil, ""},
		{"full with zstd", true, func(s *payloadSpec) { s.ops[0].kind = 14 }, []Code{ABNewer}, Warn},
		{"full with xz", true, func(s *payloadSpec) { s.ops[0].kind = 8 }, nil, ""},
		{"full with what is not known", true, func(s *payloadSpec) { s.ops[0].kind = 77 }, []Code{ABNewer}, Approve},
		{"full with what is not known and takes no data", true, func(s *payloadSpec) { s.ops[1].kind = 77 }, []Code{ABNewer}, Approve},
		{"delta with zstd", false, func(s *payloadSpec) { s.ops[0].kind = 14 }, []Code{ABNewer}, Warn},
		{"minor version 10", false, func(s *payloadSpec) { s.minor = 10 }, []Code{ABNewer}, Warn},
		{"minor version 11", false, func(s *payloadSpec) { s.minor = 11 }, []Code{ABNewer}, Approve},
		{"minor version 1", false, func(s *payloadSpec) { s.minor = 1 }, []Code{ABMinor}, Refuse},
		{"too old for its operations", false, func(s *payloadSpec) { s.ops[0].kind, s.minor = 9, 4 }, []Code{ABMinor}, Refuse},
		{"just of the version of its operations", false, func(s *payloadSpec) { s.ops[0].kind, s.minor = 9, 5 }, nil, ""},
		{"in place", false, func(s *payloadSpec) { s.ops[0].kind = 3 }, []Code{ABMinor}, Refuse},
		{"reads nothing", false, func(s *payloadSpec) { s.ops[0].reads = 0 }, []Code{ABRange}, Refuse},
		{"reads beyond the old partition", false, func(s *payloadSpec) { s.ops[1].from = 2 }, []Code{ABRange}, Refuse},
		{"reads beyond an old partition that was smaller", false, func(s *payloadSpec) { s.oldSize = ptr(uint64(4096)) }, []Code{ABRange}, Refuse},
		{"copies one block to two", false, func(s *payloadSpec) {
			s.ops[1].blocks, s.size = 2, 3*4096
		}, []Code{ABRange}, Refuse},
		{"source hash of another length", false, func(s *payloadSpec) { s.ops[1].sourceHash = []byte("short") }, []Code{ABRange}, Refuse},
		{"source hash", false, func(s *payloadSpec) { s.ops[1].sourceHash = make([]byte, 32) }, nil, ""},
		{"old partition without hash", false, func(s *payloadSpec) { s.noOldHash = true }, []Code{ABRange}, Refuse},
		{"old partition of odd size", false, func(s *payloadSpec) { s.oldSize = ptr(uint64(8191)) }, []Code{ABRange}, Refuse},
		{"writes nothing", false, func(s *payloadSpec) { s.ops[1].blocks = 0 }, []Code{ABRange}, Refuse},
		{"block written twice", false, func(s *payloadSpec) { s.ops[1].start = 0 }, []Code{ABRange}, Refuse},
		{"blocks in another order", false, func(s *payloadSpec) { s.ops[0].start, s.ops[1].start = 1, 0 }, nil, ""},
		{"more data than blocks", true, func(s *payloadSpec) {
			s.blobs = append(bytes.Clone(s.blobs), 1)
			s.ops[0].size++
		}, []Code{ABRange}, Refuse},
		{"other data than its hash", true, func(s *payloadSpec) { s.ops[0].badHash = true }, []Code{ABHash}, Refuse},
		{"other data than its hash, in a delta", false, func(s *payloadSpec) { s.ops[0].badHash = true }, []Code{ABHash}, Refuse},
		{"hash tree and error correction that the phone computes", true, func(s *payloadSpec) {
			s.size = 4 * 4096
			s.inPartition = msg(msg(nil, 11, tag(tag(nil, 1, 2), 2, 1)), 15, tag(tag(nil, 1, 3), 2, 1))
		}, nil, ""},
		{"hash tree behind the end", true, func(s *payloadSpec) {
			s.size, s.inPartition = 3*4096, msg(nil, 11, tag(tag(nil, 1, 3), 2, 1))
		}, []Code{ABRange}, Refuse},
		{"hash tree as large as all else together", false, func(s *payloadSpec) {
			s.inPartition = msg(nil, 11, tag(nil, 2, 3))
		}, []Code{ABRange}, Refuse},
		{"partition that is new in a delta reads", false, func(s *payloadSpec) {
			copied := msg(msg(tag(nil, 1, opSourceCopy), 4, tag(nil, 2, 1)), 6, tag(nil, 2, 1))
			s.also = msg(msg(msg(nil, 1, []byte("product")), 7, msg(tag(nil, 1, 4096), 2, s.hash)), 8, copied)
		}, []Code{ABRange}, Refuse},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, meta := deltaPayload(), abSource
			if c.full {
				s, meta = goodPayload(), ""
			}
			c.edit(&s)
			found := only(t, makeZip(abFiles(t, s, meta, ""), zipEdit{}), pin, unsignedOnly, c.want...)
			if len(c.want) > 0 && levelOf(found, c.want[0]) != c.level {
				t.Errorf("%s is at level %s, want %s", c.want[0], levelOf(found, c.want[0]), c.level)
			}
			for _, f := range found {
				if strings.Contains(f.Message, "no phone") {
					t.Errorf("what is not known is said to be impossible: %s", f.Message)
				}
			}
		})
	}
}

func TestBlockSet(t *testing.T) {
	for _, c := range []struct {
		extents []extent
		twice   uint64
		again   bool
	}{
		{[]extent{{0, 64}, {64, 1}, {65, 190}}, 0, false},
		{[]extent{{10, 100}, {0, 10}, {110, 3}}, 0, false},
		{[]extent{{60, 10}, {69, 1}}, 69, true},
		{[]extent{{0, 255}, {254, 1}}, 254, true},
		{[]extent{{3, 0}, {3, 1}}, 0, false},
	} {
		s := make(blockSet, 4)
		var twice uint64
		again := false
		for _, e := range c.extents {
			twice, again = s.add(e)
		}
		if again != c.again || (again && twice != c.twice) {
			t.Errorf("%v: block %d twice: %v; want %d: %v", c.extents, twice, again, c.twice, c.again)
		}
	}
}

func TestPartialAndTimes(t *testing.T) {
	pin := Policy{Pins: pinsOf(t, fixtures.TestKey().Cert)}
	delta := deltaPayload()
	delta.partial = true
	full := goodPayload()
	full.partial, full.minor = true, 7
	timeless := full
	timeless.time = 0
	old := full
	old.minor = 6
	later, earlier := deltaPayload(), deltaPayload()
	later.time += 86400
	earlier.time -= 86400
	const back = "ota-downgrade=yes\n"
	for _, c := range []struct {
		name        string
		s           payloadSpec
		meta, props string
		want        []Code
		level       Level // of the first
	}{
		{"partial delta", delta, abSource, "", []Code{ABPartial}, Warn},
		{"partial, whole partitions, with a source", full, abSource, "", []Code{ABPartial}, Warn},
		{"partial without a source", full, "", "", []Code{ABPartial}, Refuse},
		{"partial without a time of its own", timeless, abSource, "", []Code{ABPartial}, Warn},
		{"partial of a version without partial updates", old, abSource, "", []Code{ABMinor, ABPartial}, Refuse},
		{"back, with the time of the source build", later, abSource + back, "", []Code{DownFlag}, Approve},
		{"back and wiped", later, abSource + back + "ota-wipe=yes\n", "POWERWASH=1\n", []Code{DownFlag, Wipe}, Approve},
		{"back, with a time before its own", earlier, abSource + back, "", []Code{ABTime, DownFlag}, Refuse},
		{"later time, and not back", later, abSource, "", []Code{ABTime}, Refuse},
		{"later time, and back in patch level alone", later, abSource + "spl-downgrade=yes\n", "SPL_DOWNGRADE=1\n", []Code{ABTime, DownFlag},
			Refuse},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := makeZip(abFiles(t, c.s, c.meta, c.props), zipEdit{})
			found := only(t, b, pin, unsignedOnly, slices.Clone(c.want)...)
			if got := levelOf(found, c.want[0]); got != c.level {
				t.Errorf("%s is at level %s, want %s", c.want[0], got, c.level)
			}
			facts, _ := inspectBytes(t, b, pin)
			if facts.Payload.Partial != c.s.partial || (facts.Target == "") != c.s.partial {
				t.Errorf("partial = %v, target %q", facts.Payload.Partial, facts.Target)
			}
		})
	}
}

// TestTarget: what counts is what a phone holds afterwards, and the order of the partitions does not.
func TestTarget(t *testing.T) {
	target := func(s payloadSpec) string {
		facts, _ := inspectBytes(t, makeZip(abFiles(t, s, abSource, ""), zipEdit{}), Policy{})
		return facts.Target
	}
	sum := sha256.Sum256([]byte("x"))
	product := msg(msg(nil, 1, []byte("product")), 7, msg(tag(nil, 1, 4096), 2, sum[:]))
	full := goodPayload()
	line := fmt.Sprintf("system 8192 %x\n", full.hash)
	if got, want := target(full), fmt.Sprintf("%x", sha256.Sum256([]byte(line))); got != want {
		t.Errorf("target = %s, want %s", got, want)
	}
	if target(full) != target(deltaPayload()) {
		t.Error("a full package and a delta of one build have different targets")
	}
	two := full
	two.also = product
	want := fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "product 4096 %x\n%s", sum, line)))
	if got := target(two); got != want {
		t.Errorf("target of two partitions = %s, want %s", got, want)
	}
	two.also = msg(nil, 1, []byte("product"))
	if got := target(two); got != "" {
		t.Errorf("target of a partition without a hash = %s", got)
	}
	if facts, _ := inspectBytes(t, makeZip(goodFiles(), zipEdit{}), Policy{}); facts.Target != "" {
		t.Errorf("target of a file-based package = %s", facts.Target)
	}
}

func TestOtherPayloads(t *testing.T) {
	pin := Policy{Pins: pinsOf(t, fixtures.TestKey().Cert)}
	const stays = "SWITCH_SLOT_ON_REBOOT=0\n"
	with := func(s payloadSpec, more string, edit func(fs []file) []file) []file {
		payload, props := s.make(t)
		fs := []file{{name: "secondary/payload.bin", body: string(payload)},
			{name: "secondary/payload_properties.txt", body: props + more}}
		if edit != nil {
			fs = edit(fs)
		}
		return abFiles(t, goodPayload(), "", "", fs...)
	}
	changed := func(change func(*payloadSpec)) payloadSpec {
		s := goodPayload()
		change(&s)
		return s
	}
	for _, c := range []struct {
		name  string
		files []file
		want  []Code
	}{
		{"good", with(goodPayload(), stays, nil), nil},
		{"starts its slot", with(goodPayload(), "", nil), []Code{ABKeys}},
		{"proxy", with(goodPayload(), stays+"NETWORK_PROXY=10.0.0.1\n", nil), []Code{ABKeys}},
		{"wipes", with(goodPayload(), stays+"POWERWASH=1\n", nil), []Code{Wipe}},
		{"other key", with(changed(func(s *payloadSpec) { s.otherKey = true }), stays, nil), []Code{ABSig}},
		{"unsigned", with(changed(func(s *payloadSpec) { s.unsigned = true }), stays, nil), []Code{ABSig}},
		{"other time", with(changed(func(s *payloadSpec) { s.time++ }), stays, nil), []Code{ABTime}},
		{"other data", with(changed(func(s *payloadSpec) { s.ops[0].badHash = true }), stays, nil), []Code{ABHash}},
		{"delta", with(deltaPayload(), stays, nil), []Code{ABMinor}},
		{"bootloader", with(changed(func(s *payloadSpec) { s.partition = "abl" }), stays, nil), []Code{BootWrite}},
		{"garbage", with(goodPayload(), stays, func(fs []file) []file { fs[0].body = "garbage" + fs[0].body; return fs }), []Code{ABMagic}},
		{"properties of another", with(goodPayload(), stays, func(fs []file) []file {
			fs[1].body = strings.Replace(fs[1].body, "FILE_HASH=", "FILE_HASH=A", 1)
			return fs
		}), []Code{ABHash}},
		{"no properties", with(goodPayload(), stays, func(fs []file) []file { return fs[:1] }), []Code{ABHash}},
		{"properties alone", with(goodPayload(), stays, func(fs []file) []file { return fs[1:] }), []Code{ABHash}},
		{"compressed", with(goodPayload(), stays, func(fs []file) []file { fs[0].deflate = true; return fs }), []Code{ABStored}},
		{"properties too large", with(goodPayload(), stays+strings.Repeat("\n", 8<<10), nil), []Code{ABHash, ZipBomb}},
		{"more than are looked at", with(goodPayload(), stays, func(fs []file) []file {
			for i := range 3 {
				fs = append(fs, file{name: fmt.Sprintf("more%d/payload.bin", i), body: fs[0].body},
					file{name: fmt.Sprintf("more%d/payload_properties.txt", i), body: fs[1].body})
			}
			return fs
		}), []Code{ABMagic}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := makeZip(c.files, zipEdit{})
			found := only(t, b, pin, unsignedOnly, c.want...)
			for _, f := range found {
				if slices.Contains(c.want, f.Code) && f.Code != Wipe && !strings.Contains(f.Message, "`secondary/") && !strings.Contains(f.Message, "payloads") {
					t.Errorf("%s does not say which payload: %s", f.Code, f.Message)
				}
			}
			facts, _ := inspectBytes(t, b, pin)
			if c.name == "good" && (len(facts.OtherPayloads) != 1 || facts.OtherPayloads[0].Entry != "secondary/payload.bin" ||
				facts.OtherPayloads[0].SignedBy != facts.Payload.SignedBy || facts.OtherPayloads[0].FileHash != facts.Payload.FileHash) {
				t.Errorf("other payloads = %+v", facts.OtherPayloads)
			}
		})
	}
}

func TestPublishedKeys(t *testing.T) {
	keys := publishedKeys()
	if len(keys) < 28 {
		t.Errorf("%d published keys are known", len(keys))
	}
	seen := map[string]bool{}
	for _, k := range keys {
		if name, ok := PublishedKey(k.key); !ok || name != k.name || !strings.HasPrefix(name, "AOSP ") || seen[k.sha256] {
			t.Errorf("%s: named %q, known %v, twice %v", k.name, name, ok, seen[k.sha256])
		}
		seen[k.sha256] = true
	}
	// Hashes that others have published of certificates in build/target/product/security and of recovery's test keys.
	for name, sum := range map[string]string{
		"AOSP testkey":             "ef57b690165cb561b5026922c00d2d6574e8b184fa7d161e076f06e06e6d35db",
		"AOSP recovery testkey_v2": "877f425ef28072fd5580d593e30b78759c68648c3d1550be0600bb927856fc75",
		"AOSP recovery testkey_v5": "f35dd08806aad43e7c79991da011ba0618207d29fd30e4e4a34836b801b3870d",
	} {
		if !slices.ContainsFunc(keys, func(k publishedKey) bool { return k.name == name && k.sha256 == sum }) {
			t.Errorf("%s with SPKI hash %s is not known", name, sum)
		}
	}
	if name, ok := PublishedKey(fixtures.TestKey().Private.Public()); ok {
		t.Errorf("a key of our own is taken for %s", name)
	}
	for block, rest := pem.Decode(publishedPEM); block != nil; block, rest = pem.Decode(rest) {
		if key, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil || !strings.Contains(block.Headers["Source"], "/") {
			t.Errorf("%s: %v, source %q", block.Headers["Name"], err, block.Headers["Source"])
		} else if k, isRSA := key.(*rsa.PublicKey); isRSA && k.N.BitLen() < 2048 {
			t.Errorf("%s has %d bits", block.Headers["Name"], k.N.BitLen())
		}
	}
}

// TestPayloadByPublishedKey takes a key of our own for a published one, because nobody's private key belongs in here.
func TestPayloadByPublishedKey(t *testing.T) {
	known := publishedKeys
	t.Cleanup(func() { publishedKeys = known })
	ours := fixtures.TestKey().Private.Public()
	publishedKeys = func() []publishedKey { return append(known(), publishedKey{"a test key", keySHA256(ours), ours}) }
	unpinned := Policy{}
	pinned := Policy{Pins: pinsOf(t, fixtures.TestKey().Cert)}
	other := Policy{Pins: []Pin{{known()[0].key, crypto.SHA256}}}
	for _, c := range []struct {
		name    string
		p       Policy
		channel string
		want    []Code
		level   Level
	}{
		{"nothing pinned", unpinned, "stable", []Code{SigPublic}, Refuse},
		{"nothing pinned, in the lab", unpinned, Lab, []Code{SigPublic}, Warn},
		{"pinned", pinned, "stable", []Code{SigPublic}, Refuse},
		{"pinned, in the lab", pinned, Lab, []Code{SigPublic}, Warn},
		{"another pinned", other, "stable", []Code{SigPublic, ABSig}, Refuse},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.p.Channel = c.channel
			b := makeZip(abFiles(t, goodPayload(), "", ""), zipEdit{})
			found := only(t, b, c.p, unsignedOnly, c.want...)
			if got := levelOf(found, SigPublic); got != c.level {
				t.Errorf("level %s, want %s", got, c.level)
			}
			if facts, _ := inspectBytes(t, b, c.p); facts.Payload.Published != "a test key" || facts.Payload.SignedBy != keySHA256(ours) {
				t.Errorf("payload = %+v", facts.Payload)
			}
		})
	}
}

// TestBlockSize: whatever is kept for each block is bounded by the one block size that there is.
func TestBlockSize(t *testing.T) {
	for _, c := range []struct {
		more []byte
		want bool // refused
	}{
		{nil, false}, {tag(nil, 3, 4096), false}, {tag(nil, 3, 1), true}, {tag(nil, 3, 512), true}, {tag(nil, 3, 8192), true},
		{tag(nil, 3, 0), true}, {tag(nil, 3, 1<<63), true}, {tag(tag(nil, 3, 1), 3, 4096), true},
	} {
		s := goodPayload()
		s.more = c.more
		_, found := inspectBytes(t, makeZip(abFiles(t, s, "", ""), zipEdit{}), Policy{})
		if found.Has(ABMagic) != c.want {
			t.Errorf("% x: %v", c.more, found.Codes())
		}
	}
}
