// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Info is what metadata says. Which of the lists are set depends on Type.
type Info struct {
	Type    string // "root", "targets" (delegated roles too), "snapshot", "timestamp"
	Version int64
	Expires time.Time
	Signers []string // key ids of the signatures, whether or not they are good

	Root      *RootSpec           // root
	Delegates bool                // targets: it delegates, so it is the top-level one
	Models    []ModelKeys         // targets: the delegations, in their order
	Outsiders []OutsiderKeys      // targets: who looks from outside, in their order
	Targets   []Target            // targets: by path
	Files     map[string]RoleFile // snapshot, timestamp: by role
	Heads     []TreeHead          // snapshot: of the trees over what the server stores, by name
}

// Read reads metadata without judging its signatures. It refuses whatever lies outside the
// profile, and returns all faults that can be told apart.
func Read(doc []byte) (Info, error) {
	d, err := parse(doc)
	return d.info.clone(), err
}

// document is metadata as parsed: the canonical bytes are what signatures are over.
type document struct {
	info       Info
	signed     json.RawMessage // as it is written in the file
	canonical  []byte
	signatures []wireSignature
	roles      map[string]RoleKeys // by name: whom it delegates to
}

// read reads metadata anew.
func read(doc []byte) (document, error) {
	var d document
	if len(doc) > MaxTargetsBytes {
		return d, fmt.Errorf("metadata of %d bytes; the limit is %d", len(doc), MaxTargetsBytes)
	}
	if err := strictJSON(doc); err != nil {
		return d, fmt.Errorf("metadata: %w", err)
	}
	e, err := openEnvelope(doc)
	if err != nil {
		return d, fmt.Errorf("metadata: %w", err)
	}
	var h struct {
		Type string `json:"_type"`
	}
	if err := json.Unmarshal(e.Signed, &h); err != nil {
		return d, fmt.Errorf("metadata: signed: %w", err)
	}
	d.info.Type = h.Type
	if err := checkLength(h.Type, doc); err != nil {
		return d, err
	}
	d.signed = e.Signed
	if d.canonical, err = canonical(e.Signed); err != nil {
		return d, err
	}
	faults := d.readSignatures(e.Signatures)
	switch h.Type {
	case Root:
		faults = append(faults, d.readRoot(e.Signed)...)
	case Targets:
		faults = append(faults, d.readTargets(e.Signed)...)
	default:
		faults = append(faults, d.readMeta(e.Signed)...)
	}
	if err := errors.Join(faults...); err != nil {
		return d, fmt.Errorf("%s metadata: %w", h.Type, err)
	}
	return d, nil
}

// openEnvelope takes the signatures from what they are on. It is read field by field, because
// the signed part is large and compared with its canonical form later.
func openEnvelope(doc []byte) (envelope, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(doc, &fields); err != nil {
		return envelope{}, err
	}
	signatures, signed := fields["signatures"], fields["signed"]
	if len(fields) != 2 || signatures == nil || signed == nil {
		return envelope{}, fmt.Errorf("wanted the fields signatures and signed and no others, found %q",
			slices.Sorted(maps.Keys(fields)))
	}
	e := envelope{Signed: signed}
	return e, exactly(signatures, &e.Signatures)
}

var maxBytes = map[string]int{Root: MaxRootBytes, Targets: MaxTargetsBytes, Snapshot: MaxSnapshotBytes,
	Timestamp: MaxTimestampBytes}

func checkLength(kind string, doc []byte) error {
	if limit, ok := maxBytes[kind]; !ok {
		return fmt.Errorf("metadata of type %.40q; wanted root, targets, snapshot or timestamp", kind)
	} else if len(doc) > limit {
		return fmt.Errorf("%s metadata of %d bytes; the limit is %d", kind, len(doc), limit)
	}
	return nil
}

func (d *document) readSignatures(list []wireSignature) (faults []error) {
	for _, s := range list {
		if !digest.MatchString(s.KeyID) {
			faults = append(faults, fmt.Errorf("a signature has key id %.80q; wanted 64 hex digits", s.KeyID))
		}
		if raw, err := hex.DecodeString(s.Sig); err != nil || len(raw) > 256 || hex.EncodeToString(raw) != s.Sig {
			faults = append(faults, fmt.Errorf("the signature of key %.8s is not lower-case hex of at most 256 bytes", s.KeyID))
		}
		if slices.Contains(d.info.Signers, s.KeyID) {
			faults = append(faults, fmt.Errorf("key %.8s has two signatures; clients refuse the file", s.KeyID))
		}
		d.info.Signers = append(d.info.Signers, s.KeyID)
	}
	d.signatures = list
	return faults
}

