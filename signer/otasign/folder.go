// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"maps"
	"path/filepath"

	"landed/signer/keys"
)

// folder is where a ceremony keeps its keys, the server's public keys and the signed state.
type folder struct {
	dir string
	out string // the file of the signed state, if it is kept elsewhere
}

// trust is the file of the signed state.
func (f folder) trust() string {
	if f.out != "" {
		return f.out
	}
	return filepath.Join(f.dir, "trust.json")
}

// online is the file with the server's public keys.
func (f folder) online() string { return filepath.Join(f.dir, "online.json") }

// keyPath is the file of a key.
func (f folder) keyPath(k keys.Public) string {
	return filepath.Join(f.dir, "keys", k.Use+"-"+k.Name+".key")
}

// keys lists the key files by path, as far as they can be read.
func (f folder) keys() map[string]keys.Public {
	found := map[string]keys.Public{}
	paths, _ := filepath.Glob(filepath.Join(f.dir, "keys", "*.key"))
	for _, path := range paths {
		if public, err := keys.ReadPublic(path); err == nil {
			found[path] = public
		}
	}
	return found
}

// names are all that a ceremony knows, by key id: those of its trust file, and of its keys.
func (f folder) names() map[string]string {
	names := namesAround(f.trust(), f.trust())
	maps.Copy(names, namesOfKeys(filepath.Join(f.dir, "keys")))
	return names
}
