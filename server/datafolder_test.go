// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"landed/server"
)

// oldFolder is what testdata/datafolder-v1/README.md describes, and the time at which it was left.
const oldFolder = "testdata/datafolder-v1"

var leftAt = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

// unpack copies the folder of an archive to a temporary one, hard links and modes included.
func unpack(t testing.TB, archive string) (dir string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for entries := tar.NewReader(plain); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err == nil {
			err = place(dir, h, entries)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// made is a data folder that takes long to make: the first test that wants it makes it, and each has a copy.
type made struct {
	by    func(*testing.T) (dir string, at time.Time)
	at    time.Time
	files []archived
}

// archived is a file of a folder, or a folder in it.
type archived struct {
	name string
	info fs.FileInfo
	text []byte
	link string // of a symbolic link, as the feed has them to contents: where it leads from there
}

// copied is the folder as it was made, by a program that is closed.
func (m *made) copied(t *testing.T) (string, time.Time) {
	t.Helper()
	if m.files == nil {
		m.make(t)
	}
	dir := t.TempDir()
	for _, f := range m.files {
		path := filepath.Join(dir, f.name)
		var err error
		switch {
		case f.info.IsDir():
			err = os.MkdirAll(path, 0o700)
		case f.link != "":
			err = os.Symlink(f.link, path)
		default:
			err = os.WriteFile(path, f.text, f.info.Mode().Perm())
		}
		if f.link == "" {
			err = errors.Join(err, os.Chmod(path, f.info.Mode().Perm()))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, m.at
}

func (m *made) make(t *testing.T) {
	t.Helper()
	dir, at := m.by(t)
	var files []archived
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f := archived{name: name}
		f.info, err = d.Info()
		switch {
		case err != nil, d.IsDir():
		case f.info.Mode()&fs.ModeSymlink != 0:
			if f.link, err = os.Readlink(path); filepath.IsAbs(f.link) {
				err = fmt.Errorf("%s leads to %s, which is not of the folder", name, f.link)
			}
		default:
			f.text, err = os.ReadFile(path)
		}
		files = append(files, f)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	m.at, m.files = at, files
}

func place(dir string, h *tar.Header, content io.Reader) error {
	path, mode := filepath.Join(dir, h.Name), h.FileInfo().Mode().Perm()
	switch h.Typeflag {
	case tar.TypeDir:
		return errors.Join(os.MkdirAll(path, mode), os.Chmod(path, mode))
	case tar.TypeLink:
		return os.Link(filepath.Join(dir, h.Linkname), path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// totals are the figures of a model, in a shape that does not follow that of the status page.
type totals struct {
	Installations int64            `json:"installations"`
	Running       int64            `json:"running"`
	Proven        int64            `json:"proven"`
	Verdicts      map[string]int64 `json:"verdicts"`
	Before        map[string]int64 `json:"before"`
	Rollout       string           `json:"rollout"` // the state of the newest one
}

// totalsOf reads the status page.
func totalsOf(t *testing.T, base string) map[string]totals {
	t.Helper()
	var page struct {
		Models []struct {
			Model string `json:"model"`
			totals
			Rollouts []struct {
				State string `json:"state"`
			} `json:"rollouts"`
		} `json:"models"`
	}
	if err := json.Unmarshal(get(t, base+"/status.json"), &page); err != nil {
		t.Fatal(err)
	}
	none := func(_ string, n int64) bool { return n == 0 }
	all := map[string]totals{}
	for _, m := range page.Models {
		maps.DeleteFunc(m.Verdicts, none)
		maps.DeleteFunc(m.Before, none)
		if len(m.Rollouts) > 0 {
			m.Rollout = m.Rollouts[0].State
		}
		all[m.Model] = m.totals
	}
	return all
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", url, resp.Status, err, text)
	}
	return text
}

// poll does the whole TUF workflow against the feed, as any client may, and reads the offers of a model.
func poll(t *testing.T, base string, root []byte, now time.Time, role, target string) []byte {
	t.Helper()
	cfg, err := config.New(base+"/tuf/metadata", root)
	if err != nil {
		t.Fatal(err)
	}
	cfg.LocalMetadataDir, cfg.LocalTargetsDir, cfg.RemoteTargetsURL = t.TempDir(), t.TempDir(), base+"/tuf/targets"
	client, err := updater.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	client.UnsafeSetRefTime(now)
	if err := client.Refresh(); err != nil {
		t.Fatal(err)
	}
	info, err := client.GetTargetInfo(target)
	if err != nil {
		t.Fatalf("%s of %s: %v", target, role, err)
	}
	_, text, err := client.DownloadTarget(info, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func serve(t *testing.T, dir string, now func() time.Time, readOnly bool) *server.Server {
	t.Helper()
	s, err := server.New(server.Config{DataDir: dir, Now: now, ReadOnly: readOnly})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A data folder outlives versions: this program opens the one that version 1 left, with every number as it was.
func TestDataFolderOfVersion1(t *testing.T) {
	var want map[string]totals
	text, err := os.ReadFile(filepath.Join(oldFolder, "totals.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	dir, now := unpack(t, filepath.Join(oldFolder, "folder.tar.gz")), leftAt.Add(time.Minute)
	root, err := os.ReadFile(filepath.Join(dir, "feed", "metadata", "1.root.json")) // what handsets were sold with
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir, func() time.Time { return now }, false)
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	if diff := cmp.Diff(want, totalsOf(t, web.URL)); diff != "" {
		t.Errorf("the status page moved (-then +now):\n%s", diff)
	}
	for _, model := range slices.Sorted(maps.Keys(want)) {
		get(t, web.URL+"/models/"+strings.ToLower(model))
	}
	var offers struct {
		Model  string `json:"model"`
		Offers []any  `json:"offers"`
	}
	doc := poll(t, web.URL, root, now, "armani-offers", "offers/armani/stable.json")
	if err := json.Unmarshal(doc, &offers); err != nil || offers.Model != "armani" || len(offers.Offers) == 0 {
		t.Errorf("the offers for armani: %v\n%s", err, doc)
	}
	// Version 1 wrote its reasons as sentences: they are judged again, and then everything follows from the reports.
	if _, err := s.Rejudge(t.Context(), "", "test", nil); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Check(t.Context(), nil, 0, nil); err != nil || found.Count > 0 {
		t.Errorf("fsck: %s, error %v", strings.Join(found.Faults, "\n"), err)
	}
	// Time goes on: metadata are renewed, silent ones age, which reads the stored reports again.
	for _, days := range []int{1, 20} {
		now = leftAt.AddDate(0, 0, days)
		if err := s.Tick(t.Context()); err != nil {
			t.Errorf("%d days later: %v", days, err)
		}
		poll(t, web.URL, root, now, "pisces-offers", "offers/pisces/stable.json")
	}
	if found, err := s.Check(t.Context(), nil, 0, nil); err != nil || found.Count > 0 {
		t.Errorf("fsck, 20 days later: %s, error %v", strings.Join(found.Faults, "\n"), err)
	}
}