func (d *document) readHeader(h header) (faults []error) {
	d.info.Version = h.Version
	if h.SpecVersion != specVersion {
		faults = append(faults, fmt.Errorf("spec_version is %q, wanted %s", h.SpecVersion, specVersion))
	}
	if h.Version < 1 {
		faults = append(faults, fmt.Errorf("version is %d, wanted 1 or more", h.Version))
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", h.Expires)
	if err != nil || at.Format(time.RFC3339) != h.Expires {
		faults = append(faults, fmt.Errorf("expires is %.40q; wanted UTC in whole seconds, 2026-01-31T12:00:00Z", h.Expires))
	}
	d.info.Expires = at
	return faults
}

func (d *document) readRoot(signed []byte) []error {
	var w wireRoot
	if err := exactlySaid(signed, d.canonical, &w); err != nil {
		return []error{err}
	}
	faults := d.readHeader(w.header)
	if !w.Consistent {
		faults = append(faults, errors.New("consistent_snapshot is false; the feed is served with consistent names"))
	}
	t := keyTable{keys: w.Keys}
	d.roles = map[string]RoleKeys{}
	for _, role := range slices.Sorted(maps.Keys(w.Roles)) {
		if !topLevel(role) {
			t.faults = append(t.faults, fmt.Errorf("root names a role %.40q that TUF does not have", role))
		}
		d.roles[role] = t.role(role, w.Roles[role].KeyIDs, w.Roles[role].Threshold)
	}
	for _, role := range []string{Root, Targets, Snapshot, Timestamp} {
		if _, ok := w.Roles[role]; !ok {
			t.faults = append(t.faults, fmt.Errorf("root does not say who signs %s", role))
		}
	}
	d.info.Root = &RootSpec{w.Version, d.info.Expires, d.roles[Root], d.roles[Targets], d.roles[Snapshot],
		d.roles[Timestamp]}
	faults = append(faults, t.finish()...)
	return append(faults, separate(kindsOfRoot(d.info.Root))...)
}

func (d *document) readTargets(signed []byte) []error {
	var w wireTargets
	if err := exactlySaid(signed, d.canonical, &w); err != nil {
		return []error{err}
	}
	faults := d.readHeader(w.header)
	if len(w.Targets) > MaxTargets {
		return append(faults, fmt.Errorf("%d targets; the limit is %d, take old builds out", len(w.Targets), MaxTargets))
	}
	for _, path := range slices.Sorted(maps.Keys(w.Targets)) {
		t := w.Targets[path]
		faults = append(faults, checkTarget(path, t)...)
		d.info.Targets = append(d.info.Targets, Target{path, t.Length, t.Hashes.SHA256, t.Custom})
	}
	if w.Delegations != nil {
		d.info.Delegates = true
		if len(w.Targets) > 0 {
			faults = append(faults, errors.New("it delegates and lists targets; the top-level role only delegates, "+
				"the roles below never do"))
		}
		faults = append(faults, d.readDelegations(*w.Delegations)...)
	}
	return faults
}

func checkTarget(path string, t wireTarget) (faults []error) {
	if err := CheckPath(path); err != nil {
		faults = append(faults, err)
	}
	if t.Length < 1 || t.Length > maxInteger {
		faults = append(faults, fmt.Errorf("target %s: length is %d", path, t.Length))
	}
	if !digest.MatchString(t.Hashes.SHA256) {
		faults = append(faults, fmt.Errorf("target %s: sha256 %.80q; wanted 64 lower-case hex digits", path, t.Hashes.SHA256))
	}
	if t.Custom != nil && !strings.HasPrefix(string(t.Custom), "{") {
		faults = append(faults, fmt.Errorf("target %s: custom must be a JSON object", path))
	}
	return faults
}

func (d *document) readMeta(signed []byte) []error {
	var w wireMeta
	if err := exactlySaid(signed, d.canonical, &w); err != nil {
		return []error{err}
	}
	faults := d.readHeader(w.header)
	if len(w.Meta) > MaxRoles {
		return append(faults, fmt.Errorf("%d roles; the limit is %d", len(w.Meta), MaxRoles))
	}
	d.info.Files = map[string]RoleFile{}
	for _, name := range slices.Sorted(maps.Keys(w.Meta)) {
		role, ok := strings.CutSuffix(name, ".json")
		if !ok || CheckRole(role) != nil || role == Root || role == Timestamp ||
			(role == Snapshot) != (d.info.Type == Timestamp) {
			faults = append(faults, fmt.Errorf("meta lists %.80q, which does not belong there", name))
		}
		f := RoleFile{Version: w.Meta[name].Version, Length: w.Meta[name].Length}
		if h := w.Meta[name].Hashes; h != nil {
			f.SHA256 = h.SHA256
		}
		if f.Version < 1 || f.Length < 0 || (f.SHA256 != "" && !digest.MatchString(f.SHA256)) ||
			(f.SHA256 == "") != (f.Length == 0) {
			faults = append(faults, fmt.Errorf("meta of %s: version %d, length %d, sha256 %.80q; wanted a version, "+
				"and length and hash both or neither", name, f.Version, f.Length, f.SHA256))
		}
		d.info.Files[role] = f
	}
	faults = append(faults, d.readHeads(w.Heads)...)
	wanted := map[string]string{Timestamp: Snapshot, Snapshot: Targets}[d.info.Type]
	if f, ok := d.info.Files[wanted]; !ok || (wanted == Snapshot && (f.SHA256 == "" || len(d.info.Files) != 1)) {
		// without it some clients do not refuse but crash
		faults = append(faults, fmt.Errorf("meta must list %s.json; a timestamp lists it alone, with length and hash",
			wanted))
	}
	return faults
}

// maxHeads bounds how many trees a snapshot speaks of.
const maxHeads = 16

func (d *document) readHeads(heads map[string]wireHead) (faults []error) {
	if len(heads) > maxHeads || d.info.Type != Snapshot && len(heads) > 0 {
		return []error{fmt.Errorf("it has the heads of %d trees; a snapshot may have %d, and no other role any", len(heads), maxHeads)}
	}
	for _, tree := range slices.Sorted(maps.Keys(heads)) {
		h := heads[tree]
		if checkModelRole(tree) != nil || h.Size < 1 || h.Size > maxInteger || !digest.MatchString(h.Root) {
			faults = append(faults, fmt.Errorf("head of %.40q: size %d, root %.80q; wanted a name, 1 leaf or more, and 64 "+
				"lower-case hex digits", tree, h.Size, h.Root))
		}
		d.info.Heads = append(d.info.Heads, TreeHead{tree, h.Size, h.Root})
	}
	return faults
}
