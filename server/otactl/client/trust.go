// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/http"
	"time"

	"landed/manifests/tufrepo"
)

// TrustStatus is what is published: when each role expires, and who signs those that people sign.
type TrustStatus struct {
	Expires map[string]time.Time `json:"expires"` // by role
	Roles   []TrustRole          `json:"roles"`   // root, targets, then the models
}

// TrustRole is one published role that people sign, and who does.
type TrustRole struct {
	Role     string    `json:"role"`
	Version  int64     `json:"version"`
	Expires  time.Time `json:"expires"`
	Need     int       `json:"need"`      // signatures
	Holders  []string  `json:"holders"`   // who may sign: names, or the first 12 digits of key ids
	SignedBy []string  `json:"signed_by"` // who signed what is published
}

// Trust is the offline metadata of a server.
type Trust struct{ t *transport }

// Import hands in signed offline metadata; what changed is told in words.
func (tr Trust) Import(ctx context.Context, bundle tufrepo.Bundle) ([]string, error) {
	var a struct {
		Changed []string `json:"changed"`
	}
	err := tr.t.call(ctx, http.MethodPost, "/v1/trust", bundle.Bytes(), &a)
	return a.Changed, err
}

// Status tells when each role expires, and who signs.
func (tr Trust) Status(ctx context.Context) (TrustStatus, error) {
	var a TrustStatus
	err := tr.t.get(ctx, "/v1/trust", &a)
	return a, err
}
