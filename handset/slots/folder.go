// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"landed/internal/durable"
)

// Open opens the slots in a folder: slots.json, a/system, b/system. A folder without slots.json
// is set up with the files asSold (names relative to /system) in slot a; asSold may be nil otherwise.
func Open(dir string, style Style, asSold map[string][]byte) (*Device, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := durable.Sweep(dir); err != nil {
		return nil, err
	}
	return open(folder{dir}, style, asSold)
}

type folder struct{ dir string }

func (f folder) load() (state, bool, error) {
	text, err := os.ReadFile(filepath.Join(f.dir, "slots.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, false, nil
	}
	if err != nil {
		return state{}, false, err
	}
	var st state
	if err := json.Unmarshal(text, &st); err != nil {
		return state{}, false, &damage{f.aside, err}
	}
	if (st.Active != "a" && st.Active != "b") || st.Slots["a"] == nil || st.Slots["b"] == nil || st.Style == "" {
		return state{}, false, &damage{f.aside, errors.New("it names no slots a and b")}
	}
	return st, true, nil
}

// aside keeps what lay there, in place of an earlier one.
func (f folder) aside() error {
	return durable.Rename(filepath.Join(f.dir, "slots.json"), filepath.Join(f.dir, "slots.json.damaged"))
}

func (f folder) save(st state) error {
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(f.dir, "slots.json"), text, 0o600)
}

func (f folder) write(name string, p Package) error {
	return f.replace(name, func(dir string) error {
		if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "package"), []byte(p.SHA256), 0o644); err != nil {
			return err
		}
		return extract(p, func(file string, content []byte) error { return put(dir, file, content) })
	})
}

func (f folder) fill(name string, files map[string][]byte) error {
	return f.replace(name, func(dir string) error {
		for file, content := range files {
			if err := put(dir, file, content); err != nil {
				return err
			}
		}
		return nil
	})
}

// replace writes a system beside the slot and renames it into place. All of it is on the disk when it returns: the
// switch to the slot is, and a power cut must not leave it pointing at empty files.
func (f folder) replace(name string, write func(system string) error) error {
	fresh, place := filepath.Join(f.dir, name+".new"), filepath.Join(f.dir, name)
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(fresh, "system"), 0o755); err != nil {
		return err
	}
	if err := write(filepath.Join(fresh, "system")); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	if err := flushTree(fresh); err != nil {
		return fail(CodeInstallDevice, errors.Join(err, os.RemoveAll(fresh)), "the system could not be written to the disk")
	}
	if err := os.RemoveAll(place); err != nil {
		return err
	}
	return errors.Join(os.Rename(fresh, place), flush(f.dir))
}

// flushTree flushes every file and folder from root down, and folders after what lies in them.
func flushTree(root string) error {
	var folders []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			folders = append(folders, path)
			return nil
		}
		return flush(path)
	})
	for _, folder := range slices.Backward(folders) {
		err = errors.Join(err, flush(folder))
	}
	return err
}

// Tests stop a device, or cut the power, at these.
var (
	writeFile = durable.WriteFile

	// flush waits until a file, or the names in a folder, are on the disk.
	flush = func(path string) error {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		info, err := file.Stat()
		if err == nil && info.IsDir() {
			return errors.Join(file.Close(), durable.SyncFolder(path))
		}
		return errors.Join(err, file.Sync(), file.Close())
	}
)

func put(dir, file string, content []byte) error {
	if !fs.ValidPath(file) {
		return fail(CodeScript, nil, "the package names the file %q, which does not lie below /system", file)
	}
	path := filepath.Join(dir, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

func (f folder) image(name string) (Image, error) {
	system := os.DirFS(filepath.Join(f.dir, name, "system"))
	b, err := readBuild(system)
	if err != nil {
		return Image{}, err
	}
	from, err := os.ReadFile(filepath.Join(f.dir, name, "package"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Image{}, err
	}
	return Image{Build: b, Package: string(from), System: system}, nil
}

func (f folder) pack(p pending) (Package, func() error, error) { return openPackage(p) }

func openPackage(p pending) (Package, func() error, error) {
	file, err := os.Open(p.Path)
	if err != nil {
		return Package{}, nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() != p.Size {
		err = fmt.Errorf("the package has %d bytes, wanted %d", info.Size(), p.Size)
	}
	if err != nil {
		return Package{}, nil, errors.Join(err, file.Close())
	}
	return Package{Reader: file, Size: p.Size, SHA256: p.SHA256, Path: p.Path}, file.Close, nil
}
