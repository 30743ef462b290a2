// SPDX-License-Identifier: Apache-2.0

package tufrepo

import "encoding/json"

// The JSON of TUF 1.0 (specification, section 4), closed: exactly these fields.

const specVersion = "1.0.31"

type envelope struct {
	Signatures []wireSignature `json:"signatures"`
	Signed     json.RawMessage `json:"signed"`
}

type wireSignature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

type header struct {
	Type        string `json:"_type"`
	SpecVersion string `json:"spec_version"`
	Version     int64  `json:"version"`
	Expires     string `json:"expires"`
}

type wireRoot struct {
	header
	Consistent bool                `json:"consistent_snapshot"`
	Keys       map[string]Key      `json:"keys"`
	Roles      map[string]wireRole `json:"roles"`
}

type wireRole struct {
	KeyIDs    []string `json:"keyids"`
	Threshold int      `json:"threshold"`
}

type wireTargets struct {
	header
	Targets     map[string]wireTarget `json:"targets"`
	Delegations *wireDelegations      `json:"delegations,omitempty"`
}

type wireTarget struct {
	Length int64           `json:"length"`
	Hashes wireHashes      `json:"hashes"`
	Custom json.RawMessage `json:"custom,omitempty"`
}

type wireHashes struct {
	SHA256 string `json:"sha256"`
}

type wireDelegations struct {
	Keys  map[string]Key      `json:"keys"`
	Roles []wireDelegatedRole `json:"roles"`
}

type wireDelegatedRole struct {
	Name        string   `json:"name"`
	KeyIDs      []string `json:"keyids"`
	Threshold   int      `json:"threshold"`
	Terminating bool     `json:"terminating"`
	Paths       []string `json:"paths"`
}

type wireMeta struct { // snapshot and timestamp
	header
	Meta  map[string]wireMetaFile `json:"meta"`
	Heads map[string]wireHead     `json:"landed_heads,omitempty"` // of a snapshot
}

type wireHead struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

type wireMetaFile struct {
	Version int64       `json:"version"`
	Length  int64       `json:"length,omitempty"`
	Hashes  *wireHashes `json:"hashes,omitempty"`
}
