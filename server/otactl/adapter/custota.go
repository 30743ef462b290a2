// SPDX-License-Identifier: Apache-2.0

package adapter

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"

	"landed/manifests"
	"landed/manifests/shelf"
	"landed/manifests/updaters"
)

// maxPart is how many bytes of a part are fetched, to hold them against the digest that is signed. Of a longer one, such as
// payload.bin, the answer is looked at and not read.
const maxPart = 1 << 20

// signed has a phone with Custota go on with an offer: the csig, by whom phones trust, and each part by its digest. What comes
// back has the parts as they are signed; ok is false if the phone stops before.
func (c *checker) signed(p phone, offer updaters.Offer, l *looked) (updaters.Offer, bool) {
	got := c.ask(offer.Csig, nil, updaters.MaxCsig+1, true)
	c.find(p, offer.Csig, got.faults...)
	if got.err != nil {
		c.find(p, offer.Csig, updaters.Fault{Found: fmt.Sprintf("no answer: %v", got.err), Phone: "the app says that the check failed"})
		return offer, false
	}
	if want, is := p.csigs[offer.Csig]; is && got.status/100 == 2 && string(got.body) != want {
		c.find(p, offer.Csig, updaters.Fault{Found: fmt.Sprintf("the csig is not the one that the feed of snapshot %d has", c.Snapshot),
			Phone: "phones hold the package against what was signed of it at another time, or of another package"})
	}
	trusted := c.o.Certs
	if len(trusted) == 0 {
		by := l.pkg.Signer
		switch {
		case by == nil && l.known:
			c.find(p, offer.URL, updaters.Fault{Found: "the package has no signature behind the zip, which would say by whom its csig must " +
				"be signed", Phone: "recovery refuses it, and update_engine what is signed by nobody"})
			return offer, false
		case by == nil: // what is wrong with the package is told already; its parts are asked for all the same
			by = updaters.BroughtAlong(got.body)
		}
		if by != nil {
			trusted = []*x509.Certificate{by}
		}
	}
	offer, found := offer.Signed(updaters.Answer{URL: got.url, Status: got.status, Body: got.body}, trusted)
	c.find(p, offer.Csig, found...)
	if len(offer.Parts) == 0 {
		return offer, false
	}
	c.parts(p, offer)
	return offer, true
}

// parts fetches the parts that the app fetches, and asks for the payload as update_engine does.
func (c *checker) parts(p phone, offer updaters.Offer) {
	for _, name := range []string{updaters.MetadataPB, updaters.PayloadMetadata, updaters.CareMap, updaters.Properties, updaters.Payload} {
		part, is := offer.Part(name)
		if !is {
			continue // phones do without a care map
		}
		text, found := c.part(offer.URL, part)
		c.find(p, offer.URL, found...)
		if len(found) > 0 || text == nil {
			continue
		}
		switch name {
		case updaters.MetadataPB:
			_, found = offer.Metadata(text, p.asker)
		case updaters.Properties:
			found = offer.Properties(text)
		}
		c.find(p, offer.URL, found...)
	}
}

// part asks for a part as Android's client does, which takes gzip unasked; text is nil if it is too long to be fetched here.
func (c *checker) part(address string, part updaters.Part) (text []byte, found []updaters.Fault) {
	limit := part.Size + 1
	if part.Size > maxPart || part.Name == updaters.Payload {
		limit = 1
	}
	got := c.ask(address, http.Header{"Range": {part.Header()}, "Accept-Encoding": {"gzip"}}, limit, true)
	if got.err != nil {
		return nil, []updaters.Fault{{Found: fmt.Sprintf("no answer to %s: %v", part.Header(), got.err), Phone: cannotFetch}}
	}
	piece := updaters.Piece{Status: got.status, Range: got.header.Get("Content-Range"), Length: got.length}
	if got.header.Get("Content-Encoding") != "" {
		piece.Length = -1
	}
	if limit > 1 {
		piece.Bytes = got.body
	}
	return piece.Bytes, append(got.faults, part.Judge(piece)...)
}

// custotas are the phones that ask at an address: one of which nothing is known, and one that runs each build from which an
// incremental leads on, by what the feed has.
func (s shelfOf) custotas(p phone, file string, o Options) (all []phone) {
	folder := p.path[:strings.LastIndexByte(p.path, '/')]
	p.asker.Base, p.csigs = o.URL+folder, map[string]string{}
	for _, f := range s.files {
		if rest, is := strings.CutPrefix(f.Path, file[:strings.LastIndexByte(file, '/')+1]); is && f.Type == shelf.Binary {
			p.csigs[o.URL+folder+"/"+rest] = f.Content()
		}
	}
	all = []phone{p}
	for _, vbmeta := range updaters.CustotaSources([]byte(p.want)) {
		p.asker.VBMeta = vbmeta
		all = append(all, p)
	}
	return all
}

// custota is the phone that the update info of a device is for.
func (s shelfOf) custota(parts []string, p phone) (phone, bool) {
	device, is := strings.CutSuffix(parts[len(parts)-1], ".json")
	p.protocol, p.read, p.asker.Device = manifests.Custota, updaters.Custota, device
	return p, is && len(parts) == 3
}
