// SPDX-License-Identifier: Apache-2.0

// Package adapter plays phones with the updaters of others against a deployment, through whatever stands before it.
//
// Parties: otactl asks, on behalf of whoever runs the deployment; the signed feed says what phones should be told; package
// updaters knows what their apps take. It promises that each list is asked for as the app asks, held against what the feed
// has at this moment, byte for byte, and that all faults are told, each with what a phone does about it. It refuses to
// believe a feed that is not signed from a root on, and, unless it is asked to, to fetch more of a package than its ends, its
// directory, and where its parts lie: what is in it phones check by its signature.
package adapter

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"landed/manifests"
	"landed/manifests/updaters"
)

// Options say what is played, and where.
type Options struct {
	URL    string              // of the deployment as phones reach it, such as https://ota.example
	Prefix string              // what the root of URL is of /legacy/, such as "lineageos/beta"; "" if it is the root of the server
	Kinds  []string            // types of builds that are asked for beside those of releases: what a phone calls ro.lineage.releasetype
	Root   []byte              // a root that is trusted; nil for the first that is published
	Certs  []*x509.Certificate // of phones' otacerts.zip, Custota; none for the one that signed each package, as it says itself
	Whole  bool                // each package is fetched to its end, and its digest held against what is signed
	Now    func() time.Time
}

// Played is one phone that asked.
type Played struct {
	Model    string             `json:"model"`
	Channel  string             `json:"channel"`
	Protocol manifests.Protocol `json:"protocol"`
	URL      string             `json:"url"`
	Offered  int                `json:"offered"` // packages that it would go on with
}

// Finding is something that such a phone does not take.
type Finding struct {
	Model    string             `json:"model"`
	Channel  string             `json:"channel"`
	Protocol manifests.Protocol `json:"protocol"`
	URL      string             `json:"url"`
	updaters.Fault
}

// Result is what came of it.
type Result struct {
	Snapshot int64     `json:"snapshot"` // version of the feed that was held against
	Played   []Played  `json:"played"`
	Findings []Finding `json:"findings"`
	Notes    []string  `json:"notes,omitempty"` // what was not looked at
}

// Check plays every phone of every model and channel. If the feed moves meanwhile it begins again, so that nothing is held
// against what is no longer so.
func Check(ctx context.Context, from Feed, o Options) (Result, error) {
	if u, err := url.Parse(o.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
		return Result{}, fmt.Errorf("the address is %q; wanted one such as https://ota.example", o.URL)
	}
	o.URL, o.Prefix = strings.TrimRight(o.URL, "/"), strings.Trim(o.Prefix, "/")
	for tries := 3; ; tries-- {
		shelves, err := readFeed(ctx, from, o)
		if err != nil {
			return Result{}, fmt.Errorf("what phones should be told is not known: %w", err)
		}
		c := checker{ctx: ctx, o: o, http: phoneClient(), seen: map[string]*looked{}, signedFiles: shelves.signed}
		c.Snapshot, c.Notes = shelves.version, shelves.notes
		defer c.http.CloseIdleConnections()
		for _, s := range shelves.all {
			for _, p := range s.phones(o) {
				c.play(p)
			}
		}
		if err := ctx.Err(); err != nil {
			return c.Result, fmt.Errorf("it takes longer than it may: %w", err)
		}
		if len(c.Played) == 0 {
			c.Notes = append(c.Notes, "no model has phones that poll by these protocols, or nothing is below the prefix")
		}
		if len(c.Findings) == 0 || tries == 1 || !moved(ctx, from, c.Snapshot) {
			return c.Result, nil
		}
	}
}

// checker plays phones, one after the other.
type checker struct {
	Result
	ctx  context.Context
	o    Options
	http *http.Client
	seen map[string]*looked // packages, by their address

	signedFiles map[string]int64 // length of each file that models' keys signed, by SHA-256
}

// find adds faults of a phone.
func (c *checker) find(p phone, url string, found ...updaters.Fault) {
	for _, f := range found {
		one := Finding{p.model, p.channel, p.protocol, url, f}
		if !slices.Contains(c.Findings, one) {
			c.Findings = append(c.Findings, one)
		}
	}
}

