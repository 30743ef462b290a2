// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"maps"
	"path/filepath"

	"landed/manifests/tufrepo"
	"landed/signer/keys"
)

// namesAround finds out who holds which key, by key id: as the trust file says, and the .pub files in the folder keys
// beside it or beside the request, and those of the key files. Nothing follows from a name; it is for people.
func namesAround(trust, request string, keyFiles ...string) map[string]string {
	names := map[string]string{}
	if trust != "" {
		maps.Copy(names, namesOfTrust(trust))
	}
	for _, file := range []string{request, trust} {
		if file != "" {
			maps.Copy(names, namesOfKeys(filepath.Join(filepath.Dir(file), "keys")))
		}
	}
	for _, path := range keyFiles {
		if public, err := keys.ReadPublic(path); err == nil {
			names[public.ID] = public.Name
		}
	}
	return names
}

// namesOfTrust are the names in a trust file; none if it cannot be read, which is said where it matters.
func namesOfTrust(path string) map[string]string {
	bundle, err := load(path, tufrepo.ParseBundle)
	if err != nil {
		return nil
	}
	return bundle.Names
}

// namesOfKeys are those of the public halves in a folder. Public files alone suffice, so that a lost key can still be
// called by the name of who lost it.
func namesOfKeys(folder string) map[string]string {
	names := map[string]string{}
	paths, _ := filepath.Glob(filepath.Join(folder, "*.key.pub"))
	for _, path := range paths {
		if public, err := load(path, keys.ParsePublic); err == nil {
			names[public.ID] = public.Name
		}
	}
	return names
}

// withNames is a bundle that says who holds its keys.
func withNames(b tufrepo.Bundle, names ...map[string]string) tufrepo.Bundle {
	b.Names = map[string]string{}
	for _, n := range names {
		maps.Copy(b.Names, n)
	}
	if len(b.Names) == 0 {
		b.Names = nil
	}
	return b
}

// namesOf are the holders of keys that were just made.
func namesOf(made []*keys.Key) map[string]string {
	names := map[string]string{}
	for _, k := range made {
		names[k.Public().ID] = k.Public().Name
	}
	return names
}
