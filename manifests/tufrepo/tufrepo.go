// SPDX-License-Identifier: Apache-2.0

// Package tufrepo is our profile of The Update Framework (TUF 1.0): how the metadata of the
// feed is written, signed, read, counted, checked and compared, and the files in which it
// travels between the server and the people who sign.
//
// Parties. The server stages and publishes; the offline signer reviews and signs; both ask
// this package, so that a bad set is refused twice, by different machines. The handset uses
// the paths and names, and a TUF client of its own.
//
// Promises. Bytes that were signed are returned, stored and compared as they are, never
// marshalled again. What Read accepts is read alike by the three TUF clients that were
// compared when this profile was made. Signatures are counted by distinct public key. Check
// runs the whole workflow of a client that holds the oldest root. Every fault is named.
//
// Refusals. Anything on which clients differ: doubled JSON keys, unknown fields, null,
// fractions, integers beyond 2^53-1, other times than UTC in whole seconds, odd role names,
// paths and patterns, other keys than Ed25519 and ECDSA P-256, key ids that are not the hash
// of their key, one key listed twice, one key in roles of different trust.
//
// It reads no clock, makes no keys and does no I/O.
package tufrepo

import (
	"fmt"
	"regexp"
	"strings"
)

// The four top-level roles of TUF.
const (
	Root      = "root"
	Targets   = "targets"
	Snapshot  = "snapshot"
	Timestamp = "timestamp"
)

// Limits. They bound what a handset downloads and what a server parses; tuf-js, the slowest
// client compared, is quadratic in both counts.
const (
	MaxTargets = 500 // target files of one role
	MaxRoles   = 513 // roles in a snapshot: 256 models, and the top-level targets
	MaxRoots   = 256 // root versions a client steps through

	MaxRootBytes      = 512_000
	MaxTimestampBytes = 16_384
	MaxSnapshotBytes  = 2_000_000
	MaxTargetsBytes   = 2_000_000

	// hashedRoles is how many roles a snapshot lists with length and hash. Beyond it they
	// are left out, as TUF allows: every handset downloads the snapshot, hashes do not
	// compress, and each role is protected by its own signatures and version.
	hashedRoles = 256

	maxInteger = 1<<53 - 1 // JavaScript clients read larger integers as other numbers
)

const offersSuffix = "-offers"

var (
	roleName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)
	segment  = regexp.MustCompile(`^[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,199}$`)
	digest   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// CheckRole refuses names that any of the compared TUF clients treats differently: a name is
// a lower-case letter, then at most 63 letters, digits, _ or -.
func CheckRole(name string) error {
	if !roleName.MatchString(name) {
		return fmt.Errorf("role name %q: wanted a lower-case letter, then letters, digits, _ or -, 64 at most", name)
	}
	return nil
}

// checkModelRole also refuses names that mean something else.
func checkModelRole(name string) error {
	if err := CheckRole(name); err != nil {
		return err
	}
	if topLevel(name) || strings.HasSuffix(name, offersSuffix) || OutsiderRole(name) {
		return fmt.Errorf("role name %q: it is taken, or ends in %s or %s", name, offersSuffix, witnessesSuffix)
	}
	return nil
}

func topLevel(role string) bool {
	return role == Root || role == Targets || role == Snapshot || role == Timestamp
}

// OffersRole is the role that signs, online, what is offered now to a model.
func OffersRole(modelRole string) string { return modelRole + offersSuffix }

// ModelRole splits the name of a delegated role: the model's role, and if it is its offers role.
func ModelRole(role string) (model string, isOffers bool) {
	return strings.CutSuffix(role, offersSuffix)
}

// PackagePath is the target path of a package: builds/armani/<name>, ending in .zip.
func PackagePath(modelRole, name string) string {
	return "builds/" + modelRole + "/" + strings.TrimSuffix(name, ".zip") + ".zip"
}

