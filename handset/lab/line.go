// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"landed/firmware-fixtures/virtual"
)

// Remote is how a lab reaches the service.
type Remote struct {
	Plain, Secure string // addresses: http://…, https://…
	CertPEM       []byte // by which the second is known
}

// Remote is the service as a lab reaches it.
func (s *Service) Remote() Remote { return Remote{s.Plain, s.Secure, s.CertPEM} }

// client is one whose connections go to another address than they say, if through is not "". Each request has a
// connection of its own: then one connection is one transmission.
func (r Remote) client(through string) (*http.Client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(r.CertPEM) {
		return nil, errors.New("the certificate of the service cannot be read; wanted PEM")
	}
	t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	if through != "" {
		t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, through)
		}
	}
	return &http.Client{Transport: t, Timeout: 30 * time.Second}, nil
}

// held is how many of the numbers the service holds, and its answer without them.
func (r Remote) held(ctx context.Context, numbers []string) (n int, answer []byte, err error) {
	c, err := r.client("")
	if err != nil {
		return 0, nil, err
	}
	text, err := post(ctx, c, r.Secure+"/held", asked{numbers})
	if err != nil {
		return 0, nil, err
	}
	var out struct {
		Held []string `json:"held"`
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return 0, nil, fmt.Errorf("the service's answer: %w", err)
	}
	return len(out.Held), text, nil
}

func post(ctx context.Context, c *http.Client, url string, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("the service answered %d: %.200s", resp.StatusCode, text)
	}
	return text, err
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// line is the handset's way out: whatever it sends to the service goes there, by the transport of its image, through the
// lab's tap.
type line struct {
	*tap
	ctx     context.Context
	client  *http.Client
	address string
	number  string // of the SIM: a probe of the lab, or ""
	faults  []error
}

func newLine(ctx context.Context, r Remote, transport virtual.Transport) (*line, error) {
	address := r.Secure
	if transport == virtual.TransportHTTP {
		address = r.Plain
	}
	t, err := newTap(address)
	if err != nil {
		return nil, err
	}
	c, err := r.client(t.address())
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	return &line{tap: t, ctx: ctx, client: c, address: address}, nil
}

// Send implements virtual.Activation: what the handset sends to the messaging service really goes out. Its lists of apps
// go to the maker's backup, another service, which is not what these tests are about and is not here.
func (l *line) Send(_ time.Time, _ string, what ...virtual.Identifier) error {
	if !slices.ContainsFunc(what, func(w virtual.Identifier) bool { return w != virtual.AppList }) {
		return nil
	}
	in := registration{}
	for _, w := range what {
		in.Kinds = append(in.Kinds, w.String())
		if w == virtual.Number {
			in.Number = l.number
		}
	}
	_, err := post(l.ctx, l.client, l.address+"/register", in)
	l.faults = append(l.faults, err)
	return err
}

// flush waits until all that was sent has passed the tap, and says on how many connections something went so far.
func (l *line) flush() int {
	l.wait()
	sent, _ := l.seen()
	return sent
}

// close ends the line. A transmission that failed is no test: its error is returned.
func (l *line) close() error {
	l.wait()
	return errors.Join(append(l.faults, l.tap.close())...)
}
