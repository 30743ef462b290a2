// SPDX-License-Identifier: Apache-2.0

package lineup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"landed/manifests"
	"landed/server/fleet"
)

// What became of a model in Add.
const (
	Added     = "added"
	Changed   = "changed"
	Returned  = "returned" // it was retired, and is served again
	Unchanged = "unchanged"
)

// Entry is a model as it is stored, with its profile read.
type Entry struct {
	fleet.Model
	Described manifests.Model
	Became    string // in the answer of Add

	spoke []manifests.Protocol // what phones of the model polled by before
}

// List reads every model, in the order of the catalogue.
func (l *Lineup) List(ctx context.Context) ([]Entry, error) {
	if err := l.Refresh(ctx); err != nil {
		return nil, err
	}
	var all []Entry
	err := l.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		for _, m := range l.Catalogue().Models() {
			stored, err := tx.Models().Get(ctx, m.Device)
			if err != nil {
				return err
			}
			all = append(all, Entry{Model: stored, Described: m})
		}
		return nil
	})
	return all, err
}

// Show reads one model, by its device or role name.
func (l *Lineup) Show(ctx context.Context, name string) (Entry, error) {
	all, err := l.List(ctx)
	if err != nil {
		return Entry{}, err
	}
	i := slices.IndexFunc(all, func(e Entry) bool { return e.Device == name || e.Described.Role() == name })
	if i < 0 {
		return Entry{}, fleet.Errorf(fleet.NotFound, "model_unknown", "there is no model %.60q here; otactl model list "+
			"lists them", name)
	}
	return all[i], nil
}

// Add adds the models of a catalogue file, all or none. A model that is here is changed; if something was published for
// it, only by additions. The same again changes nothing. reason may be empty.
func (l *Lineup) Add(ctx context.Context, file []byte, by, reason string) (all []Entry, err error) {
	wanted, err := manifests.ParseCatalogue(file)
	if err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "model_file", Msg: fleet.InOneLine(err)}
	}
	if err := checkWords(wanted.Models()); err != nil {
		return nil, err
	}
	if err := checkReason(reason, true); err != nil {
		return nil, err
	}
	err = l.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		all, err = l.add(ctx, tx, wanted.Models(), by, reason)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, l.Refresh(ctx)
}

func (l *Lineup) add(
	ctx context.Context, tx fleet.Tx, wanted []manifests.Model, by, reason string,
) (all []Entry, err error) {
	published, err := publishedModels(ctx, tx)
	if err != nil {
		return nil, err
	}
	var faults []error
	for _, m := range wanted {
		e, err := l.next(ctx, tx, m, published[m.Device])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if e.By == "" {
			e.By = by
		}
		all = append(all, e)
		if e.Became == Unchanged {
			continue
		}
		more := func(p manifests.Protocol) bool { return !slices.Contains(e.spoke, p) }
		if l.cfg.Refuses != nil && slices.ContainsFunc(m.Protocols, more) {
			refused, err := l.cfg.Refuses(ctx, tx, m)
			if err != nil {
				return nil, err
			}
			faults = append(faults, refused...)
		}
		if err := tx.Models().Put(ctx, e.Model); err != nil {
			return nil, err
		}
		line := e.Became
		if reason != "" {
			line += ": " + reason
		}
		if err := tx.Audit().Append(ctx, fleet.AuditEntry{
			At: l.now(), Actor: by, Action: "model.add", Subject: m.Device, Reason: line,
		}); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &fleet.Error{Kind: fleet.Conflict, Code: "model_differs", Msg: fleet.InOneLine(err)}
	}
	stored, err := tx.Models().List(ctx)
	if err == nil {
		if _, err = l.catalogue(stored); err != nil { // two that would share a role
			err = &fleet.Error{Kind: fleet.Conflict, Code: "model_differs", Msg: fleet.InOneLine(err)}
		}
	}
	return all, err
}

