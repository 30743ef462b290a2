// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Pace is the slowest server that is waited for: at least Bytes in every Window. update_engine gives
// up below 10 bytes/s for 90 s, which a server that means harm can afford for ever.
type Pace struct {
	Bytes  int64
	Window time.Duration
}

// DefaultPace is 1 KiB/s, looked at twice a minute.
var DefaultPace = Pace{Bytes: 30 << 10, Window: 30 * time.Second}

var errSlow = errors.New("the server is slower than the minimum rate")

// newHTTPClient never touches http.DefaultClient: go-tuf's helpers and other packages share that one. It keeps no
// cookies and follows no redirects: the address of one is a string that a server chose, perhaps for this handset alone.
func newHTTPClient(t http.RoundTripper) *http.Client {
	if t == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.ResponseHeaderTimeout = 30 * time.Second
		own.MaxResponseHeaderBytes = 64 << 10
		t = own
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the answer is then one of the wrong status
	}}
}

// get asks for one file. The body may be read at no less than the configured pace; closing it ends the request.
func (c *Client) get(ctx context.Context, url string, header http.Header) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if req.Header.Get("Accept-Encoding") == "" { // or the transport would ask for gzip, and hide that it did
		req.Header.Set("Accept-Encoding", "identity") // a package has the length and the bytes that were signed for
	}
	body := &paced{pace: c.cfg.Pace, cancel: cancel}
	body.watch()
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, errors.Join(err, body.slow(), body.stop())
	}
	if enc := encoding(resp); enc != "" && enc != req.Header.Get("Accept-Encoding") {
		err := fmt.Errorf("the answer came encoded as %.20q, which was not asked for", enc)
		return nil, errors.Join(err, resp.Body.Close(), body.stop())
	}
	body.from = resp.Body
	resp.Body = body
	return resp, nil
}

// paced ends a request whose body comes too slowly, even if a single Read never returns.
type paced struct {
	pace   Pace
	from   io.ReadCloser
	cancel context.CancelCauseFunc
	timer  *time.Timer
	read   atomic.Int64 // bytes in this window
	tooLow atomic.Bool
}

func (p *paced) watch() {
	p.timer = time.AfterFunc(p.pace.Window, func() {
		if p.read.Swap(0) < p.pace.Bytes {
			p.tooLow.Store(true)
			p.cancel(errSlow)
			return
		}
		p.timer.Reset(p.pace.Window)
	})
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.read.Add(int64(n))
	if err != nil && p.tooLow.Load() { // however the transport tells it, even as a plain end
		err = errors.Join(errSlow, io.ErrUnexpectedEOF)
	}
	return n, err
}

func (p *paced) slow() error {
	if p.tooLow.Load() {
		return errSlow
	}
	return nil
}

func (p *paced) stop() error {
	p.timer.Stop()
	p.cancel(nil)
	return nil
}

func (p *paced) Close() error {
	return errors.Join(p.stop(), p.from.Close())
}

// fetcher is what go-tuf downloads with: own client, byte caps, minimum pace. Nothing is asked
// for twice in one poll but the timestamp, if the conditional request that began it brought another one.
type fetcher struct {
	ctx     context.Context
	c       *Client
	kept    map[string]fetched // what this poll has asked for already
	network error              // the last fault that says nothing about the metadata
}

type fetched struct {
	body []byte
	err  error
}

// DownloadFile implements fetcher.Fetcher of go-tuf. A timestamp is looked at before go-tuf keeps it.
func (f *fetcher) DownloadFile(url string, most int64, _ time.Duration) ([]byte, error) {
	body, err := f.once(url, most)
	if err == nil && url == f.c.metadataURL(timestampFile) {
		err = f.c.plausible(body)
	}
	if err != nil {
		return nil, err
	}
	return body, nil
}

func (f *fetcher) once(url string, most int64) ([]byte, error) {
	if kept, ok := f.kept[url]; ok && int64(len(kept.body)) <= most {
		return kept.body, kept.err
	}
	body, err := f.download(url, most)
	if err == nil || isA[*metadata.ErrDownloadHTTP](err) && f.network == nil {
		f.kept[url] = fetched{body, err}
	}
	return body, err
}

func (f *fetcher) download(url string, most int64) ([]byte, error) {
	resp, err := f.c.get(f.ctx, url, packed())
	if err != nil {
		f.network = err
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		err := &metadata.ErrDownloadHTTP{StatusCode: resp.StatusCode, URL: url}
		if resp.StatusCode != http.StatusNotFound {
			f.network = err
		}
		return nil, err
	}
	body, err := readDocument(resp, most)
	if err != nil && !errors.Is(err, errTooLong) {
		f.network = err
	}
	return body, err
}

// status is the status of an answer in our own words: the server's are for no terminal.
func status(resp *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
}

func (c *Client) metadataURL(name string) string { return c.cfg.URL + "/tuf/metadata/" + name }
func (c *Client) targetURL(stored string) string { return c.cfg.URL + "/tuf/targets/" + stored }
