// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// answer is what a page says, ready to be sent to all who ask while it stands.
type answer struct {
	view  view
	whole string // the ETag of all of it
	body  body
	day   *Day // that it is of; nil: now
	size  int  // in bytes, of all that is made of it while it is kept, at most

	moment      // when what it was made from was read
	timed  bool // it says how long something lasts yet
}

// etag is that of what a reader asked for of it.
func (a *answer) etag(which string) string {
	if which == "" {
		return a.whole
	}
	return etagOf(a.whole, which)
}

// etagOf is that of these parts together. It is weak: "as of" may be another.
func etagOf[T string | []byte](parts ...T) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return `W/"` + hex.EncodeToString(h.Sum(nil)[:12]) + `"`
}

// body is what is sent of an answer, plain and small.
type body struct {
	of           *answer // that it is of; nil while it is computed
	mu           sync.Mutex
	at           time.Time // of the past: of which moment it is
	facts        []byte    // of JSON: the moment of asking is put before them, a second at a time
	second       time.Time
	made         func(time.Time) []byte // of another form; nil of pages and JSON
	before       []byte                 // of a page: what stands around the moment of asking, which is put in a minute at a time
	after        []byte
	plain, small []byte
}

// html renders a page; here is its address, without what links put before it.
func (b *body) html(p *responder, page, here string, v view) error {
	var out bytes.Buffer
	whole := shown{Notice: p.notice, Languages: p.inOthers(here), AsOf: b.moment(p), Live: dayOf(v) == nil, View: v}
	if err := p.pages.Render(&out, page, whole); err != nil {
		return err
	}
	b.plain, b.second = bytes.Clone(out.Bytes()), whole.AsOf.Truncate(time.Minute)
	if from := bytes.Index(b.plain, []byte(asOfElement)); from >= 0 {
		const end = "</time>"
		to := from + bytes.Index(b.plain[from:], []byte(end)) + len(end)
		b.before, b.after = b.plain[:from], b.plain[to:]
	}
	return nil
}

// says is all of a page but of when it is.
func (b *body) says() (before, after []byte) {
	if b.before == nil {
		return b.plain, nil
	}
	return b.before, b.after
}

// asOfElement begins what layout.html says of when the figures are.
const asOfElement = `<time id="asof"`

// moved puts another moment into a page.
func (b *body) moved(p *responder, at time.Time) []byte {
	is, err := p.pages.AsOf(at)
	if err != nil {
		panic(err) // it was written with the page
	}
	return slices.Concat(b.before, is, b.after)
}

// moment is of when it is. While an answer is given again although something may have changed, that is when it was computed;
// after that it was made sure that nothing has.
func (b *body) moment(p *responder) time.Time {
	switch {
	case !b.at.IsZero():
		return b.at
	case b.of != nil && time.Since(b.of.began) < b.of.fresh:
		return b.of.asOf
	}
	return p.now()
}

// bytes are made when first asked for, small ones apart; JSON once for each second.
func (b *body) bytes(p *responder, small bool) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.moment(p)
	if second := now.Truncate(time.Second); b.facts != nil && !second.Equal(b.second) {
		b.second, b.plain, b.small = second, p.stamp(b.facts, now), nil
	}
	if minute := now.Truncate(time.Minute); !minute.Equal(b.second) {
		switch {
		case b.made != nil:
			b.second, b.plain, b.small = minute, b.made(now), nil
		case b.before != nil:
			b.second, b.plain, b.small = minute, b.moved(p, now), nil
		}
	}
	if !small {
		return b.plain
	}
	if b.small == nil {
		var out bytes.Buffer
		w, _ := gzip.NewWriterLevel(&out, 5)
		_, _ = w.Write(b.plain) // a buffer takes all
		_ = w.Close()
		b.small = bytes.Clone(out.Bytes())
	}
	return b.small
}
