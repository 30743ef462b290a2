// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"landed/internal/durable"
	"landed/manifests/heads"
	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/manifests/tufrepo"
)

// Server is what files are fetched from.
type Server interface {
	Public(ctx context.Context, path string) (io.ReadCloser, error) // fs.ErrNotExist if there is nothing
	TallyEvidence(ctx context.Context) (io.ReadCloser, error)
}

// Bounds of what is fetched.
const (
	maxFile     = 64 << 20
	maxEvidence = 64 << 30
)

// Wanted is what is fetched beyond what everybody is given.
type Wanted struct {
	Owner   report.Reference
	Auditor bool // the reports, by the token of an admin
}

// Fetch brings all that Folder checks into dir, under the names that it has at the server. What is there stays as it was until all is
// fetched; and where a file that never changes is there with other bytes, it stays, and what was fetched is kept beside dir.
func Fetch(ctx context.Context, s Server, dir string, w Wanted) error {
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	beside, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".fetched-")
	if err != nil {
		return err
	}
	f := fetcher{ctx: ctx, server: s, dir: beside}
	if err := f.one(w); err != nil {
		return errors.Join(err, os.RemoveAll(beside))
	}
	names, err := against(dir, beside)
	if err != nil {
		return err // what was fetched says otherwise: both are kept
	}
	for _, name := range names {
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(beside, name), to); err != nil {
			return err
		}
	}
	return os.RemoveAll(beside)
}

// forEver are the files that never change once they are published: by number.
var forEver = regexp.MustCompile(`^tuf/metadata/([1-9][0-9]*\.[^/]+|tally/[1-9][0-9]*\.json)$`)

// against names the files below beside, if those of them that never change are as they are below dir, as far as they are there.
func against(dir, beside string) (names []string, err error) {
	err = filepath.WalkDir(beside, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(beside, path)
		if err != nil {
			return err
		}
		names = append(names, name)
		if !forEver.MatchString(filepath.ToSlash(name)) {
			return nil
		}
		was, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		is, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(was, is) {
			err = fault(filepath.ToSlash(name), "the server gives another one than it gave when this folder was saved, and it never "+
				"changes: either this is another server, or somebody rewrote the past. The folder is as it was; what is given now is in %s",
				beside)
		}
		return err
	})
	return names, err
}

// one fetches all, of one tally.
func (f *fetcher) one(w Wanted) error {
	for range 3 { // a tally may be taken meanwhile
		moved, err := f.all(w)
		if err != nil {
			return err
		}
		if !moved {
			return nil
		}
	}
	return errors.New("the server publishes one tally after the other; try again in a minute")
}

type fetcher struct {
	ctx    context.Context
	server Server
	dir    string
}

func (f *fetcher) all(w Wanted) (moved bool, err error) {
	first, err := f.tallies()
	if err != nil {
		return false, err
	}
	if err := f.feed(); err != nil {
		return false, err
	}
	for _, p := range first.Pages {
		if _, err := f.get("/"+metadataDir+tally.PageName(first.Number, p.Path), p.Path); err != nil { // what ?as_of=tally gives
			return false, err
		}
	}
	if w.Owner != "" {
		if _, err := f.get("/"+ownedFile(w.Owner), ownedFile(w.Owner)); err != nil {
			return false, err
		}
	}
	given, err := f.evidence(w.Auditor)
	if err != nil || !given && w.Owner == "" {
		return false, err // all that was fetched is of one tally
	}
	again, err := f.tallies()
	return again.Number != first.Number, err
}

// tallies brings the newest tally, and those before it.
func (f *fetcher) tallies() (tally.Tally, error) {
	text, err := f.get("/"+tallyFile, tallyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return tally.Tally{}, errors.New("the server has no tally yet: it takes one a day, once something is published")
	}
	if err != nil {
		return tally.Tally{}, err
	}
	t, err := tally.Unsigned(text)
	if err != nil {
		return t, &Fault{tallyFile, err}
	}
	for n := int64(1); n <= t.Number; n++ {
		if err := f.metadata(tally.Name(n), n < t.Number); err != nil {
			return t, err
		}
	}
	return t, nil
}

// feed brings every root, every snapshot with its proof, and the roles that people sign.
func (f *fetcher) feed() error {
	stamp, err := f.get("/"+metadataDir+"timestamp.json", metadataDir+"timestamp.json")
	if err != nil {
		return err
	}
	info, err := tufrepo.Read(stamp)
	if err != nil {
		return &Fault{metadataDir + "timestamp.json", err}
	}
	for n := int64(1); n <= tufrepo.MaxRoots; n++ {
		if _, err := f.get("/"+metadataDir+tufrepo.MetadataFile(tufrepo.Root, n), ""); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return err
		}
	}
	newest := info.Files[tufrepo.Snapshot].Version
	for v := int64(1); v <= newest; v++ {
		if err := f.metadata(tufrepo.MetadataFile(tufrepo.Snapshot, v), v < newest); err != nil {
			return err
		}
		if err := f.metadata(heads.Name(v), true); err != nil {
			return err
		}
	}
	return f.roles(newest)
}

// roles brings the roles that people sign, as the newest snapshot lists them.
func (f *fetcher) roles(newest int64) error {
	text, err := os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(metadataDir+tufrepo.MetadataFile(tufrepo.Snapshot, newest))))
	if err != nil {
		return err
	}
	info, err := tufrepo.Read(text)
	if err != nil {
		return &Fault{metadataDir + tufrepo.MetadataFile(tufrepo.Snapshot, newest), err}
	}
	for role, listed := range info.Files {
		if _, online := tufrepo.ModelRole(role); online {
			continue
		}
		if err := f.metadata(tufrepo.MetadataFile(role, listed.Version), false); err != nil {
			return err
		}
	}
	return nil
}

// metadata brings a file below /tuf/metadata/, which may be missing.
func (f *fetcher) metadata(name string, mayMiss bool) error {
	_, err := f.get("/"+metadataDir+name, "")
	if mayMiss && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// evidence brings the reports, if they are given.
func (f *fetcher) evidence(auditor bool) (given bool, err error) {
	open := func(ctx context.Context) (io.ReadCloser, error) { return f.server.Public(ctx, "/"+evidenceFile) }
	if auditor {
		open = f.server.TallyEvidence
	}
	body, err := open(f.ctx)
	if errors.Is(err, fs.ErrNotExist) && !auditor {
		return false, nil // they are not public here
	}
	if err != nil {
		return false, err
	}
	defer body.Close()
	return true, f.keep(evidenceFile, body)
}

// keep writes a large file as it comes.
func (f *fetcher) keep(name string, from io.Reader) error {
	path := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	to, err := os.Create(path)
	if err != nil {
		return err
	}
	n, err := io.Copy(to, io.LimitReader(from, maxEvidence))
	if err == nil && n == maxEvidence {
		err = fmt.Errorf("%s has more than %d bytes", name, int64(maxEvidence))
	}
	return errors.Join(err, to.Close())
}

// get brings a file under a name, "" for that of its path.
func (f *fetcher) get(path, name string) ([]byte, error) {
	if name == "" {
		name = path[1:]
	}
	body, err := f.server.Public(f.ctx, path)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	if err != nil {
		return nil, err
	}
	file := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	return text, durable.WriteFile(file, text, 0o644)
}