// ManifestPath is the target path of a release manifest: builds/armani/<release>.<variant>.json.
func ManifestPath(modelRole, release, variant string) string {
	return "builds/" + modelRole + "/" + release + "." + variant + ".json"
}

// EffectPath is the target path of a release's effect document for a model: builds/armani/<release>.effect.json. No
// variant is called "effect".
func EffectPath(modelRole, release string) string { return ManifestPath(modelRole, release, "effect") }

// NotesPath is the target path of a release's notes, as a model has them: builds/armani/<release>.notes.json. No
// variant is called "notes".
func NotesPath(modelRole, release string) string { return ManifestPath(modelRole, release, "notes") }

// OffersPath is the target path of the offers document: offers/armani/stable.json.
func OffersPath(modelRole, channel string) string {
	return "offers/" + modelRole + "/" + channel + ".json"
}

// Pattern is what a delegated role may sign: builds/armani/* or offers/armani/*. No target is ever below evidence/: the
// patterns of outsiders are there because TUF wants one, and no client asks for such a path.
func Pattern(role string) string {
	if model, ok := strings.CutSuffix(role, witnessesSuffix); ok {
		return "evidence/" + Witnesses + "/" + model + "/*"
	}
	if role == Observers || role == Witnesses {
		return "evidence/" + role + "/*"
	}
	if model, isOffers := ModelRole(role); isOffers {
		return "offers/" + model + "/*"
	}
	return "builds/" + role + "/*"
}

// CheckPath refuses target paths outside the profile: three segments of letters, digits and
// . _ + -, none beginning with a dot, the first builds or offers.
func CheckPath(path string) error {
	parts := strings.Split(path, "/")
	if len(parts) != 3 || (parts[0] != "builds" && parts[0] != "offers") || !roleName.MatchString(parts[1]) ||
		!segment.MatchString(parts[2]) {
		return fmt.Errorf("target path %q: wanted builds/<model>/<file> or offers/<model>/<file>, the file of letters, "+
			"digits and . _ + -, not beginning with a dot", path)
	}
	return nil
}

// within says if path is one that role may sign.
func within(path, role string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(Pattern(role), "*"))
}

// StoredTarget is the name under which a target is served (consistent snapshots, TUF 6.2):
// builds/armani/<sha256>.<file>.
func StoredTarget(path, sha256 string) string {
	i := strings.LastIndexByte(path, '/') + 1
	return path[:i] + sha256 + "." + path[i:]
}

// PrefixedTarget is a further name of a stored target: <sha256>.builds/armani/<file>. The specification has the hash before
// the file's name alone; tough, the client in Rust, puts it before the whole path and asks for this.
func PrefixedTarget(path, sha256 string) string { return sha256 + "." + path }

// StoredAs is the stored name that name stands for, below targets: of a PrefixedTarget the StoredTarget, and of every other
// name that name itself.
func StoredAs(name string) string {
	first, rest, below := strings.Cut(name, "/")
	sum, dir, dotted := strings.Cut(first, ".")
	if !below || !dotted || dir == "" || !digest.MatchString(sum) {
		return name
	}
	return StoredTarget(dir+"/"+rest, sum)
}

// MetadataFile is the name under which metadata is served: "3.root.json", but always
// "timestamp.json".
func MetadataFile(role string, version int64) string {
	if role == Timestamp {
		return "timestamp.json"
	}
	return fmt.Sprintf("%d.%s.json", version, role)
}

// roleOfFile finds the role of a metadata file from its name, and wants the version and type
// of the content to be what the name says.
func roleOfFile(name string, text []byte) (string, error) {
	info, err := Read(text)
	if err != nil {
		return "", err
	}
	role, ok := strings.CutSuffix(name, ".json")
	if _, after, numbered := strings.Cut(role, "."); numbered {
		role = after
	}
	if !ok || CheckRole(role) != nil || MetadataFile(role, info.Version) != name || typeOf(role) != info.Type {
		return "", fmt.Errorf("its content is version %d of type %s, which has another name", info.Version, info.Type)
	}
	return role, nil
}
