// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"landed/server/fleet"
	"landed/web"
)

// News is what happened to releases and rollouts, newest first: the feed /feed.atom, to which people subscribe.
type News struct {
	Events []NewsEvent `json:"events"`
}

// NewsEvent is one thing that happened.
type NewsEvent struct {
	Mark
	Words string `json:"words"`
	Path  string `json:"path"` // of the page that it is about
}

// newsMost bounds a feed: who subscribes asks far more often than so much happens.
const newsMost = 50

// newsPages answer with what happened.
type newsPages struct {
	says describer
	load func(context.Context, func(fleet.Tx, *snapshot) error) error
}

func (p newsPages) show(r *http.Request) (view, error) {
	v := &News{Events: []NewsEvent{}}
	err := p.load(r.Context(), func(tx fleet.Tx, snap *snapshot) error {
		marks, err := happened{releases: snap.releases, too: []string{"hold", "release"}}.marks(r.Context(), tx)
		if err != nil {
			return err
		}
		marks = heldOnce(marks)
		marks = marks[max(0, len(marks)-newsMost):]
		words := p.says.chronicle().marked(&Series{Marks: marks})
		for i, m := range slices.Backward(marks) {
			e := NewsEvent{m, words[i].Words, p.says.links.To("/releases/" + url.PathEscape(m.Release))}
			if m.Model != "" {
				e.Path = p.says.links.To("/models/" + p.says.unreleased(m.Model).Role)
			}
			v.Events = append(v.Events, e)
		}
		return nil
	})
	return v, err
}

// heldOnce leaves of the holds of a rollout those that stopped it: while it is held, each new number that it is held for is another
// one on record.
func heldOnce(marks []Mark) (all []Mark) {
	was := map[string]string{} // what happened last to a rollout
	for _, m := range marks {
		if m.What != "hold" || was[m.Rollout] != "hold" {
			all = append(all, m)
		}
		was[m.Rollout] = m.What
	}
	return all
}

// The elements of RFC 4287 that a feed of ours has.
type (
	atomFeed struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		Lang    string      `xml:"xml:lang,attr"`
		ID      string      `xml:"id"`
		Title   string      `xml:"title"`
		Updated string      `xml:"updated"`
		Links   []atomLink  `xml:"link"`
		Author  string      `xml:"author>name"`
		Entries []atomEntry `xml:"entry"`
	}
	atomEntry struct {
		ID      string   `xml:"id"`
		Title   string   `xml:"title"`
		Updated string   `xml:"updated"`
		Link    atomLink `xml:"link"`
		Content string   `xml:"content"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr,omitempty"`
		Type string `xml:"type,attr,omitempty"`
		Href string `xml:"href,attr"`
	}
)

// atomOf writes a feed. Its links are whole addresses if the server was told its own: many readers resolve no others. Else they are
// relative to the feed (RFC 4287, 4.2.7.1). Ids follow from what happened, so that no event is told twice, whatever the language and
// the address.
func atomOf(p *responder, v view, _ time.Time) []byte {
	news := v.(*News)
	feed := atomFeed{Lang: p.locale.Tag, ID: urn("news"), Title: p.locale.Say("feed.title", nil), Author: p.locale.Say("site.name", nil),
		Updated: time.Unix(0, 0).UTC().Format(time.RFC3339),
		Links: []atomLink{{"self", "application/atom+xml", p.origin + p.links.To("/feed.atom")},
			{"alternate", "text/html", p.origin + p.links.To("/")}}}
	for i, e := range news.Events {
		at := e.At.UTC().Format(time.RFC3339)
		if i == 0 {
			feed.Updated = at
		}
		words := web.Plain(e.Words)
		content := p.locale.Sentences(words+p.locale.Mark("stop"), p.locale.When(e.At))
		feed.Entries = append(feed.Entries, atomEntry{urn(fmt.Sprint(e.At.UnixMilli(), e.What, e.Release, "/", e.Rollout)), words, at,
			atomLink{"alternate", "text/html", p.origin + e.Path}, content})
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	if err := xml.NewEncoder(&out).Encode(feed); err != nil {
		panic(err) // texts into a buffer
	}
	return out.Bytes()
}

// urn is an id that anybody computes alike (RFC 4122, version 8 of RFC 9562).
func urn(of string) string {
	sum := sha256.Sum256([]byte("landed " + of))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// originOf is the scheme and the host of an address; "" if it is none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
