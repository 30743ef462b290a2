// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"landed/internal/format"
	"landed/manifests/tufrepo"
)

// Sign signs everything in the request that the keys in by are listed for, and returns the
// signatures. Review the request first: Sign itself checks only the rules of TUF, the
// thresholds' keys, and the ledgers, which it brings up to date. The caller stores the ledgers
// before it gives the response away.
func Sign(r tufrepo.Request, now time.Time, by ...SigningKey) (tufrepo.Response, error) {
	trusted, err := r.TrustedSet()
	if err != nil {
		return tufrepo.Response{}, err
	}
	staged := r.Staged()
	if err := tufrepo.CheckStaged(trusted, staged, now); err != nil {
		return tufrepo.Response{}, fmt.Errorf("nothing was signed: %w", err)
	}
	answer := tufrepo.Response{Schema: 1, Request: r.ID}
	var faults []error
	var remember []func() // all or nothing: only if no key is refused
	for _, h := range by {
		signed := 0
		for _, role := range r.Roles {
			if !maySign(trusted, staged, role.Role, h.Signer.Key()) {
				continue
			}
			signed++
			sig, entry, err := signRole(role, h)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			answer.Signatures = append(answer.Signatures, sig)
			remember = append(remember, func() { h.Ledger.Roles[role.Role] = entry })
		}
		if signed == 0 {
			faults = append(faults, notListed(r, trusted, staged, h.Signer))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return tufrepo.Response{}, fmt.Errorf("nothing was signed: %w", err)
	}
	for _, note := range remember {
		note()
	}
	return answer, nil
}

// notListed says which keys are asked for, and that this is none of them.
func notListed(r tufrepo.Request, trusted tufrepo.Set, staged map[string][]byte, s tufrepo.Signer) error {
	var wanted []string
	for _, role := range r.Roles {
		var ids []string
		for _, by := range delegators(trusted, staged, role.Role) {
			p, err := tufrepo.CountSignatures(by, role.Role, staged[role.Role])
			for _, id := range slices.Concat(p.Signed, p.Missing) {
				if id = cmp.Or(r.Names[id], fmt.Sprintf("%.8s", id)); err == nil && !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
			}
		}
		wanted = append(wanted, fmt.Sprintf("%s by %s", role.Role, strings.Join(ids, ", ")))
	}
	who := fmt.Sprintf("key %.8s", s.Key().ID())
	if named, ok := s.(fmt.Stringer); ok {
		who = named.String()
	}
	return fmt.Errorf("%s is not listed for anything in this request, which asks for signatures on %s",
		who, strings.Join(wanted, "; "))
}

func signRole(role tufrepo.RequestRole, h SigningKey) (tufrepo.Signature, Signed, error) {
	entry, err := entryOf(role.Metadata)
	if err == nil {
		entry, err = h.Ledger.permit(role.Role, entry, h.GivenUp)
	}
	if err != nil {
		return tufrepo.Signature{}, entry, err
	}
	sig, err := tufrepo.SignDetached(role.Metadata, role.Role, h.Signer)
	return sig, entry, err
}

func entryOf(doc []byte) (Signed, error) {
	info, err := tufrepo.Read(doc)
	if err != nil {
		return Signed{}, err
	}
	said, err := tufrepo.Statement(doc)
	if err != nil {
		return Signed{}, err
	}
	return Signed{Version: info.Version, SHA256: format.SHA256(said)}, nil
}

// maySign says if k is listed for role: by the delegator as it will be, and for a root also by
// the one before.
func maySign(trusted tufrepo.Set, staged map[string][]byte, role string, k tufrepo.Key) bool {
	for _, by := range delegators(trusted, staged, role) {
		if p, err := tufrepo.CountSignatures(by, role, staged[role]); err == nil &&
			slices.Contains(slices.Concat(p.Signed, p.Missing), k.ID()) {
			return true
		}
	}
	return false
}

// delegators are the files whose thresholds role must meet.
func delegators(trusted tufrepo.Set, staged map[string][]byte, role string) [][]byte {
	var list [][]byte
	if by, err := trusted.With(staged).Delegator(role); err == nil {
		list = append(list, by)
	}
	if n := len(trusted.Roots); role == tufrepo.Root && n > 0 {
		list = append(list, trusted.Roots[n-1])
	}
	return list
}

// Assemble puts signatures together. If all thresholds are met it returns the signed state as a
// bundle; if not, the bundle is empty and the progress says who is missing. A signature that is
// bad, or by a stranger, is an error.
func Assemble(
	r tufrepo.Request, now time.Time, responses ...tufrepo.Response,
) (tufrepo.Bundle, []tufrepo.Progress, error) {
	trusted, err := r.TrustedSet()
	if err != nil {
		return tufrepo.Bundle{}, nil, err
	}
	staged := r.Staged()
	var faults []error
	for _, a := range responses {
		if a.Request != r.ID {
			faults = append(faults, fmt.Errorf("a response answers request %s, this is %s", a.Request, r.ID))
			continue
		}
		for _, s := range a.Signatures {
			doc, ok := staged[s.Role]
			if !ok {
				faults = append(faults, fmt.Errorf("a response signs %s, which was not asked for", s.Role))
				continue
			}
			if staged[s.Role], err = tufrepo.Attach(doc, s); err != nil {
				faults = append(faults, err)
				staged[s.Role] = doc
			}
		}
	}
	faults = append(faults, tufrepo.CheckStaged(trusted, staged, now))
	if err := errors.Join(faults...); err != nil {
		return tufrepo.Bundle{}, nil, err
	}
	progress, done := count(trusted, staged, r.Roles)
	if !done {
		return tufrepo.Bundle{}, progress, nil
	}
	next := trusted.With(staged)
	if err := next.CheckOffline(beforeAll); err != nil {
		return tufrepo.Bundle{}, progress, err
	}
	bundle, err := next.Bundle()
	return bundle, progress, err
}

// beforeAll is a time at which nothing has expired: the freshness of what is staged is checked
// on its own, and other files may wait for their renewal.
var beforeAll = time.Unix(0, 0)

// count gives the progress of each role; a root has two entries, by the new and the old root.
func count(trusted tufrepo.Set, staged map[string][]byte, roles []tufrepo.RequestRole) ([]tufrepo.Progress, bool) {
	var list []tufrepo.Progress
	done := true
	for _, role := range roles {
		for _, by := range delegators(trusted, staged, role.Role) {
			p, err := tufrepo.CountSignatures(by, role.Role, staged[role.Role])
			done = done && err == nil && p.Done()
			list = append(list, p)
		}
	}
	return list, done
}

// Lists says if the request asks for a signature by k.
func Lists(r tufrepo.Request, k tufrepo.Key) bool {
	trusted, err := r.TrustedSet()
	if err != nil {
		return false
	}
	staged := r.Staged()
	return slices.ContainsFunc(r.Roles, func(role tufrepo.RequestRole) bool {
		return maySign(trusted, staged, role.Role,
			k)
	})
}

// WithSignatures is the request with a response's signatures on its metadata.
func WithSignatures(r tufrepo.Request, a tufrepo.Response) (tufrepo.Request, error) {
	r.Roles = slices.Clone(r.Roles)
	for i, role := range r.Roles {
		for _, s := range a.Signatures {
			if s.Role != role.Role {
				continue
			}
			signed, err := tufrepo.Attach(r.Roles[i].Metadata, s)
			if err != nil {
				return r, err
			}
			r.Roles[i].Metadata = signed
		}
	}
	return r, nil
}
