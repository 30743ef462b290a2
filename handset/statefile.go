// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"landed/manifests/report"
)

// stateSchema is the version of the state file. Older ones are read for ever; a later one is left alone.
const stateSchema = 2

// savedState is everything that outlives the process, in one file that is replaced as a whole. Nothing in it was
// chosen by a server, but for what keys have signed.
//
// Each part has one owner, which changes it and gives it to nobody. The parts are embedded here, and nowhere else, so
// that the file is flat, as it was from the first version on.
type savedState struct {
	Schema int `json:"schema"`
	installation
	standing             // of machine
	Time     trustedTime `json:"trusted_time"` // of clock
	lastPoll             // of feed
	plan                 // of Client
	mirrors              // its own
	attempts             // its own
	subject              // of reporter
	epochs               // its own, too
	Ahead    ahead       `json:"ahead,omitzero"` // and this
	asked                // of questions
	queue                // of outbox
}

// installation is one set-up of a handset; a factory reset begins another.
type installation struct {
	Seed   []byte `json:"seed"`   // Ed25519 seed
	Secret []byte `json:"secret"` // for the draws; never leaves the handset
}

// newInstallation draws a key and a secret.
func newInstallation(random io.Reader) (installation, error) {
	i := installation{Seed: make([]byte, ed25519.SeedSize), Secret: make([]byte, 16)}
	_, err := io.ReadFull(random, i.Seed)
	if err == nil {
		_, err = io.ReadFull(random, i.Secret)
	}
	return i, err
}

func (i *installation) key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(i.Seed) }

func (i *installation) reference() report.Reference {
	return report.ReferenceOf(i.key().Public().(ed25519.PublicKey))
}

// errDamaged says that a state file is none that any program wrote, such as one of zeros after a power cut.
var errDamaged = errors.New("it is damaged")

// readState reads a state file of this version or an older one. It is damaged, or of a later version.
func readState(text []byte) (savedState, error) {
	var members map[string]json.RawMessage
	var head struct{ Schema int }
	if err := errors.Join(json.Unmarshal(text, &members), json.Unmarshal(text, &head)); err != nil {
		return savedState{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	switch {
	case head.Schema > stateSchema:
		return savedState{}, fmt.Errorf("it is of version %d, and this program reads up to %d; start the newer program "+
			"again, or else a factory reset makes a new one", head.Schema, stateSchema)
	case head.Schema < 1:
		return savedState{}, fmt.Errorf("%w: it is of no version", errDamaged)
	case head.Schema == 1: // had the tags of servers in etag and part, and called the trusted time a watch
		members["trusted_time"] = members["watch"]
		for _, gone := range []string{"watch", "etag", "part", "doc"} {
			delete(members, gone)
		}
		members["schema"] = []byte(fmt.Sprint(stateSchema))
		var err error
		if text, err = json.Marshal(members); err != nil {
			return savedState{}, fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	var s savedState
	if err := json.Unmarshal(text, &s); err != nil {
		return savedState{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if len(s.Seed) != ed25519.SeedSize || next[s.State] == nil {
		return savedState{}, fmt.Errorf("%w: it holds no installation", errDamaged)
	}
	s.Named = cmp.Or(s.Named, s.Running) // programs before knew of the present release alone
	s.lookAgain()
	return s, nil
}

// lookAgain lets this program look at what the last one may not have known: at what is offered, and at a manifest that
// asks nothing, for so is kept one that was not understood.
func (s *savedState) lookAgain() {
	unread := s.AskOf != "" && len(s.Ask.Probes) == 0
	if unread || s.Needs != "" {
		s.Validator = ""
	}
	if unread {
		s.AskOf = ""
	}
	if s.Ahead.AskOf != "" && len(s.Ahead.Ask.Probes) == 0 {
		s.Validator, s.Ahead.AskOf = "", ""
	}
}
