// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"
)

// files is a plain file server over a feed folder, over TLS, as phones with other updaters want it. It knows nothing of Landed.
type files struct {
	url    string
	http   *http.Server
	trusts *x509.CertPool // what its phones are sold with
	asked  atomic.Int64   // requests
	feed   atomic.Pointer[http.Handler]
}

// serveFiles listens on a free port, and has no files until it is given a folder.
func serveFiles() (*files, error) {
	cert, err := selfSigned()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &files{url: "https://" + l.Addr().String(), trusts: x509.NewCertPool()}
	f.trusts.AddCert(cert.Leaf)
	f.http = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}}
	go func() { _ = f.http.ServeTLS(l, "", "") }()
	return f, nil
}

// of gives away the folder of a data folder.
func (f *files) of(dataDir string) {
	dir := filepath.Join(dataDir, "feed")
	mux := http.NewServeMux()
	mux.Handle("/tuf/", http.StripPrefix("/tuf/", http.FileServer(http.Dir(dir))))
	mux.Handle("/legacy/", http.FileServer(http.Dir(dir)))
	var h http.Handler = mux
	f.feed.Store(&h)
}

// ServeHTTP implements http.Handler.
func (f *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked.Add(1)
	if h := f.feed.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// client is the network of a phone, which follows no redirect.
func (f *files) client() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: f.trusts, MinVersion: tls.VersionTLS12}, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// selfSigned is a certificate for this machine, for a day.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "demo"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(day), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("a certificate for the file server: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
