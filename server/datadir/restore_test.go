// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// entry is one of an archive.
type entry struct {
	name, content string
	change        func(*tar.Header)
}

const aboutText = `{"schema":1,"at":"2014-08-20T09:00:00Z"}`

// whole is the least that a backup may be.
func whole(more ...entry) []entry {
	return append([]entry{{name: aboutFile, content: aboutText}, {name: databaseFile, content: "a database"}}, more...)
}

func packed(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(e.content))}
		if e.change != nil {
			e.change(h)
		}
		err := w.WriteHeader(h)
		if err == nil && h.Size > 0 {
			_, err = w.Write([]byte(e.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// holes is an archive with an entry of a few bytes that stand for size of them, in the form of GNU tar for PAX.
func holes(t testing.TB, size string) []byte {
	t.Helper()
	var records string
	for _, kv := range []string{"major=1", "minor=0", "name=feed/metadata/1.root.json", "realsize=" + size} {
		record := " GNU.sparse." + kv + "\n"
		records += fmt.Sprint(len(record)+2) + record
	}
	text := packed(t, whole(entry{name: "PaxHeaders", content: records},
		entry{name: "GNUSparseFile", content: "1\n0\n1\n" + strings.Repeat("\x00", 506) + "x"})...)
	at := bytes.Index(text, []byte("PaxHeaders")) // the writer makes none of this kind
	block := text[at : at+512]
	block[156] = tar.TypeXHeader
	copy(block[148:156], "        ")
	sum := 0
	for _, b := range block {
		sum += int(b)
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return text
}

// files are those below a folder, with what they hold.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unpacked unpacks an archive into a folder with a feed, beside a file that is none of its business.
func unpacked(t testing.TB, text []byte) (left map[string]string, at time.Time, err error) {
	t.Helper()
	above := t.TempDir()
	d := Dir(filepath.Join(above, "data"))
	for name, content := range map[string]string{"outside": "outside", "data/feed/metadata/timestamp.json": "as handsets saw it"} {
		place := filepath.Join(above, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at, _, _, err = unpacker{d}.unpackBackup(bytes.NewReader(text), filepath.Join(string(d), ".restoring.db"), false)
	left = files(t, above)
	if left["outside"] != "outside" || left["data/feed/metadata/timestamp.json"] != "as handsets saw it" {
		t.Errorf("what was there became %q", left)
	}
	return left, at, err
}

func TestUnpackBackup(t *testing.T) {
	left, at, err := unpacked(t, packed(t, whole(entry{name: "keys/offers.pem", content: "a key"},
		entry{name: "feed/metadata/timestamp.json", content: "of the backup"}, entry{name: "blobs/blobs/ab/abcd", content: "zip"})...))
	if err != nil || at.Year() != 2014 {
		t.Fatal(at, err)
	}
	for name, want := range map[string]string{".restoring.db": "a database", "keys/offers.pem": "a key", "blobs/blobs/ab/abcd": "zip"} {
		if left["data/"+name] != want {
			t.Errorf("%s holds %q", name, left["data/"+name])
		}
	}
}

// What is no backup, or would write anything but what a backup holds, is refused in words.
func TestUnpackBackupRefuses(t *testing.T) {
	as := func(kind byte, to string) func(*tar.Header) {
		return func(h *tar.Header) { h.Typeflag, h.Linkname, h.Size = kind, to, 0 }
	}
	for name, tt := range map[string]struct {
		text []byte
		want string
	}{
		"nothing":             {nil, "no whole backup"},
		"another file":        {bytes.Repeat([]byte("PK\x03\x04"), 300), "no whole backup"},
		"cut":                 {packed(t, whole()...)[:1200], "no whole backup"},
		"no database":         {packed(t, entry{name: aboutFile, content: aboutText}), "no whole backup"},
		"another tar":         {packed(t, entry{name: "README", content: "hello"}), "does not belong"},
		"a later version":     {packed(t, entry{name: aboutFile, content: `{"schema":4}`}), "no backup"},
		"without its reports": {packed(t, entry{name: aboutFile, content: `{"schema":2}`}, entry{name: databaseFile, content: "a database"}), "no whole backup"},
		"more than control":   {packed(t, entry{name: aboutFile, content: `{"schema":3}`}, entry{name: databaseFile, content: "a database"}, entry{name: reportsFile, content: "reports"}), "no whole backup"},
		"no JSON":             {packed(t, entry{name: aboutFile, content: `schema: 1`}), "no backup"},
		"above the folder":    {packed(t, whole(entry{name: "../outside", content: "x"})...), "does not belong"},
		"by the root":         {packed(t, whole(entry{name: "/feed/metadata/x", content: "x"})...), "does not belong"},
		"around a corner":     {packed(t, whole(entry{name: "feed/metadata/../../landed.db-wal", content: "x"})...), "does not belong"},
		"around and back":     {packed(t, whole(entry{name: "keys/../../data/keys/x", content: "x"})...), "does not belong"},
		"the lock":            {packed(t, whole(entry{name: ".serving", content: "x"})...), "does not belong"},
		"a log of a database": {packed(t, whole(entry{name: "landed.db-wal", content: "x"})...), "does not belong"},
		"a folder":            {packed(t, whole(entry{name: "keys/x/", change: as(tar.TypeDir, "")})...), "does not belong"},
		"a link":              {packed(t, whole(entry{name: "keys/x", change: as(tar.TypeSymlink, "/etc/passwd")})...), "does not belong"},
		"a hard link":         {packed(t, whole(entry{name: "keys/x", change: as(tar.TypeLink, "../outside")})...), "does not belong"},
		"a device":            {packed(t, whole(entry{name: "keys/x", change: as(tar.TypeChar, "")})...), "does not belong"},
		"holes":               {holes(t, "1000000000000"), "does not belong"},
		"two databases":       {packed(t, whole(entry{name: databaseFile, content: "another"})...), "twice"},
		"one name twice":      {packed(t, whole(entry{name: "keys/x", content: "1"}, entry{name: "keys/x", content: "2"})...), "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			left, _, err := unpacked(t, tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, wanted %q", err, tt.want)
			}
			for name := range left {
				if name != "outside" &&
					!slices.Contains([]string{"feed/metadata/timestamp.json", ".restoring.db", "keys/x"}, strings.TrimPrefix(name, "data/")) {
					t.Errorf("it wrote %s", name)
				}
			}
		})
	}
}

// FuzzArchive: whatever an archive holds, its entries are plain files in the places of a backup, each once, and hold no
// more than came in.
func FuzzArchive(f *testing.F) {
	f.Add(packed(f, whole(entry{name: "keys/offers.pem", content: "a key"}, entry{name: "blobs/blobs/ab/abcd", content: "zip"})...))
	f.Add(packed(f, whole(entry{name: "feed/metadata/../../landed.db-wal", content: "x"})...))
	f.Add(packed(f, whole(entry{name: "keys/x", change: func(h *tar.Header) { h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, "/", 0 }})...))
	f.Add(holes(f, "1000000000000"))
	f.Add(packed(f, whole()...)[:1200])
	f.Fuzz(func(t *testing.T, text []byte) {
		r, seen, sum := readArchive(bytes.NewReader(text)), map[string]bool{}, int64(0)
		for first := true; ; first = false {
			h, err := r.Next()
			if err != nil {
				break
			}
			if (h.Name == aboutFile) != first || !first && !backupName(h.Name) || seen[h.Name] ||
				filepath.Join("/data", h.Name) != "/data/"+h.Name {
				t.Errorf("it gives %q", h.Name)
			}
			seen[h.Name] = true
			n, err := io.Copy(io.Discard, r)
			if sum += n; sum > int64(len(text)) {
				t.Fatalf("%d bytes hold %d", len(text), sum)
			}
			if err != nil {
				break
			}
		}
	})
}
