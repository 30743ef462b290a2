// SPDX-License-Identifier: Apache-2.0

package offers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"landed/manifests"
	"landed/manifests/strict"
)

// wire is an offer in JSON, its custom part as it was signed.
type wire struct {
	Rollout   string            `json:"rollout"`
	State     State             `json:"state"`
	Salt      string            `json:"salt"`
	Stage     int               `json:"stage"`
	Share     int               `json:"share"`
	Retry     int               `json:"retry,omitempty"`
	Package   manifests.Package `json:"package"`
	Manifest  manifests.Package `json:"manifest"`
	Custom    json.RawMessage   `json:"custom"`
	PreBuilds []string          `json:"pre_builds,omitempty"`
}

func (w wire) offer(custom manifests.Custom) Offer {
	var raw bytes.Buffer
	if json.Compact(&raw, w.Custom) == nil {
		w.Custom = raw.Bytes()
	}
	return Offer{Rollout: w.Rollout, State: w.State, Salt: w.Salt, Stage: w.Stage, Share: w.Share, Retry: w.Retry,
		Package: w.Package, Manifest: w.Manifest, Custom: custom, PreBuilds: w.PreBuilds, RawCustom: w.Custom}
}

// Parse reads a document as a handset does, which may be years older than it: what it does not know it passes over,
// unless must_understand lists it or the version is higher than [Schema]. Then Needs says so, of the document or of
// the one offer, and nothing else of it is read. Values out of range are refused, but for mirrors: those that this program
// cannot use it leaves out.
func Parse(text []byte) (Document, error) {
	d, err := parse(text)
	if err != nil {
		return Document{}, fmt.Errorf("offers document: %w", err)
	}
	return d, nil
}

func parse(text []byte) (Document, error) {
	var w struct {
		Schema  int               `json:"schema"`
		Model   string            `json:"model"`
		Channel string            `json:"channel"`
		Epoch   int               `json:"epoch"`
		Mirrors []string          `json:"mirrors"`
		Offers  []json.RawMessage `json:"offers"`
	}
	err := manifests.Understand(text, "offers document", Schema, &w)
	if needs, ok := errors.AsType[*manifests.NeedsError](err); ok {
		return Document{Needs: needs.Error()}, nil
	}
	if err != nil {
		return Document{}, err
	}
	d := Document{Schema: w.Schema, Model: w.Model, Channel: w.Channel, Epoch: w.Epoch, Mirrors: usableMirrors(w.Mirrors)}
	if w.Offers != nil {
		d.Offers = make([]Offer, len(w.Offers))
	}
	faults := d.headFaults()
	for i, raw := range w.Offers {
		if err := json.Unmarshal(raw, &d.Offers[i]); err != nil {
			faults = append(faults, err)
		} else if d.Offers[i].Needs == "" {
			faults = append(faults, d.Offers[i].faults(d)...)
		}
	}
	return d, errors.Join(faults...)
}

// UnmarshalJSON reads one offer as [Parse] does.
func (o *Offer) UnmarshalJSON(text []byte) error {
	var w wire
	var custom manifests.Custom
	err := manifests.Understand(text, "offer", Schema, &w)
	if err == nil && !w.State.known() && w.State != "" {
		err = &manifests.NeedsError{What: "state of a rollout", Members: []string{string(w.State)}}
	}
	if err == nil && w.Custom == nil {
		err = errors.New("custom is missing")
	}
	if err == nil {
		custom, err = manifests.ParseCustom(w.Custom)
	}
	if needs, ok := errors.AsType[*manifests.NeedsError](err); ok {
		*o = Offer{Needs: needs.Error()}
		return nil
	}
	if err != nil {
		return fmt.Errorf("rollout %.50q: %w", w.Rollout, err)
	}
	*o = w.offer(custom)
	return nil
}

// ParseStrict reads a document as those who publish it do: what they do not know they refuse, and would not write.
func ParseStrict(text []byte) (Document, error) {
	d, err := parseStrict(text)
	if err == nil {
		err = d.Validate()
	}
	if err != nil {
		return Document{}, fmt.Errorf("offers document: %w", err)
	}
	return d, nil
}

func parseStrict(text []byte) (Document, error) {
	var w struct {
		Schema  int      `json:"schema"`
		Model   string   `json:"model"`
		Channel string   `json:"channel"`
		Epoch   int      `json:"epoch"`
		Mirrors []string `json:"mirrors"`
		Offers  []wire   `json:"offers"`
	}
	if err := strict.JSON(text, &w); err != nil {
		return Document{}, err
	}
	d := Document{Schema: w.Schema, Model: w.Model, Channel: w.Channel, Epoch: w.Epoch, Mirrors: w.Mirrors}
	if w.Offers != nil {
		d.Offers = []Offer{}
	}
	for _, o := range w.Offers {
		custom, err := manifests.ParseCustomStrict(o.Custom)
		if err != nil {
			return Document{}, fmt.Errorf("rollout %.50q: %w", o.Rollout, err)
		}
		d.Offers = append(d.Offers, o.offer(custom))
	}
	return d, nil
}

// MarshalJSON writes the custom part as it was signed, if o holds it so.
func (o Offer) MarshalJSON() ([]byte, error) {
	custom, err := o.CustomJSON()
	if err != nil {
		return nil, err
	}
	return marshal(wire{o.Rollout, o.State, o.Salt, o.Stage, o.Share, o.Retry, o.Package, o.Manifest, custom,
		o.PreBuilds})
}

// CustomJSON is the custom part of o in JSON: as it was signed, or else what Custom says.
func (o Offer) CustomJSON() (json.RawMessage, error) {
	if o.RawCustom != nil {
		return o.RawCustom, nil
	}
	return marshal(o.Custom)
}

func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}

// Bytes marshals d; Parse(d.Bytes()) gives d again, if it needs nothing.
func (d Document) Bytes() []byte {
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		panic(err) // strings, integers and JSON that was read before: it cannot fail
	}
	return append(text, '\n')
}
