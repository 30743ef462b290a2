// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"cmp"
	"slices"
	"strings"

	"landed/manifests/tufrepo"
)

// Signatures says for one role who has signed and who may.
type Signatures struct {
	Role    string   `json:"role"`
	By      string   `json:"by,omitempty"` // of a root: "the new root", "the root before"
	Need    int      `json:"need"`         // threshold
	Signed  []Person `json:"signed"`
	Missing []Person `json:"missing"` // of whom Need less the signed ones suffice
}

// Person is the holder of a key, as far as the name is known.
type Person struct {
	Name  string `json:"name,omitempty"`
	KeyID string `json:"keyid"`
}

// String is the name, or the beginning of the key id.
func (p Person) String() string {
	return cmp.Or(p.Name, "key "+p.KeyID[:min(len(p.KeyID), 8)])
}

// Done says if enough have signed.
func (s Signatures) Done() bool { return len(s.Signed) >= s.Need }

// WhoSigns tells, for each role of a request, who has signed it and who may yet. Names are those of the holders, by key
// id; where they do not know a key, the request is believed.
func WhoSigns(r tufrepo.Request, names map[string]string) []Signatures {
	trusted, err := r.TrustedSet()
	if err != nil {
		return nil
	}
	staged := r.Staged()
	people := func(ids []string) []Person {
		list := []Person{}
		for _, id := range ids {
			list = append(list, Person{cmp.Or(names[id], r.Names[id]), id})
		}
		slices.SortFunc(list, func(a, b Person) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.KeyID, b.KeyID))
		})
		return list
	}
	var list []Signatures
	for _, role := range r.Roles {
		for i, by := range delegators(trusted, staged, role.Role) {
			p, err := tufrepo.CountSignatures(by, role.Role, staged[role.Role])
			if err != nil {
				continue // the rules say so
			}
			s := Signatures{Role: role.Role, Need: p.Need, Signed: people(p.Signed), Missing: people(p.Missing)}
			if role.Role == tufrepo.Root {
				s.By = []string{"the new root", "the root before"}[i]
			}
			list = append(list, s)
		}
	}
	return list
}
