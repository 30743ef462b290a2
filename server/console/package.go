// SPDX-License-Identifier: Apache-2.0

package console

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/render"
)

// packageAPI takes OTA files in, and tells of those that are here.
type packageAPI struct {
	library   *library.Library
	store     fleet.Viewer
	maxUpload int64 // bytes of one package
}

func (a packageAPI) doors() []Door {
	return []Door{
		{"GET", "/packages", support, a.list},
		{"POST", "/packages", engineer, a.upload},
		{"DELETE", "/packages/{sha256}", engineer, a.remove},
		{"POST", "/packages/{sha256}/promote", engineer, a.promote},
	}
}

type packageWire struct {
	SHA256    string          `json:"sha256"`
	Name      string          `json:"name"`
	Size      int64           `json:"size"`
	Model     string          `json:"model"`
	Variant   string          `json:"variant"`
	Channel   string          `json:"channel"`
	Family    string          `json:"family"`
	Build     manifests.Build `json:"build"`
	PreBuilds []string        `json:"pre_builds,omitempty"`
	Payload   string          `json:"payload,omitempty"` // hex SHA-256 of payload.bin, of an A/B package
	Findings  json.RawMessage `json:"findings"`
	Facts     json.RawMessage `json:"facts,omitempty"` // only in the answer to an upload
	By        string          `json:"by"`
	At        time.Time       `json:"at"`
	Known     bool            `json:"known,omitempty"` // only in the answer to an upload: the bytes were here already
	Also      []packageWire   `json:"also,omitempty"`  // only there: the same file for the other devices that it names
}

func packageToWire(p fleet.Package) packageWire {
	findings := json.RawMessage(p.Findings)
	if len(findings) == 0 || string(findings) == "null" {
		findings = json.RawMessage("[]")
	}
	var facts otapkg.Facts
	_ = json.Unmarshal(p.Facts, &facts) // a package that was taken up from a feed has none
	return packageWire{p.SHA256, p.Name, p.Size, p.Model, p.Variant, p.Channel, p.Family, p.Build, p.PreBuilds,
		facts.PayloadSHA256(), findings, nil, p.By, p.At, false, nil}
}

// upload takes the raw bytes of one package; ?name= is its file name, ?channel= defaults to
// stable. 201 with the package, 200 if these bytes are here already, 422 with every finding. A sender that states the
// SHA-256 (Repr-Digest) and waits to be told to send (Expect: 100-continue) sends nothing that is here already. Whatever
// can be refused without the bytes is, before any is read.
func (a packageAPI) upload(w http.ResponseWriter, r *http.Request) error {
	pkg, err := a.takeIn(w, r)
	if err != nil {
		linger(r)
		return err
	}
	return answerPackage(w, pkg)
}

// answerPackage is 201 with a new package, 200 with one that is here already.
func answerPackage(w http.ResponseWriter, pkg library.Uploaded) error {
	answer := packageToWire(pkg.Package)
	answer.Facts, answer.Known = pkg.Facts, pkg.Known
	for _, other := range pkg.Also {
		answer.Also = append(answer.Also, packageToWire(other))
	}
	status := http.StatusCreated
	if pkg.Known {
		status = http.StatusOK
	}
	return render.JSON(w, status, answer)
}

// promote takes the bytes of a package to another channel: {"to", "model", "reason"}, the last two may be
// missing. 201 with the package, 200 if it is there already, 422 with every finding.
func (a packageAPI) promote(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		To     string `json:"to"`
		Model  string `json:"model"`
		Reason string `json:"reason"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	pkg, err := a.library.Promote(r.Context(), library.Promotion{
		Package: r.PathValue("sha256"), Model: in.Model, To: in.To, By: auth.Actor(r.Context()), Reason: in.Reason,
	})
	if err != nil {
		return err
	}
	return answerPackage(w, pkg)
}

func (a packageAPI) takeIn(w http.ResponseWriter, r *http.Request) (library.Uploaded, error) {
	q, err := query(r, "name", "channel")
	if err != nil {
		return library.Uploaded{}, err
	}
	if kind := r.Header.Get("Content-Type"); strings.HasPrefix(strings.ToLower(kind), "multipart/") {
		return library.Uploaded{}, fleet.Errorf(fleet.Invalid, "content_type", "the body is a form (%s); "+
			"send the bytes of the package as they are, as application/octet-stream", kind)
	}
	if r.ContentLength > a.maxUpload {
		return library.Uploaded{}, fleet.Errorf(fleet.TooLarge, "too_large", "the package has %d bytes; "+
			"this server takes at most %d", r.ContentLength, a.maxUpload)
	}
	digest, err := stated(r)
	if err != nil {
		return library.Uploaded{}, err
	}
	in := library.Incoming{Name: q.Get("name"), Channel: q.Get("channel"), By: auth.Actor(r.Context()),
		Size: r.ContentLength, SHA256: digest}
	if in.Channel == "" {
		in.Channel = "stable"
	}
	return a.library.Upload(r.Context(), in, http.MaxBytesReader(w, r.Body, a.maxUpload))
}

// stated is the SHA-256 that a sender says its bytes have, in hex; "" if it does not: Repr-Digest: sha-256=:BASE64:
// (RFC 9530). Digests of other kinds are passed over.
func stated(r *http.Request) (string, error) {
	for item := range strings.SplitSeq(strings.Join(r.Header.Values("Repr-Digest"), ","), ",") {
		kind, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		if kind != "sha-256" {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(value, ":"), ":"))
		if err != nil || len(sum) != sha256.Size {
			return "", fleet.Errorf(fleet.Invalid, "digest", "the header Repr-Digest holds a SHA-256 that is none; wanted "+
				"sha-256=:BASE64: of 32 bytes")
		}
		return hex.EncodeToString(sum), nil
	}
	return "", nil
}

// linger lets a sender who is refused hear why (httplimit.Bodies).
func linger(r *http.Request) {
	if body, ok := r.Body.(interface{ Drain(time.Duration) }); ok {
		body.Drain(lingerFor)
	}
}

const lingerFor = 5 * time.Second

// remove takes out a package that no release names; ?model= and ?channel= say which, if several have
// these bytes; ?reason= goes into the audit trail.
func (a packageAPI) remove(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason", "model", "channel")
	if err != nil {
		return err
	}
	ref := fleet.PackageRef{SHA256: r.PathValue("sha256"), Model: q.Get("model"), Channel: q.Get("channel")}
	if _, err := a.library.Remove(r.Context(), ref.String(), auth.Actor(r.Context()),
		q.Get("reason")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a packageAPI) list(w http.ResponseWriter, r *http.Request) error {
	all := []packageWire{}
	err := a.store.View(r.Context(), func(tx fleet.Tx) error {
		packages, err := tx.Packages().List(r.Context())
		for _, one := range packages {
			all = append(all, packageToWire(one))
		}
		return err
	})
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, map[string]any{"packages": all})
}
