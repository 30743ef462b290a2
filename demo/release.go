// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/tufrepo"
	"landed/server/otactl/client"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

// people are the signers, each with their own keys, and what they trust.
type people struct {
	root    []byte // what handsets are sold with
	trusted tufrepo.Set
	hands   map[string]ceremony.SigningKey // by name and use: "bo builds"
}

var names = []string{"bo", "cy", "dee", "eli", "fay"}

// foundTrust is the ceremony: root 3 of 5, targets 2 of 3, each model 2 of 3.
func foundTrust(ctx context.Context, h *house, clock *clock, news *news) (*people, error) {
	text, err := os.ReadFile(filepath.Join(h.dir, "online.json"))
	if err != nil {
		return nil, err
	}
	online, err := tufrepo.ParseOnlineKeys(text)
	if err != nil {
		return nil, err
	}
	bundle, made, err := ceremony.Init(ceremony.InitParams{
		Now: clock.Now(), Online: online, Names: names, Algorithm: keys.Ed25519, Life: ceremony.DefaultLife(),
		Root: ceremony.Quorum{Threshold: 3, Keys: 5}, Targets: ceremony.Quorum{Threshold: 2, Keys: 3},
	})
	if err != nil {
		return nil, err
	}
	p := &people{hands: map[string]ceremony.SigningKey{}, root: bundle.Files[tufrepo.MetadataFile(tufrepo.Root, 1)]}
	for _, k := range made {
		p.hands[k.Public().Name+" "+k.Public().Use] = ceremony.SigningKey{Signer: k, Ledger: ceremony.NewLedger()}
	}
	if _, err := h.api.ImportTrust(ctx, bundle); err != nil {
		return nil, err
	}
	if p.trusted, err = bundle.Set(); err != nil {
		return nil, err
	}
	news.say("Root made and signed by %s (3 of 5); targets by 2 of 3.", strings.Join(names, ", "))
	return p, p.addModels(ctx, h, online, clock.Now(), news)
}

// addModels brings every model in, signed by the targets keys and the new ones.
func (p *people) addModels(ctx context.Context, h *house, online tufrepo.OnlineKeys, now time.Time, news *news) error {
	var roles []string
	for _, device := range fixtures.Models() {
		m, ok := manifests.DefaultCatalogue().Model(device)
		if !ok {
			return fmt.Errorf("%s is not in the catalogue", device)
		}
		roles = append(roles, m.Role())
	}
	request, made, err := ceremony.AddModels(ceremony.AddModelsParams{
		Now: now, Trusted: p.trusted, Models: roles, Offers: online.Offers, Names: names[:3],
		Quorum: ceremony.Quorum{Threshold: 2, Keys: 3}, Algorithm: keys.Ed25519, Life: ceremony.DefaultLife(),
	})
	if err != nil {
		return err
	}
	for _, k := range made {
		p.hands[k.Public().Name+" builds"] = ceremony.SigningKey{Signer: k, Ledger: ceremony.NewLedger()}
	}
	var responses []tufrepo.Response
	for _, name := range names[:2] {
		r, err := ceremony.Sign(request, now, p.hands[name+" "+tufrepo.Targets], p.hands[name+" builds"])
		if err != nil {
			return fmt.Errorf("%s signs the models: %w", name, err)
		}
		responses = append(responses, r)
	}
	bundle, _, err := ceremony.Assemble(request, now, responses...)
	if err != nil {
		return err
	}
	if _, err := h.api.ImportTrust(ctx, bundle); err != nil {
		return err
	}
	staged := request.Staged()
	for role := range staged {
		staged[role] = bundle.Files[tufrepo.MetadataFile(role, versionOf(staged[role]))]
	}
	p.trusted = p.trusted.With(staged)
	news.say("%d models brought in: %s. Each is signed for by 2 of 3.", len(roles), strings.Join(roles, ", "))
	return nil
}

func versionOf(doc []byte) int64 {
	info, err := tufrepo.Read(doc)
	if err != nil {
		return 0
	}
	return info.Version
}