// play has a phone ask for its list, and looks at each package that it would go on with.
func (c *checker) play(p phone) {
	address := c.o.URL + p.path
	got := c.ask(address, nil, maxList, p.protocol != manifests.LineageOS2)
	c.find(p, address, got.faults...)
	if got.err != nil {
		c.find(p, address, updaters.Fault{Found: fmt.Sprintf("no answer: %v", got.err), Phone: "the app takes the check for failed"})
		return
	}
	if p.want == "" && got.status == http.StatusNotFound && p.quiet == "" && p.protocol != manifests.GrapheneOS {
		c.Played = append(c.Played, Played{p.model, p.channel, p.protocol, address, 0})
		return // no word for "nothing": it asks again
	}
	offers, found := p.read(updaters.Answer{URL: got.url, Status: got.status, Type: got.header.Get("Content-Type"), Body: got.body}, p.asker)
	c.Played = append(c.Played, Played{p.model, p.channel, p.protocol, address, len(offers)})
	c.find(p, address, found...)
	if got.status/100 != 2 {
		return
	}
	c.fresh(p, address, got)
	c.kept(p, address, got)
	if p.want != "" && len(found) == 0 && !slices.ContainsFunc(offers, func(o updaters.Offer) bool { return o.Installs }) {
		c.find(p, address, updaters.Fault{Found: "the list offers nothing that installs, and the feed has a build for everybody",
			Phone: "phones see no update"})
	}
	for _, offer := range offers {
		c.pkg(p, offer)
	}
	if p.protocol == manifests.GrapheneOS && len(offers) > 0 {
		c.missing(p, address)
	}
}

// missing asks for an incremental that nobody made, as most phones do first.
func (c *checker) missing(p phone, address string) {
	build, _, _ := strings.Cut(p.want, " ")
	at := address[:strings.LastIndexByte(address, '/')+1] + url.PathEscape(p.asker.Device+"-incremental-landed.check-"+build+".zip")
	if got := c.ask(at, nil, 1, true); got.err == nil && got.status/100 < 4 {
		c.find(p, at, updaters.Fault{Found: fmt.Sprintf("an incremental that nobody made is answered with %d, wanted 404", got.status),
			Phone: "it is taken for the incremental and refused, and the full package is never asked for"})
	}
}

// fresh holds a list against what the feed has now.
func (c *checker) fresh(p phone, address string, got answer) {
	switch {
	case p.want == "" && (p.quiet == "" || strings.TrimSpace(string(got.body)) != strings.TrimSpace(p.quiet)):
		c.find(p, address, updaters.Fault{Found: "the feed has nothing for everybody on this model and channel, and the answer is another",
			Phone: "phones may install what was halted or taken back"})
	case p.want != "" && string(got.body) != p.want:
		c.find(p, address, updaters.Fault{Found: fmt.Sprintf("the answer is not what the feed of snapshot %d has: it is older, or changed",
			c.Snapshot), Phone: "phones are told of another build than the one that is for everybody, or of one that was halted"})
	}
}

// kept looks at what caches on the way are told.
func (c *checker) kept(p phone, address string, got answer) {
	const late = "a cache on the way goes on with it, so a halt comes late"
	control := strings.ToLower(got.header.Get("Cache-Control"))
	asksEachTime := strings.Contains(control, "no-cache") || strings.Contains(control, "no-store") ||
		strings.Contains(control, "max-age=0") && !strings.Contains(strings.ReplaceAll(control, "s-maxage=0", ""), "s-maxage")
	if !asksEachTime {
		c.find(p, address, updaters.Fault{Found: fmt.Sprintf("Cache-Control is %.100q, wanted no-cache", control), Phone: late})
	}
	if encoding := got.header.Get("Content-Encoding"); encoding != "" {
		c.find(p, address, updaters.Fault{Found: fmt.Sprintf("Content-Encoding is %.50q, and none was asked for", encoding),
			Phone: "the app reads no compressed list"})
	}
	tag := got.header.Get("ETag")
	if tag == "" {
		if got.header.Get("Last-Modified") == "" {
			c.find(p, address, updaters.Fault{Found: "the answer has no ETag and no Last-Modified",
				Phone: "phones do not mind; a cache fetches the whole list each time"})
		}
		return
	}
	again := c.ask(address, http.Header{"If-None-Match": {tag}}, maxList, p.protocol != manifests.LineageOS2)
	if again.err == nil && again.status != http.StatusNotModified && string(again.body) == string(got.body) {
		c.find(p, address, updaters.Fault{Found: fmt.Sprintf("asked again with its own ETag, the answer is %d, wanted 304", again.status),
			Phone: "phones do not mind; a cache fetches the whole list each time"})
	}
}
