// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Statement is what an observer or a witness signed. One of Observation, Voucher and Withdraws is set.
type Statement struct {
	ID          string       `json:"id"`
	Kind        string       `json:"kind"` // "observation", "voucher", "withdrawal"
	Model       string       `json:"model"`
	Signer      string       `json:"signer"`              // key id
	Holder      string       `json:"holder,omitempty"`    // name of who signed it, if it is known
	Counts      bool         `json:"counts"`              // the feed names the signer for it, and nobody took it back
	Withdrawn   string       `json:"withdrawn,omitempty"` // why it was taken back
	By          string       `json:"by"`                  // who handed it in
	At          time.Time    `json:"at"`
	New         bool         `json:"new,omitempty"` // only from Evidence.Add: it was not there before
	Observation *Observation `json:"observation,omitempty"`
	Voucher     *Voucher     `json:"voucher,omitempty"`
	Withdraws   string       `json:"withdraws,omitempty"` // ID of the statement that is taken back
	Reason      string       `json:"reason,omitempty"`    // of a withdrawal
}

// Observation is what an observer saw of one build of a model.
type Observation struct {
	Kind    string    `json:"kind"`    // "traffic", "transport", "retention"
	Verdict string    `json:"verdict"` // "confirms", "refutes", "inconclusive"
	Release string    `json:"release"`
	Build   string    `json:"build"`
	Package string    `json:"package"` // SHA-256
	Capture string    `json:"capture"` // SHA-256
	At      time.Time `json:"at"`      // of the test
	Steps   []string  `json:"steps"`
	Seen    []string  `json:"seen"`
}

// Voucher says that an installation is a handset of a lab.
type Voucher struct {
	Installation string    `json:"installation"`
	From         time.Time `json:"from"`
	Until        time.Time `json:"until"`
	Holds        bool      `json:"holds"` // now
}

// Evidence is what outsiders signed.
type Evidence struct{ t *transport }

// Add hands in a statement, as it was signed.
func (e Evidence) Add(ctx context.Context, envelope []byte) (Statement, error) {
	var s Statement
	err := e.t.call(ctx, http.MethodPost, "/v1/evidence", envelope, &s)
	return s, err
}

// List lists observations, and what was taken back of them; model and release may be empty.
func (e Evidence) List(ctx context.Context, model, release string) ([]Statement, error) {
	var a struct {
		Statements []Statement `json:"statements"`
	}
	err := e.t.get(ctx, "/v1/evidence"+asked("model", model, "release", release), &a)
	return a.Statements, err
}

// Witnesses lists vouchers; model may be empty.
func (e Evidence) Witnesses(ctx context.Context, model string) ([]Statement, error) {
	var a struct {
		Vouchers []Statement `json:"vouchers"`
	}
	err := e.t.get(ctx, "/v1/witnesses"+asked("model", model), &a)
	return a.Vouchers, err
}

// asked is what stands behind an address: names and values, without those that are empty.
func asked(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}
