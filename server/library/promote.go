// SPDX-License-Identifier: Apache-2.0

package library

import (
	"context"
	"errors"
	"slices"
	"strings"

	"landed/manifests/otapkg"
	"landed/server/blob"
	"landed/server/fleet"
)

// Promotion is the wish to take a package to another channel.
type Promotion struct {
	Package string // fleet.PackageRef in text, or a SHA-256 alone: all models of these bytes
	Model   string // of several, this one alone; "" for all
	To      string // channel
	By      string
	Reason  string // may be empty
}

// Promote makes packages of bytes that are here, on another channel, without storing them again. They are judged anew,
// by the keys of that channel and beside what is on it; the error is a [*Refused] with all findings if they may not go
// there. The file is called <stem>.<channel>.zip, so that each path of the feed has one signed description. A package
// that is there already stays as it is.
func (l *Library) Promote(ctx context.Context, p Promotion) (Uploaded, error) {
	ref, err := fleet.ParsePackageRef(p.Package)
	if err != nil {
		return Uploaded{}, err
	}
	if err := l.cfg.Lineup.CheckChannel(p.To); err != nil {
		return Uploaded{}, err
	}
	from, there, err := l.promotable(ctx, ref, p)
	if err != nil || len(from) == 0 {
		return uploadedOr(there, err)
	}
	in := Incoming{Name: promotedName(from[0], p.To), Channel: p.To, By: p.By}
	if err := checkName(in.Name); err != nil {
		return Uploaded{}, err
	}
	facts, findings, err := l.inspectAgain(ctx, from[0], p.To)
	if err != nil {
		return Uploaded{}, err
	}
	if err := l.accepting.lock(ctx); err != nil {
		return Uploaded{}, err
	}
	defer l.accepting.unlock()
	c, err := l.coming(ctx, ref.SHA256) // so that the bytes stay if all who name them go
	if err != nil {
		return Uploaded{}, err
	}
	defer c.end(ctx)
	if from, there, err = l.promotable(ctx, ref, p); err != nil || len(from) == 0 { // somebody may have been faster
		return uploadedOr(there, err)
	}
	k, _, err := l.known(ctx, ref.SHA256)
	if err != nil {
		return Uploaded{}, err
	}
	var only []string
	for _, one := range from {
		only = append(only, one.Model)
	}
	fresh, err := l.judged(k, in, facts, findings, nil, only)
	if err != nil {
		return Uploaded{}, err
	}
	why := ", from " + from[0].Channel
	if p.Reason != "" {
		why += ": " + p.Reason
	}
	return uploaded(append(fresh, there...), false), l.put(ctx, c, k, fresh, "package.promote", why)
}

// uploadedOr is what is there already, unless there is an error.
func uploadedOr(there []fleet.Package, err error) (Uploaded, error) {
	if err != nil {
		return Uploaded{}, err
	}
	return uploaded(there, true), nil
}

// promotable are the packages that have to go, one for each model, and those that are there.
func (l *Library) promotable(ctx context.Context, ref fleet.PackageRef, p Promotion) (from, there []fleet.Package, err error) {
	var all []fleet.Package
	err = l.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		all, err = tx.Packages().BySHA256(ctx, ref.SHA256)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	wanted := func(o fleet.Package) bool {
		return (p.Model == "" || o.Model == p.Model) && (ref.Model == "" || o.Model == ref.Model)
	}
	same := func(list []fleet.Package, o fleet.Package) bool {
		return slices.ContainsFunc(list, func(t fleet.Package) bool { return t.Model == o.Model })
	}
	there = slices.DeleteFunc(onChannel(all, p.To), func(o fleet.Package) bool { return !wanted(o) })
	found := len(there) > 0
	for _, o := range all {
		if !wanted(o) || ref.Channel != "" && o.Channel != ref.Channel {
			continue
		}
		found = true
		if o.Channel != p.To && !same(there, o) && !same(from, o) {
			from = append(from, o)
		}
	}
	if !found {
		return nil, nil, fleet.Errorf(fleet.NotFound, "package_unknown", "there is no package %s here%s", ref,
			forModel(p.Model))
	}
	return from, there, nil
}

func forModel(model string) string {
	if model == "" {
		return ""
	}
	return " for the model " + model
}

// promotedName is "<stem>.<channel>.zip"; what an earlier promotion put in goes.
func promotedName(p fleet.Package, to string) string {
	stem := strings.TrimSuffix(p.Name, ".zip")
	return strings.TrimSuffix(stem, "."+p.Channel) + "." + to + ".zip"
}

// inspectAgain reads the stored bytes of a package under the policy of a channel.
func (l *Library) inspectAgain(ctx context.Context, p fleet.Package, channel string) (otapkg.Facts, otapkg.Findings, error) {
	policy, err := l.policy(channel, p.Name)
	if err != nil {
		return otapkg.Facts{}, nil, err
	}
	content, err := l.cfg.Blobs.Open(ctx, blob.Ref(p.SHA256))
	if errors.Is(err, blob.ErrNotFound) {
		return otapkg.Facts{}, nil, fleet.Errorf(fleet.Conflict, "content_missing", "the bytes of %s are gone from the "+
			"store; upload the same file again, on %s", p.Name, p.Channel)
	}
	if err != nil {
		return otapkg.Facts{}, nil, err
	}
	defer content.Close()
	facts, findings, err := l.inspect(ctx, p.Name, content, content.Size(), policy)
	if err != nil {
		return facts, nil, err
	}
	if facts.SHA256 != p.SHA256 {
		return facts, nil, fleet.Errorf(fleet.Conflict, "damaged_content", "the stored bytes of %s are not those that were "+
			"uploaded; otad fsck finds all damage", p.Name)
	}
	return facts, findings, nil
}
