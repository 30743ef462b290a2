// SPDX-License-Identifier: Apache-2.0

package csig

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
)

func packageOf(t *testing.T, model string) []byte {
	t.Helper()
	build, err := fixtures.BuildOf(model, fixtures.Patched)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := fixtures.Bytes(build, fixtures.TestKey())
	if err != nil {
		t.Fatal(err)
	}
	return zip
}

// TestFiles: the parts of a package are where it says, with the digests of their bytes; what is known is not read again.
func TestFiles(t *testing.T) {
	zip := packageOf(t, "fuxi")
	files, err := Files(bytes.NewReader(zip), int64(len(zip)), map[string]string{Payload: "known"})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range files {
		sum := sha256.Sum256(zip[f.Offset : f.Offset+f.Size])
		if want := hex.EncodeToString(sum[:]); f.Name == Payload && f.Digest != "known" || f.Name != Payload && f.Digest != want {
			t.Errorf("%s: digest %s", f.Name, f.Digest)
		}
		names[f.Name] = true
	}
	for _, name := range required {
		if !names[name] {
			t.Errorf("%s is not listed", name)
		}
	}
	if _, err := Computed(bytes.NewReader(zip), int64(len(zip))); !errors.Is(err, ErrNoDigest) {
		t.Errorf("the stand-in for vbmeta has a digest: %v", err)
	}
	far := bytes.ReplaceAll(zip, []byte("payload_metadata.bin:"), []byte("payload_metadata.bin,"))
	for name, tt := range map[string]struct {
		zip  []byte
		want string
	}{
		"file-based": {packageOf(t, "armani"), "no metadata.pb"},
		"no zip":     {[]byte("PK"), "no package that can be read"},
		"bent":       {far, "metadata"},
	} {
		if _, err := Files(bytes.NewReader(tt.zip), int64(len(tt.zip)), nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, wanted words about %q", name, err, tt.want)
		}
	}
}
