// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/csig"
	"landed/manifests/release"
	"landed/manifests/updaters"
)

// csigOf is what the maker signs about the package of a build, for phones with Custota. A stand-in has no vbmeta.
func (s *site) csigOf(b fixtures.Build) (release.Csig, error) {
	zip, err := fixtures.Bytes(b, s.otaKey)
	if err != nil {
		return release.Csig{}, err
	}
	info := csig.Info{Version: csig.Version}
	if info.Files, err = csig.Files(bytes.NewReader(zip), int64(len(zip)), nil); err != nil {
		return release.Csig{}, err
	}
	der, err := csig.Sign(info, s.otaKey.Private, s.otaKey.Cert)
	return release.Csig{Csig: base64.StdEncoding.EncodeToString(der)}, err
}

// declareCsig adds to a shipment what the maker signs about the package of its one model.
func (s *site) declareCsig(ship shipment) (shipment, error) {
	signed, err := s.csigOf(ship.builds[polledBy])
	if err == nil {
		ship.source, err = release.DeclareCsigs(ship.source, map[string][]release.Csig{polledBy: {signed}})
	}
	return ship, err
}

// asks is what a phone knows of itself when it asks.
func (p *poller) asks() updaters.Phone {
	return updaters.Phone{Device: p.sold.Model, Channel: "stable", Kind: "NIGHTLY", Version: "22.2", Build: p.sold.Incremental,
		UTC: p.sold.UTC, Base: p.files.url + "/legacy/custota/stable", Fingerprint: p.phone.Image().Fingerprint,
		PatchLevel: time.Unix(p.sold.UTC, 0).UTC().Format("2006-01") + "-01"}
}

// signed goes on with an offer as Custota does before it tells anybody: the csig, by the maker's certificate, and metadata.pb.
// What comes back has the parts as they are signed; none is there if the phone runs the build already.
func (p *poller) signed(ctx context.Context, o updaters.Offer) ([]updaters.Offer, error) {
	resp, body, err := p.get(ctx, o.Csig, "")
	if err != nil {
		return nil, err
	}
	o, found := o.Signed(updaters.Answer{URL: o.Csig, Status: resp.StatusCode, Body: body}, p.trusted)
	if len(found) > 0 {
		return nil, fmt.Errorf("%v", found)
	}
	part, _ := o.Part(updaters.MetadataPB)
	text, err := p.piece(ctx, o.URL, part)
	if err != nil {
		return nil, err
	}
	news, found := o.Metadata(text, p.asks())
	if len(found) > 0 {
		return nil, fmt.Errorf("%v", found)
	}
	if !news {
		return nil, nil
	}
	return []updaters.Offer{o}, nil
}

// piece fetches a part of a package, and wants the bytes that are signed.
func (p *poller) piece(ctx context.Context, address string, part updaters.Part) ([]byte, error) {
	resp, body, err := p.get(ctx, address, part.Header())
	if err != nil {
		return nil, err
	}
	got := updaters.Piece{Status: resp.StatusCode, Range: resp.Header.Get("Content-Range"), Length: resp.ContentLength, Bytes: body}
	if found := part.Judge(got); len(found) > 0 {
		return nil, fmt.Errorf("%v", found)
	}
	return body, nil
}
