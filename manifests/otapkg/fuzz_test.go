// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"io"
	"slices"
	"strings"
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
	for _, c := range fixtures.ReleaseTools() {
		if c.Name == "secondary" || c.Name == "partial" || c.Name == "downgrade" {
			var b bytes.Buffer
			if err := c.Write(&b, key); err != nil {
				f.Fatal(err)
			}
			f.Add(b.Bytes())
		}
	}
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
		func(s *payloadSpec) { s.group = 1 << 20 }, func(s *payloadSpec) { *s = deltaPayload() },
		func(s *payloadSpec) { *s = deltaPayload(); s.partial = true; s.ops[0].start, s.ops[1].start = 1, 0 },
		func(s *payloadSpec) { s.packed(opReplaceZstd, fixtures.ZstdStored(s.blobs)) },
		func(s *payloadSpec) { s.ops[1].kind = 77 }} {
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
		good := !found.Refused()
		if good {
			for _, n := range []int{7, len(b)} {
				if d := sweptBy(p, b, n); d.fault != nil || len(d.wrong) > 0 != (len(sweptBy(p, b, 64).wrong) > 0) {
					t.Fatalf("swept by %d bytes: %v, %v", n, d.wrong, d.fault)
				} else {
					good = good && len(d.wrong) == 0
				}
			}
		}
		for _, part := range p.Partitions() {
			if part.Size > 1<<22 {
				continue
			}
			var out bytes.Buffer
			err := p.WritePartition(part.Name, &out)
			if err == nil && (int64(out.Len()) != part.Size || format.SHA256(out.Bytes()) != part.SHA256) {
				t.Fatalf("partition %s was written wrong without an error", part.Name)
			}
			if good && err != nil && strings.Contains(err.Error(), "its data is not what") {
				t.Fatalf("the sweep found nothing: %v", err)
			}
		}
	})
}

// sweptBy compares the data of the operations in the payload b while it passes by in pieces of n bytes.
func sweptBy(p *Payload, b []byte, n int) *dataSums {
	d := newDataSums(p, 0)
	for off := 0; off < len(b); off += n {
		d.consume(int64(off), b[off:min(off+n, len(b))])
	}
	return d
}

// FuzzProperties: no panic; only known keys are handed on; a property string is accepted only if it says where the entries are.
func FuzzProperties(f *testing.F) {
	f.Add("FILE_HASH=x\nFILE_SIZE=4\nPOWERWASH=1\n", "payload.bin:57:20,metadata:3:4  ")
	f.Add("NETWORK_PROXY=a\n=\n\r\nFILE_SIZE=1\nFILE_SIZE=2", "payload.bin:57:20,payload.bin:57:20,:::,")
	real := []PropertyFile{{"payload.bin", 57, 20}, {"metadata", 3, 4}}
	f.Fuzz(func(t *testing.T, props, stated string) {
		var found Findings
		for key := range parseProperties([]byte(props), &found) {
			if !slices.Contains(propertyKeys, key) {
				t.Fatalf("%q is handed on", key)
			}
		}
		found = nil
		judgePropertyFiles("ota-property-files", stated, real, []string{"payload.bin", "metadata"}, &found)
		if len(found) == 0 {
			var got []string
			for tok := range strings.SplitSeq(stated, ",") {
				got = append(got, strings.TrimSpace(tok))
			}
			slices.Sort(got)
			if !slices.Equal(got, []string{"metadata:3:4", "payload.bin:57:20"}) {
				t.Fatalf("%q is accepted", stated)
			}
		}
		for _, x := range found {
			if !utf8.ValidString(x.Message + x.Found + x.Wanted) {
				t.Fatalf("finding is not fit for people: %+v", x)
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
		for _, list := range [][]string{s.Devices, s.Named, s.Unclear, s.Fingerprints, s.Formats, s.Extracts, s.Images, s.Deletes, s.Runs, s.Unread} {
			if len(list) > maxListed || slices.ContainsFunc(list, func(x string) bool { return len(x) > maxName || !utf8.ValidString(x) }) {
				t.Fatalf("list out of bounds: %q", list)
			}
		}
	})
}
