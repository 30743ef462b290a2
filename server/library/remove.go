// SPDX-License-Identifier: Apache-2.0

package library

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/repo"
)

// Remove takes a package out that no release names, and deletes its bytes, unless another package has the same;
// name is a fleet.PackageRef, reason may be empty.
//
// The row goes first, in one transaction with the audit line and a note that the bytes are left over;
// then the bytes, then the note. A crash between leaves bytes that nothing names and that the next Sweep
// deletes. The other way about it would leave a package without bytes, that a release could
// still take up. A store that does not answer is no error: the package is out, and its bytes will be.
func (l *Library) Remove(ctx context.Context, name, by, reason string) (fleet.Package, error) {
	var pkg fleet.Package
	if err := l.accepting.lock(ctx); err != nil { // the same bytes, coming now, would be named and then deleted
		return pkg, err
	}
	defer l.accepting.unlock()
	ref, err := fleet.ParsePackageRef(name)
	if err != nil {
		return pkg, err
	}
	state, err := l.cfg.Repo.State(ctx)
	if err != nil {
		return pkg, err
	}
	var others []fleet.Package
	err = l.cfg.Store.Update(ctx, func(tx fleet.Tx) (err error) {
		if pkg, err = tx.Packages().Get(ctx, ref); err != nil {
			return err
		}
		if err := checkUnnamed(ctx, tx, pkg); err != nil {
			return err
		}
		if lists(state, pkg) {
			return fleet.Errorf(fleet.Conflict, "package_in_use", "the published metadata lists %s; what is published "+
				"stays, so that handsets on their way can finish", pkg.Name)
		}
		if err := tx.Packages().Remove(ctx, pkg.Ref()); err != nil {
			return err
		}
		if others, err = tx.Packages().BySHA256(ctx, pkg.SHA256); err != nil {
			return err
		}
		said := fmt.Sprintf("%s for %s on %s", pkg.Name, pkg.Variant, pkg.Channel)
		if reason != "" {
			said += ": " + reason
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{
			At: l.now(), Actor: by, Action: "package.remove", Subject: pkg.SHA256, Reason: said,
		})
	})
	if err != nil || len(others) > 0 { // they have the same bytes
		return pkg, err
	}
	if listed, err := l.cfg.Repo.Lists(ctx, pkg.SHA256); err != nil || listed { // under the name of one that was forgotten
		return pkg, err
	}
	if err := l.deleteLeftover(context.WithoutCancel(ctx), pkg.SHA256); err != nil {
		l.cfg.Log.WarnContext(ctx, "the bytes of a removed package are still stored; it will be tried again",
			"package", pkg.SHA256, "err", err)
	}
	return pkg, nil
}

// lists says if the published metadata lists the file of a package. The same bytes may be listed under the name that they
// have on another channel.
func lists(s repo.State, p fleet.Package) bool {
	role := manifests.Model{Device: p.Model}.Role()
	t, ok := s.Target(role, tufrepo.PackagePath(role, p.Name))
	return ok && t.SHA256 == p.SHA256
}

// checkUnnamed says which releases name a package, each with what can be done about it.
func checkUnnamed(ctx context.Context, tx fleet.Tx, pkg fleet.Package) error {
	releases, err := tx.Releases().List(ctx)
	if err != nil {
		return err
	}
	var names []string
	published := false
	for _, r := range releases {
		if slices.Contains(r.Packages, pkg.Ref()) {
			names = append(names, fmt.Sprintf("%s (%s)", r.Name, r.State))
			published = published || r.State == fleet.ReleasePublished
		}
	}
	if len(names) == 0 {
		return nil
	}
	next := "drop what names it first"
	if published {
		next = "what is published stays, so that handsets on their way can finish"
	}
	return fleet.Errorf(fleet.Conflict, "package_in_use", "%s is a package of %s; %s",
		pkg.Name, strings.Join(names, " and "), next)
}

// deleting is how long a store may take to delete a content. Uploads of the same bytes are sent away for twice as long, if
// it does not end before.
const deleting = time.Minute

// deleting is how long others are kept from a content that is being deleted. Within this process a lock does that: whoever
// is alone leaves nothing that would keep the next start from it.
func (l *Library) deleting() time.Duration {
	if !l.cfg.Shared {
		return 0
	}
	return 2 * deleting
}

// deleteLeftover deletes bytes that a removed package left, while nobody uploads.
func (l *Library) deleteLeftover(ctx context.Context, sha256 string) error {
	if err := l.removed("row"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deleting)
	defer cancel()
	mine := false
	if err := l.cfg.Store.Update(ctx, func(tx fleet.Tx) (err error) {
		mine, err = tx.Packages().Deleting(ctx, sha256, l.deleting())
		return err
	}); err != nil || !mine {
		return err // another server deletes it, or has it coming
	}
	if err := l.removed("marked"); err != nil {
		return err
	}
	if err := l.cfg.Blobs.Delete(ctx, blob.Ref(sha256)); err != nil {
		return err
	}
	if err := l.removed("bytes"); err != nil {
		return err
	}
	return l.cfg.Store.Update(ctx, func(tx fleet.Tx) error { return tx.Packages().Forget(ctx, sha256) })
}

// Sweep deletes what removed packages have left. It is asked for at each start and tick, and does not
// wait: while an upload is being stored it leaves the work to the next time.
func (l *Library) Sweep(ctx context.Context) error {
	if !l.accepting.tryLock() {
		return nil
	}
	defer l.accepting.unlock()
	left, err := l.leftovers(ctx)
	if err != nil {
		return err
	}
	for _, sha256 := range left {
		if listed, err := l.cfg.Repo.Lists(ctx, sha256); err != nil {
			return err
		} else if listed {
			continue
		}
		if err := l.deleteLeftover(ctx, sha256); err != nil {
			return fmt.Errorf("delete the bytes of the removed package %s: %w", sha256, err)
		}
	}
	return nil
}

func (l *Library) leftovers(ctx context.Context) (left []string, err error) {
	err = l.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		left, err = tx.Packages().Leftovers(ctx)
		return err
	})
	return left, err
}
