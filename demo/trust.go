// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"landed/manifests"
	"landed/manifests/tufrepo"
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
func foundTrust(ctx context.Context, s *site, devices []string) (*people, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, "online.json"))
	if err != nil {
		return nil, err
	}
	online, err := tufrepo.ParseOnlineKeys(text)
	if err != nil {
		return nil, err
	}
	bundle, made, err := ceremony.Init(ceremony.InitParams{
		Now: s.clock.Now(), Online: online, Names: names, Algorithm: keys.Ed25519, Life: ceremony.DefaultLife(),
		Root: ceremony.Quorum{Threshold: 3, Keys: 5}, Targets: ceremony.Quorum{Threshold: 2, Keys: 3},
	})
	if err != nil {
		return nil, err
	}
	p := &people{hands: map[string]ceremony.SigningKey{}, root: bundle.Files[tufrepo.MetadataFile(tufrepo.Root, 1)]}
	for _, k := range made {
		p.hands[k.Public().Name+" "+k.Public().Use] = ceremony.SigningKey{Signer: k, Ledger: ceremony.NewLedger()}
	}
	if _, err := s.api.Trust().Import(ctx, bundle); err != nil {
		return nil, err
	}
	if p.trusted, err = bundle.Set(); err != nil {
		return nil, err
	}
	s.news.say("Root made and signed by %s (3 of 5); targets by 2 of 3.", strings.Join(names, ", "))
	return p, p.addModels(ctx, s, online, devices)
}

// addModels brings every model in, signed by the targets keys and the new ones.
func (p *people) addModels(ctx context.Context, s *site, online tufrepo.OnlineKeys, devices []string) error {
	now := s.clock.Now()
	var roles []string
	for _, device := range devices {
		roles = append(roles, manifests.Model{Device: device}.Role())
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
	if err := p.bringIn(ctx, s, request, responses); err != nil {
		return err
	}
	s.news.say("Models brought in: %s. Each is signed for by 2 of 3.", strings.Join(roles, ", "))
	return nil
}

// addOutsiders brings keys of a role of outsiders in: two of the targets keys sign for them. threshold 0 keeps what is, or 1.
func (p *people) addOutsiders(ctx context.Context, s *site, role string, threshold int, holders ...*keys.Key) error {
	rotation := ceremony.RotateParams{Now: s.clock.Now(), Trusted: p.trusted, Roles: []string{role}, Threshold: threshold,
		Life: ceremony.DefaultLife()}
	held := map[string]string{}
	for _, k := range holders {
		rotation.Add = append(rotation.Add, k.Key())
		held[k.Key().ID()] = k.Public().Name
	}
	request, err := ceremony.Rotate(rotation)
	if err != nil {
		return err
	}
	request.Names = held
	var responses []tufrepo.Response
	for _, name := range names[:2] {
		r, err := ceremony.Sign(request, rotation.Now, p.hands[name+" "+tufrepo.Targets])
		if err != nil {
			return fmt.Errorf("%s signs the keys of the role %s: %w", name, role, err)
		}
		responses = append(responses, r)
	}
	return p.bringIn(ctx, s, request, responses)
}

// bringIn imports what was signed, and goes on from there.
func (p *people) bringIn(ctx context.Context, s *site, request tufrepo.Request, responses []tufrepo.Response) error {
	bundle, _, err := ceremony.Assemble(request, s.clock.Now(), responses...)
	if err != nil {
		return err
	}
	bundle.Names = request.Names
	if _, err := s.api.Trust().Import(ctx, bundle); err != nil {
		return err
	}
	staged := request.Staged()
	for role := range staged {
		staged[role] = bundle.Files[tufrepo.MetadataFile(role, versionOf(staged[role]))]
	}
	p.trusted = p.trusted.With(staged)
	return nil
}

func versionOf(doc []byte) int64 {
	info, err := tufrepo.Read(doc)
	if err != nil {
		return 0
	}
	return info.Version
}
