// SPDX-License-Identifier: Apache-2.0

package adapter

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"landed/manifests"
	"landed/manifests/updaters"
)

const userAgent = "landed-adapter-check"

// Bounds of what is asked.
const (
	maxList   = updaters.MaxList + 1 // bytes of a list
	request   = 10 * time.Second     // as the app of 2026 has it
	redirects = 5
	block     = 64 << 10 // bytes of a package in one request
	maxBlocks = 64       // of one package
)

// answer is what came back, behind the redirects that an app follows.
type answer struct {
	url    string
	status int
	header http.Header
	length int64 // -1 if it was not said
	body   []byte
	faults []updaters.Fault
	err    error
}

// phoneClient follows no redirect by itself, and unpacks nothing.
func phoneClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true
	return &http.Client{Transport: t, Timeout: request, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// ask sends GET, and reads at most limit bytes of the answer.
func (c *checker) ask(address string, header http.Header, limit int64, follow bool) (a answer) {
	for range redirects {
		a = c.once(address, header, limit)
		to := a.header.Get("Location")
		if !follow || a.err != nil || a.status/100 != 3 || to == "" {
			return a
		}
		next, err := url.Parse(a.url)
		if err == nil {
			next, err = next.Parse(to)
		}
		if err != nil {
			a.err = fmt.Errorf("a redirect to %.100q", to)
			return a
		}
		if f := updaters.Follows(a.url, next.String()); f != nil {
			a.faults = append(a.faults, *f)
			return a
		}
		address = next.String()
	}
	a.err = fmt.Errorf("more than %d redirects", redirects)
	return a
}

func (c *checker) once(address string, header http.Header, limit int64) (a answer) {
	a = answer{url: address, header: http.Header{}}
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, address, nil)
	if err != nil {
		a.err = err
		return a
	}
	if header != nil {
		req.Header = header.Clone()
	}
	req.Header.Set("User-Agent", userAgent)
	resp, err := c.http.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // its words repeat the address
		}
		a.err = err
		return a
	}
	defer resp.Body.Close()
	a.status, a.header, a.length = resp.StatusCode, resp.Header, resp.ContentLength
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, limit)); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		a.err = fmt.Errorf("the answer broke off: %w", err)
	}
	return a
}

// looked is what was seen of a package.
type looked struct {
	pkg     updaters.Package
	known   bool
	faults  []updaters.Fault
	resumed []updaters.Fault // of whoever goes on with a download, as Custota does not
	url     string           // behind the redirects
	size    int64            // bytes; 0 if that is not known
	sum     string           // SHA-256 of all of it, once it was fetched whole
	broken  error            // why it could not be
}

func (l *looked) fault(phone, format string, args ...any) {
	l.faults = append(l.faults, updaters.Fault{Found: fmt.Sprintf(format, args...), Phone: phone})
}

const (
	cannotFetch = "the phone cannot fetch the package"
	refusesIt   = "the phone fetches the package and then refuses it"
)

// pkg holds a package against what was said of it.
func (c *checker) pkg(p phone, offer updaters.Offer) {
	l, is := c.seen[offer.URL]
	if !is {
		l = c.look(offer.URL)
		c.seen[offer.URL] = l
	}
	c.find(p, offer.URL, l.faults...)
	if c.o.Whole {
		c.whole(p, offer, l)
	}
	goes := true
	if p.protocol == manifests.Custota {
		offer, goes = c.signed(p, offer, l)
	} else {
		c.find(p, offer.URL, l.resumed...)
	}
	if l.known && goes {
		c.find(p, offer.URL, offer.Against(l.pkg)...)
	}
}

// look fetches of a package what a phone fetches first, and each way in which it goes on.
func (c *checker) look(address string) *looked {
	whole := c.ask(address, nil, 1, true)
	l := &looked{faults: whole.faults}
	switch {
	case whole.err != nil:
		l.fault(cannotFetch, "no answer: %v", whole.err)
		return l
	case whole.status != http.StatusOK:
		l.fault(cannotFetch, "the package is answered with %d, wanted 200", whole.status)
		return l
	case whole.length < 1:
		l.fault("the app knows no end of the download, and cannot go on with it", "the package comes without a Content-Length")
		return l
	}
	l.url, l.size = whole.url, whole.length
	c.resume(l, address, whole.length)
	remote := &remote{c: c, url: address, size: whole.length, blocks: map[int64][]byte{}}
	var err error
	if l.pkg, err = updaters.ReadPackage(remote, whole.length); err != nil && len(remote.faults) == 0 {
		l.fault(refusesIt, "%v", err)
	}
	l.known = err == nil
	l.faults = append(l.faults, remote.faults...)
	return l
}

// resume goes on with a download near its end, and at its end.
func (c *checker) resume(l *looked, address string, size int64) {
	span := updaters.Span{From: size - min(size, 1_000), To: size - 1, Total: size}
	if got := c.ask(address, http.Header{"Range": {span.Rest()}}, block, true); got.err == nil {
		l.resumed = append(l.resumed, span.Judge(got.status, got.header.Get("Content-Range"), int64(len(got.body)))...)
	} else {
		l.fault(cannotFetch, "no answer to %s: %v", span.Rest(), got.err)
	}
	if got := c.ask(address, http.Header{"Range": {fmt.Sprintf("bytes=%d-", size)}}, 1, true); got.err == nil {
		l.resumed = append(l.resumed, updaters.Complete(got.status)...)
	}
}

// remote is a package of which blocks are fetched as they are wanted.
type remote struct {
	c      *checker
	url    string
	size   int64
	blocks map[int64][]byte
	faults []updaters.Fault
}

// ReadAt implements io.ReaderAt.
func (r *remote) ReadAt(into []byte, at int64) (n int, err error) {
	for n < len(into) {
		if at >= r.size {
			return n, io.EOF
		}
		text, err := r.block(at / block)
		if err != nil {
			return n, err
		}
		copied := copy(into[n:], text[at%block:])
		n, at = n+copied, at+int64(copied)
	}
	return n, nil
}

func (r *remote) block(i int64) ([]byte, error) {
	if text := r.blocks[i]; text != nil {
		return text, nil
	}
	if len(r.blocks) == maxBlocks {
		return nil, fmt.Errorf("its directory takes more than %d KiB to read, which no phone minds and this check does", maxBlocks*block>>10)
	}
	span := updaters.Span{From: i * block, To: min((i+1)*block, r.size) - 1, Total: r.size}
	got := r.c.ask(r.url, http.Header{"Range": {span.Header()}}, block, true)
	if got.err != nil {
		return nil, got.err
	}
	if found := span.Judge(got.status, got.header.Get("Content-Range"), int64(len(got.body))); len(found) > 0 {
		r.faults = append(r.faults, found...)
		return nil, errors.New("a part of it does not come as it should")
	}
	r.blocks[i] = got.body
	return got.body, nil
}
