// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxBody bounds a request to the service.
const maxBody = 64 << 10

// Service stands in for the maker's messaging service: an HTTP server that handsets register with, in clear and under
// TLS. As the real one did, it keeps the numbers that it is sent; they stay in its memory, and nothing but the question
// for numbers that the asker knows already gives one away. It is safe for concurrent use.
type Service struct {
	Plain, Secure string // addresses: http://…, https://…
	CertPEM       []byte // by which the second is known

	servers []*http.Server
	mu      sync.Mutex
	numbers map[string]bool
	came    Truth
}

// registration is what a handset sends.
type registration struct {
	Kinds  []string `json:"kinds"`
	Number string   `json:"number,omitempty"` // a probe of the lab, never one of a person
}

// asked is what an auditor asks: which of these numbers are held still?
type asked struct {
	Numbers []string `json:"numbers"`
}

// NewService listens on two ports of host, 127.0.0.1 for a lab on one machine; port 0 takes any. Close ends it.
func NewService(host string, plainPort, securePort int) (*Service, error) {
	s := &Service{numbers: map[string]bool{}}
	cert, err := s.certificate(host)
	if err != nil {
		return nil, err
	}
	for _, port := range []int{plainPort, securePort} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second,
			TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}}
		secure := len(s.servers) == 1
		s.servers = append(s.servers, server)
		if secure {
			s.Secure = "https://" + l.Addr().String()
			go server.ServeTLS(l, "", "")
		} else {
			s.Plain = "http://" + l.Addr().String()
			go server.Serve(l)
		}
	}
	return s, nil
}

// Close ends the service, and with it all that it kept.
func (s *Service) Close() (err error) {
	for _, server := range s.servers {
		err = errors.Join(err, server.Close())
	}
	return err
}

// certificate makes one that the lab's handsets trust, and nobody else.
func (s *Service) certificate(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true}
	if ip := net.ParseIP(host); ip != nil {
		t.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	s.CertPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// ServeHTTP has three doors: POST /register of handsets, POST /held of auditors, and DELETE /numbers of whoever runs the
// service, who then holds none any more.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "POST /register":
		var in registration
		if !read(w, r, &in) {
			return
		}
		if in.Number != "" {
			s.numbers[in.Number] = true
		}
		if r.TLS != nil {
			s.came.Encrypted++
		} else {
			s.came.Clear++
		}
		w.WriteHeader(http.StatusNoContent)
	case "POST /held":
		var in asked
		if !read(w, r, &in) {
			return
		}
		held := slices.DeleteFunc(slices.Clone(in.Numbers), func(n string) bool { return !s.numbers[n] })
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string][]string{"held": held}) // whoever asked is gone
	case "DELETE /numbers":
		clear(s.numbers)
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, "wanted POST /register, POST /held or DELETE /numbers", http.StatusNotFound)
	}
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(into)
	if err != nil {
		http.Error(w, "this is no JSON: "+err.Error(), http.StatusBadRequest)
	}
	return err == nil
}