// publishRelease uploads a package per model, has the release signed by two people who
// review their own copies, and sees it published.
func publishRelease(ctx context.Context, h *house, p *people, clock *clock, news *news) error {
	folder := filepath.Join(h.dir, "signers-copies")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	if h.temp {
		defer os.RemoveAll(folder)
	}
	if err := h.tryHostile(ctx, news); err != nil {
		return err
	}
	var packages []string
	for _, device := range fixtures.Models() {
		sha256, err := h.upload(ctx, h.builds[device], folder, news)
		if err != nil {
			return err
		}
		packages = append(packages, sha256)
	}
	release := manifests.OptInRelease().Name
	if _, err := h.api.CreateRelease(ctx, manifests.OptInSource(), packages); err != nil {
		return err
	}
	change, err := h.api.Stage(ctx, release)
	if err != nil {
		return err
	}
	news.say("Release %s is staged for %d models.", release, len(packages))
	return p.signRelease(ctx, h, change.ID, folder, clock.Now(), news)
}

// upload writes the package, keeps a copy for the signers, and sends it.
func (h *house) upload(ctx context.Context, b fixtures.Build, folder string, news *news) (sha256 string, err error) {
	zip, err := fixtures.Bytes(b, h.otaKey)
	if err != nil {
		return "", err
	}
	name := b.FileName(fmt.Sprintf("%x", md5.Sum(zip)))
	if err := os.WriteFile(filepath.Join(folder, name), zip, 0o644); err != nil {
		return "", err
	}
	answer, err := h.api.Upload(ctx, name, "stable", bytes.NewReader(zip), int64(len(zip)), nil)
	if err != nil {
		return "", err
	}
	news.say("Uploaded %s: %s", name, foundIn(answer.Findings))
	return answer.SHA256, nil
}

func foundIn(fs otapkg.Findings) string {
	if len(fs) == 0 {
		return "nothing found."
	}
	var words []string
	for _, f := range fs {
		words = append(words, fmt.Sprintf("%s (%s)", f.Code, f.Level))
	}
	return strings.Join(words, ", ") + "."
}

// signRelease has two people review and sign; the server publishes at the second signature.
func (p *people) signRelease(ctx context.Context, h *house, change, folder string, now time.Time, news *news) error {
	text, err := h.api.ChangeRequest(ctx, change)
	if err != nil {
		return err
	}
	request, err := tufrepo.ParseRequest(text)
	if err != nil {
		return err
	}
	for _, name := range names[:2] {
		summary, err := ceremony.Review(ceremony.ReviewParams{
			Now: now, Request: request, Packages: os.DirFS(folder), Catalogue: manifests.DefaultCatalogue(), Trusted: &p.trusted,
			OTAKeys: map[string][]crypto.PublicKey{"stable": h.otaKeys},
		})
		if err == nil {
			err = summary.Err()
		}
		if err != nil {
			return fmt.Errorf("%s refuses to sign: %w", name, err)
		}
		response, err := ceremony.Sign(request, now, p.hands[name+" builds"])
		if err != nil {
			return fmt.Errorf("%s signs: %w", name, err)
		}
		answer, err := h.api.SendResponse(ctx, change, response.Bytes())
		if err != nil {
			return err
		}
		if len(answer.Roles) > 0 {
			news.say("%s reviewed %d packages and signed: %d of %d.", name, len(summary.Packages), answer.Roles[0].Have,
				answer.Roles[0].Need)
		}
		if answer.State == "published" {
			news.say("Published: handsets may install it once a rollout offers it.")
		}
	}
	return nil
}

// tryHostile uploads a package with a second zip directory hidden in its comment, and expects it refused.
func (h *house) tryHostile(ctx context.Context, news *news) error {
	hostile, err := fixtures.HostileOf("zip-second-directory")
	if err != nil {
		return err
	}
	var zip bytes.Buffer
	if err := hostile.Write(&zip, h.otaKey); err != nil {
		return err
	}
	_, err = h.api.Upload(ctx, "hostile.zip", "stable", &zip, int64(zip.Len()), nil)
	refused, ok := errors.AsType[*client.Error](err)
	if !ok {
		return fmt.Errorf("a hostile package (%s) was not refused: %w", hostile.Name, err)
	}
	news.say("Upload of a hostile package refused: %s", foundIn(refused.Findings))
	return nil
}
