// SPDX-License-Identifier: Apache-2.0

package blob_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"landed/server/blob"
)

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"", "ab", strings.Repeat("a", 64), strings.Repeat("A", 64), strings.Repeat("0", 63) + "g", strings.Repeat("é", 32)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := blob.ParseRef(s)
		if plain := len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""; plain != (err == nil) {
			t.Fatalf("ParseRef(%q): %v", s, err)
		}
		if err != nil && (!errors.Is(err, blob.ErrBadRef) || ref != "") || err == nil && string(ref) != s {
			t.Errorf("ParseRef(%q) = %q, %v", s, ref, err)
		}
	})
}

func TestRefOf(t *testing.T) {
	// FIPS 180-4, the empty message.
	const want = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got := blob.RefOf(sha256.Sum256(nil)); got != want {
		t.Errorf("RefOf = %s, wanted %s", got, want)
	}
}

// /dev/full answers every write as a full disk does.
func TestTempOnAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("needs a /dev/full, which Linux has: %v", err)
	}
	d := &blob.Temp{File: full}
	defer d.Close()
	_, err = io.Copy(d, strings.NewReader("bytes"))
	if !errors.Is(err, blob.ErrNoSpace) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Write: %v, wanted ErrNoSpace and its cause", err)
	}
	if err := d.Usable(); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("a spoiled draft is usable: %v", err)
	}
	if _, err := d.Write(nil); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("a spoiled draft can be written: %v", err)
	}
}
