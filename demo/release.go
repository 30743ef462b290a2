// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
	"landed/manifests/tufrepo"
	"landed/server/otactl/client"
	"landed/signer/ceremony"
)

// publish uploads a package for each model, has the release signed by two people who review their own copies, and
// sees it published.
func (p *people) publish(ctx context.Context, s *site, ship shipment) error {
	folder := filepath.Join(s.dir, "signers-copies", ship.Name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if s.temp {
		defer os.RemoveAll(folder)
	}
	var packages []string
	for _, device := range ship.models {
		ref, err := s.upload(ctx, ship.builds[device], folder)
		if err != nil {
			return fmt.Errorf("the package for %s: %w", device, err)
		}
		packages = append(packages, ref)
	}
	if _, err := s.api.Releases().Create(ctx, ship.source, packages); err != nil {
		return err
	}
	change, err := s.api.Releases().Stage(ctx, ship.Name)
	if err != nil {
		return err
	}
	s.news.say("Release %s is staged for %s.", ship.Name, strings.Join(ship.models, ", "))
	return p.sign(ctx, s, change.ID, folder)
}

// upload writes the package, keeps a copy for the signers, and sends it.
func (s *site) upload(ctx context.Context, b fixtures.Build, folder string) (ref string, err error) {
	zip, err := fixtures.Bytes(b, s.otaKey)
	if err != nil {
		return "", err
	}
	name := b.FileName(fmt.Sprintf("%x", md5.Sum(zip)))
	if err := os.WriteFile(filepath.Join(folder, name), zip, 0o644); err != nil {
		return "", err
	}
	answer, err := s.api.Packages().Upload(ctx, name, "stable", bytes.NewReader(zip), int64(len(zip)), nil)
	if err != nil {
		return "", err
	}
	s.news.say("Uploaded %s: %s", name, foundIn(answer.Findings))
	return answer.Ref(), nil
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

// sign has two people review and sign; the server publishes at the second signature.
func (p *people) sign(ctx context.Context, s *site, change, folder string) error {
	now := s.clock.Now()
	text, err := s.api.Changes().Request(ctx, change)
	if err != nil {
		return err
	}
	request, err := tufrepo.ParseRequest(text)
	if err != nil {
		return err
	}
	for _, name := range names[:2] {
		summary, err := ceremony.Review(ceremony.ReviewParams{
			Now: now, Request: request, Packages: os.DirFS(folder), Trusted: &p.trusted,
			OTAKeys: map[string][]otapkg.Pin{"stable": s.otaKeys},
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
		answer, err := s.api.Changes().Respond(ctx, change, response.Bytes())
		if err != nil {
			return err
		}
		if len(answer.Roles) > 0 {
			s.news.say("%s reviewed every package and signed: %d of %d.", name, answer.Roles[0].Have, answer.Roles[0].Need)
		}
		if answer.State == "published" {
			s.news.say("Published: handsets may install it once a rollout offers it.")
		}
	}
	return nil
}

// tryHostile uploads a package with a second zip directory hidden in its comment, and expects it refused.
func (s *site) tryHostile(ctx context.Context) error {
	hostile, err := fixtures.HostileOf("zip-second-directory")
	if err != nil {
		return err
	}
	var zip bytes.Buffer
	if err := hostile.Write(&zip, s.otaKey); err != nil {
		return err
	}
	_, err = s.api.Packages().Upload(ctx, "hostile.zip", "stable", &zip, int64(zip.Len()), nil)
	refused, ok := errors.AsType[*client.Error](err)
	if !ok {
		return fmt.Errorf("a hostile package (%s) was not refused: %w", hostile.Name, err)
	}
	s.news.say("Upload of a hostile package refused: %s", foundIn(refused.Findings))
	return nil
}
