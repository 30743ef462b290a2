// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"io"
	"slices"
	"testing"
	"unicode/utf8"

	fixtures "landed/firmware-fixtures"
	"landed/internal/format"
	"landed/manifests"
)

// FuzzInspect: whatever the bytes are, there is no panic and no error, and an archive that nothing refuses
// reads to its end with the sizes it promised.
func FuzzInspect(f *testing.F) {
	key := fixtures.TestKey()
	f.Add(packageOf(f, "armani", key))
	f.Add(packageOf(f, "fuxi", key))
	f.Add(makeZip(goodFiles(), zipEdit{}))
	f.Add(makeZip(goodFiles(), zipEdit{zip64: true, comment: "PK\x05\x06"}))
	f.Add(makeZip(goodFiles(file{name: "system/a", body: "x", descriptor: true, deflate: true}), zipEdit{prefix: "x"}))
	policy := Policy{Catalogue: manifests.DefaultCatalogue(), Model: "armani", Pins: pinsOf(f, key.Cert),
		Name: "miui_HM1SWC_1_0123456789_4.3.zip"}
	f.Fuzz(func(t *testing.T, b []byte) {
		facts, found, err := Inspect(bytes.NewReader(b), int64(len(b)), policy)
		if err != nil {
			t.Fatalf("error that is not the reader's: %v", err)
		}
		if facts.SHA256 != format.SHA256(b) {
			t.Fatal("wrong SHA-256")
		}
		for _, x := range found {
			if x.Message == "" || !utf8.ValidString(x.Message+x.Found+x.Wanted) || len(x.Message) > 4000 {
				t.Fatalf("finding is not fit for people: %+v", x)
			}
		}
		a, zip, err := ReadArchive(bytes.NewReader(b), int64(len(b)))
		if err != nil || a == nil || zip.Refused() {
			return
		}
		for _, e := range a.Entries() {
			rc, err := a.Open(e.Name)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, io.LimitReader(rc, 1<<22)); n > e.Size || (err == nil && n < min(e.Size, 1<<22)) {
				t.Fatalf("%q: %d bytes of %d, %v", e.Name, n, e.Size, err)
			}
		}
	})
}

// FuzzMetadata: both halves parse or are refused; text that is read back from itself says the same.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte(armaniMeta), msg(tag(nil, 1, 1), 5, msg(nil, 1, []byte("fuxi"))))
	f.Add([]byte("a=b\na=c\n = \n\xff=\xff"), []byte("\x2a\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, text, pb []byte) {
		var found Findings
		m := parseMetadata(text, &found)
		var again []byte
		for k, v := range m {
			again = append(again, k+"="+v+"\n"...)
		}
		other, err := parseMetadataPB(pb)
		if err == nil {
			judgeSplit(m, other, &found)
		}
		judgeMetadata(m, &found)
		judgeFingerprints(m, Policy{}, &found)
		for k, v := range parseMetadata(again, &Findings{}) {
			if m[k] != v {
				t.Fatalf("%q: %q, read again %q", k, m[k], v)
			}
		}
	})
}

// FuzzPayload: no panic, no error but the reader's, and a partition that is written without an error has
// exactly its size and its hash.
func FuzzPayload(f *testing.F) {
	for _, edit := range []func(*payloadSpec){func(*payloadSpec) {}, func(s *payloadSpec) { s.unsigned = true },
		func(s *payloadSpec) { s.group = 1 << 20 }} {
		s := goodPayload()
		edit(&s)
		b, _ := s.make(f)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, found, err := ReadPayload(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatalf("error that is not the reader's: %v", err)
		}
		if p == nil {
			if !found.Refused() {
				t.Fatal("no payload and no refusal")
			}
			return
		}
		if _, _, err := p.signatures(&found); err != nil {
			t.Fatal(err)
		}
		for _, part := range p.Partitions() {
			if part.Size > 1<<22 {
				continue
			}
			var out bytes.Buffer
			if err := p.WritePartition(part.Name, &out); err == nil && (int64(out.Len()) != part.Size || format.SHA256(out.Bytes()) != part.SHA256) {
				t.Fatalf("partition %s was written wrong without an error", part.Name)
			}
		}
	})
}

// FuzzScript: no panic, and what is listed is bounded and fit for people.
func FuzzScript(f *testing.F) {
	f.Add(armaniCheck + armaniGuard + armaniWork)
	f.Add(`a((((b("x", c(), "\x41"), "d")` + "\n#")
	f.Add(`"armani" == getprop("ro.product.device") || abort("no \"x\"");`)
	f.Add(`if getprop("ro.cm.device") != "a" && !is_mounted("/x") then abort() else assert("a" + "b" == "ab"; "t") endif;` + armaniWork)
	f.Add(`ifelse(getprop("ro.build.fingerprint") == "` + armaniPrint + `", "", abort("x")); assert(x("y") != "z", "t");`)
	f.Fuzz(func(t *testing.T, script string) {
		s, _ := readScript([]byte(script))
		if len(s.Devices) > 0 && len(s.Named)+len(s.Unclear) > 0 {
			t.Fatalf("guarded, and not: %+v", s)
		}
		for _, list := range [][]string{s.Devices, s.Named, s.Unclear, s.Fingerprints, s.Formats, s.Extracts, s.Images, s.Deletes, s.Runs} {
			if len(list) > maxListed || slices.ContainsFunc(list, func(x string) bool { return len(x) > maxName || !utf8.ValidString(x) }) {
				t.Fatalf("list out of bounds: %q", list)
			}
		}
	})
}
