// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"landed/internal/format"

	"github.com/google/go-cmp/cmp"
)

// vectors finds the folder of files that AOSP made: $LANDED_VECTORS, or shared/vectors beside or above the module.
func vectors(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("LANDED_VECTORS")
	if dir == "" {
		at, err := filepath.Abs("../..")
		if err != nil {
			t.Fatal(err)
		}
		for ; dir == "" && at != filepath.Dir(at); at = filepath.Dir(at) {
			if try := filepath.Join(at, "..", "shared", "vectors"); exists(try) {
				dir = try
			}
		}
	}
	if !exists(filepath.Join(dir, "aosp")) {
		t.Skip("AOSP's test files are not here: set LANDED_VECTORS to the folder that holds aosp/ota_002_package.zip")
	}
	return filepath.Join(dir, "aosp")
}

// readCase reads a file of the folder cases, which lies beside aosp.
func readCase(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors(t), "..", "cases", name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the cases are not here: wanted %s beside the folder aosp", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func casePins(t testing.TB, name string) []Pin {
	t.Helper()
	pins, err := ParsePins(readCase(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return pins
}

func exists(p string) bool { _, err := os.Stat(p); return err == nil }

func readVector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func vectorKey(t testing.TB, name string) crypto.PublicKey {
	t.Helper()
	block, _ := pem.Decode(readVector(t, name))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert.PublicKey
}

func vectorPins(t testing.TB, name string) []Pin {
	t.Helper()
	pins, err := ParsePins(readVector(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return pins
}

func inspectBytes(t testing.TB, b []byte, p Policy) (Facts, Findings) {
	t.Helper()
	facts, found, err := Inspect(bytes.NewReader(b), int64(len(b)), p)
	if err != nil {
		t.Fatal(err)
	}
	return facts, found
}

func TestVectorsOTASigned(t *testing.T) {
	for _, v := range []struct{ file, good, other, hash string }{
		{"otasigned_v1.zip", "testkey_v1.x509.pem", "testkey_v2.x509.pem", "SHA-1"},
		{"otasigned_v2.zip", "testkey_v2.x509.pem", "testkey_v1.x509.pem", "SHA-1"},
		{"otasigned_v3.zip", "testkey_v3.x509.pem", "testkey_v2.x509.pem", "SHA-256"},
	} {
		t.Run(v.file, func(t *testing.T) {
			b := readVector(t, v.file)
			facts, found := inspectBytes(t, b, Policy{Pins: vectorPins(t, v.good)})
			want := []Code{MetaMissing, FamUnknown, SigPublic}
			if v.hash == "SHA-1" {
				want = []Code{MetaMissing, FamUnknown, SigSHA1, SigPublic}
			}
			if diff := cmp.Diff(want, found.Codes()); diff != "" {
				t.Errorf("findings under the right key (-want +got):\n%s%v", diff, found)
			}
			block, _ := pem.Decode(readVector(t, v.good))
			if s := facts.Signer; s == nil || !s.Valid || !s.Pinned || s.Hash != v.hash || s.Algorithm != "RSA-2048" || s.Published == "" ||
				s.CertSHA256 != format.SHA256(block.Bytes) {
				t.Errorf("signer = %+v", s)
			}
			_, found = inspectBytes(t, b, Policy{Pins: vectorPins(t, v.other)})
			if !found.Has(SigKey) || found.Has(SigBad) {
				t.Errorf("under another key: %v", found.Codes())
			}
			b[40] ^= 1
			if _, found = inspectBytes(t, b, Policy{}); !found.Has(SigBad) {
				t.Errorf("after one bit was changed: %v", found.Codes())
			}
		})
	}
}

// TestVectorsWrongHash: v1 and v3 are two certificates of one key that differ in the hash, and each file is good under
// its own alone (AOSP bootable/recovery/tests/component/verifier_test.cpp, WrongHash).
func TestVectorsWrongHash(t *testing.T) {
	v1, v3 := vectorPins(t, "testkey_v1.x509.pem"), vectorPins(t, "testkey_v3.x509.pem")
	if keySHA256(v1[0].Key) != keySHA256(v3[0].Key) {
		t.Fatal("the certificates are of two keys")
	}
	for _, c := range []struct {
		file   string
		pins   []Pin
		pinned bool
	}{
		{"otasigned_v1.zip", v1, true}, {"otasigned_v1.zip", v3, false},
		{"otasigned_v3.zip", v3, true}, {"otasigned_v3.zip", v1, false},
		{"otasigned_v1.zip", slices.Concat(v3, v1), true}, {"otasigned_v3.zip", slices.Concat(v3, v1), true},
	} {
		facts, found := inspectBytes(t, readVector(t, c.file), Policy{Pins: c.pins})
		if s := facts.Signer; !s.Valid || s.Pinned != c.pinned || found.Has(SigAlg) == c.pinned || found.Has(SigKey) ||
			found.Has(SigBad) {
			t.Errorf("%s under %v: %+v, %v", c.file, c.pins[0].Hash, s, found.Codes())
		}
	}
}

// TestVectorsUpdateConfig: what AOSP's sample updater reads has the shape of [PropertyFile], and nothing else in it.
func TestVectorsUpdateConfig(t *testing.T) {
	for _, name := range []string{"update_config_001_stream.json", "update_config_002_stream.json"} {
		var config struct {
			AB struct {
				Files json.RawMessage `json:"property_files"`
			} `json:"ab_config"`
		}
		if err := json.Unmarshal(readVector(t, name), &config); err != nil {
			t.Fatal(err)
		}
		var files []PropertyFile
		decoder := json.NewDecoder(bytes.NewReader(config.AB.Files))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&files); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.ContainsFunc(files, func(f PropertyFile) bool { return f.Name == namePayload && f.Offset > 0 && f.Size > 0 }) {
			t.Errorf("%s: no payload.bin in %+v", name, files)
		}
	}
}

func TestVectorABPackage(t *testing.T) {
	b := readVector(t, "ota_002_package.zip")
	facts, found := inspectBytes(t, b, Policy{Pins: vectorPins(t, "testkey_v1.x509.pem")})
	if diff := cmp.Diff([]Code{SigNone, MetaMissing, SigPublic, BootWrite}, found.Codes()); diff != "" {
		t.Errorf("findings (-want +got):\n%s%v", diff, found)
	}
	var config struct {
		AB struct {
			Files []PropertyFile `json:"property_files"`
		} `json:"ab_config"`
	}
	if err := json.Unmarshal(readVector(t, "update_config_002_stream.json"), &config); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.AB.Files, facts.Streaming); diff != "" {
		t.Errorf("property files (-AOSP +ours):\n%s", diff)
	}
	p := facts.Payload
	if p == nil || p.FileHash != "sEAK/NMbU7GGe01xt55FsPafIPk8IYyBOAd6SiDpiMs=" || p.MetadataSize != 563 || len(p.Partitions) != 5 ||
		p.SignedBy != keySHA256(vectorKey(t, "testkey_v1.x509.pem")) {
		t.Errorf("payload = %+v", p)
	}
	facts, found = inspectBytes(t, b, Policy{Pins: vectorPins(t, "testkey_v2.x509.pem")})
	if !found.Has(ABSig) || !found.Has(SigPublic) || facts.Payload.Published != "AOSP testkey" {
		t.Errorf("payload signatures under another key: %v", found.Codes())
	}
	if facts, found = inspectBytes(t, b, Policy{}); !found.Has(SigPublic) || found.Has(ABSig) || facts.Payload.Published != "AOSP testkey" {
		t.Errorf("payload signatures without a key: %v", found.Codes())
	}
	a, _, err := ReadArchive(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	payload, _, err := a.Payload()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range payload.Partitions() {
		var out bytes.Buffer
		if err := payload.WritePartition(part.Name, &out); err != nil || int64(out.Len()) != part.Size {
			t.Errorf("partition %s: %d bytes, %v; wanted %d bytes", part.Name, out.Len(), err, part.Size)
		}
	}
	rc, err := a.Open("care_map.txt")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(rc); err != nil || string(text) != "CARE_MAP-TXT" {
		t.Errorf("care_map.txt = %q, %v", text, err)
	}
}
