// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
)

// Remove takes a package out that no release names, and deletes its bytes, unless another package has the same;
// name is a fleet.PackageRef, reason may be empty.
//
// The row goes first, in one transaction with the audit line and a note that the bytes are left over;
// then the bytes, then the note. A crash between leaves bytes that nothing names and that the next Renew,
// or start, deletes. The other way about it would leave a package without bytes, that a release could
// still take up. A store that does not answer is no error: the package is out, and its bytes will be.
func (p *Publisher) Remove(ctx context.Context, name, by, reason string) (fleet.Package, error) {
	var pkg fleet.Package
	if err := p.accepting.take(ctx); err != nil { // the same bytes, coming now, would be named and then deleted
		return pkg, err
	}
	defer p.accepting.give()
	ref, err := fleet.ParsePackageRef(name)
	if err != nil {
		return pkg, err
	}
	listed, err := p.lists(ctx, ref.SHA256)
	if err != nil {
		return pkg, err
	}
	var others []fleet.Package
	err = p.cfg.Store.Update(ctx, func(tx fleet.Tx) (err error) {
		if pkg, err = tx.Packages().Get(ctx, ref); err != nil {
			return err
		}
		if err := unnamed(ctx, tx, pkg); err != nil {
			return err
		}
		if listed {
			return fleet.Errorf(fleet.Conflict, "package_in_use", "the published metadata lists %s; what is published stays, so that handsets on their way can finish", pkg.Name)
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
		return p.audit(ctx, tx, by, "package.remove", pkg.SHA256, said)
	})
	if err != nil || len(others) > 0 { // they have the same bytes
		return pkg, err
	}
	if err := p.deleteLeftover(context.WithoutCancel(ctx), pkg.SHA256); err != nil {
		p.cfg.Log.WarnContext(ctx, "the bytes of a removed package are still stored; it will be tried again", "package", pkg.SHA256, "err", err)
	}
	return pkg, nil
}

// lists says if the published metadata lists these bytes. A release names them too, unless the
// database was restored from a copy that is older than the release.
func (p *Publisher) lists(ctx context.Context, sha256 string) (bool, error) {
	s, err := p.load(ctx)
	return slices.ContainsFunc(s.targets(), func(t tufrepo.Target) bool { return t.SHA256 == sha256 }), err
}

// unnamed says which releases name a package, each with what can be done about it.
func unnamed(ctx context.Context, tx fleet.Tx, pkg fleet.Package) error {
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
	return fleet.Errorf(fleet.Conflict, "package_in_use", "%s is a package of %s; %s", pkg.Name, strings.Join(names, " and "), next)
}

// deleting is how long a store may take to delete a content. Uploads wait meanwhile.
const deleting = time.Minute

// deleteLeftover deletes bytes that a removed package left. p.accepting is held.
func (p *Publisher) deleteLeftover(ctx context.Context, sha256 string) error {
	if err := p.removed("row"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deleting)
	defer cancel()
	if err := p.cfg.Blobs.Delete(ctx, blob.Ref(sha256)); err != nil {
		return err
	}
	if err := p.removed("bytes"); err != nil {
		return err
	}
	return p.cfg.Store.Update(ctx, func(tx fleet.Tx) error { return tx.Packages().Forget(ctx, sha256) })
}

// sweep deletes what removed packages have left. It is asked for at each start and Renew, and does not
// wait: while an upload is being stored it leaves the work to the next time.
func (p *Publisher) sweep(ctx context.Context) error {
	if !p.accepting.tryTake() {
		return nil
	}
	defer p.accepting.give()
	left, err := p.leftovers(ctx)
	if err != nil {
		return err
	}
	for _, sha256 := range left {
		if listed, err := p.lists(ctx, sha256); err != nil {
			return err
		} else if listed {
			continue
		}
		if err := p.deleteLeftover(ctx, sha256); err != nil {
			return fmt.Errorf("delete the bytes of the removed package %s: %w", sha256, err)
		}
	}
	return nil
}

func (p *Publisher) leftovers(ctx context.Context) (left []string, err error) {
	err = p.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		left, err = tx.Packages().Leftovers(ctx)
		return err
	})
	return left, err
}