// next is m as it would be stored, beside what is stored of it.
func (l *Lineup) next(ctx context.Context, tx fleet.Tx, m manifests.Model, published bool) (Entry, error) {
	profile, err := json.Marshal(m)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Model: fleet.Model{Device: m.Device, Profile: profile, At: l.now()}, Described: m, Became: Added}
	have, err := tx.Models().Get(ctx, m.Device)
	if fleet.Is(err, fleet.NotFound) {
		return e, nil
	}
	if err != nil {
		return e, err
	}
	was, err := profileOf(have)
	if err != nil {
		return e, err
	}
	e.spoke = was.Protocols
	if text, err := json.Marshal(was); err != nil {
		return e, err
	} else if bytes.Equal(text, profile) {
		e.Became = Unchanged
	} else {
		e.Became = Changed
		if fault := notAdditive(was, m); published && fault != "" {
			return e, fmt.Errorf("model %s: %s; something was published for it, and what was signed must keep its meaning. "+
				"Only numbers, variants and rom_names can be added, at the end", m.Device, fault)
		}
	}
	if !have.Retired.IsZero() {
		e.Became = Returned
	}
	e.By, e.At = have.By, have.At
	return e, nil
}

// notAdditive says what of now is no mere addition to was. Words for people (product, soc, android, unknown) may change:
// nothing is judged by them.
func notAdditive(was, now manifests.Model) string {
	var faults []string
	keeps := func(what string, a, b []string) {
		if len(b) < len(a) || !slices.Equal(a, b[:len(a)]) {
			faults = append(faults, fmt.Sprintf("%s are %s, and would become %s", what, strings.Join(a, ", "),
				strings.Join(b, ", ")))
		}
	}
	keeps("variants", was.Variants, now.Variants)
	keeps("rom_names", was.ROMNames, now.ROMNames)
	for _, n := range was.Numbers {
		if !slices.Contains(now.Numbers, n) {
			faults = append(faults, "the number "+n+" would go")
		}
	}
	if was.Profile != now.Profile {
		faults = append(faults, fmt.Sprintf("the profile is %+v, and would become %+v", was.Profile, now.Profile))
	}
	if was.Letters != now.Letters {
		faults = append(faults, fmt.Sprintf("letters are %q, and would become %q", was.Letters, now.Letters))
	}
	return strings.Join(faults, "; ")
}

// publishedModels are the devices for which something was published.
func publishedModels(ctx context.Context, tx fleet.Tx) (map[string]bool, error) {
	devices := map[string]bool{}
	releases, err := tx.Releases().List(ctx)
	for _, r := range releases {
		for _, ref := range r.Packages {
			if r.State == fleet.ReleasePublished {
				devices[ref.Model] = true
			}
		}
	}
	return devices, err
}

// Retire takes a model out of service: it takes no uploads and no releases any more. Its pages stay, its handsets are
// still heard, and what is offered to it goes on being offered. A retired model again is no error.
func (l *Lineup) Retire(ctx context.Context, name, by, reason string) error {
	if err := checkReason(reason, false); err != nil {
		return err
	}
	e, err := l.Show(ctx, name)
	if err != nil || !e.Retired.IsZero() {
		return err
	}
	err = l.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := tx.Models().Retire(ctx, e.Device, l.now()); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{
			At: l.now(), Actor: by, Action: "model.retire", Subject: e.Device, Reason: reason,
		})
	})
	if err != nil {
		return err
	}
	return l.Refresh(ctx)
}

// checkReason refuses a reason that cannot stand in one line of the trail.
func checkReason(reason string, optional bool) error {
	if strings.TrimSpace(reason) == "" && !optional {
		return fleet.Errorf(fleet.Invalid, "reason_missing", "say why; it is kept in the audit trail")
	}
	if utf8.RuneCountInString(reason) > 300 || strings.ContainsFunc(reason, unicode.IsControl) {
		return fleet.Errorf(fleet.Invalid, "reason_too_long", "the reason has line breaks or more than 300 letters; "+
			"write one sentence")
	}
	return nil
}
