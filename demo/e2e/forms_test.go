// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	v1 "landed/manifests/report/v1"
	v2 "landed/manifests/report/v2"
)

// installation is the key of an installation, the same for the same name.
func installation(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicKey(name string) string { return fmt.Sprintf("%x", installation(name).Public()) }

// waiting is an honest report of an armani that waits for the patch.
func waiting(name string, seq int64) []byte {
	b := sold()
	return v2.Bytes(report.Report{
		Key: publicKey(name), Seq: seq, Kind: report.KindBaseline, Release: releaseName, Model: b.Model, Variant: b.Variant,
		Channel: "stable", Build: report.BuildOther, Progress: report.ProgressKnown,
		Answers: probe.Answers{
			"feature": probe.Int(0), "state": probe.Word("off"), "origin": probe.Word("factory_default"),
			"consent": probe.Word("none"), "consent_when": probe.Word("no_day"), "auto_gate": probe.Word("open"),
			"slot_1": probe.Word("absent"), "slot_2": probe.Word("absent"), "attempts_setup": probe.Int(0),
			"attempts_build": probe.Int(0), "lookups_off": probe.Int(0), "boot": probe.Bool(true),
			"sim_ready": probe.Bool(false), "data_up": probe.Bool(false), "observed_hours": probe.Int(0),
			"transport": probe.Word("not_used"),
		},
	})
}

// waitingV1 is the same of a handset that was sold with the first version of reports.
func waitingV1(name string, seq int64) []byte {
	b := sold()
	id := sha256.Sum256(fmt.Appendf(nil, "%s %d", name, seq))
	return v1.Body{
		Schema: v1.Schema, ID: fmt.Sprintf("%x", id[:16]), Key: publicKey(name), Seq: seq, Kind: report.KindBaseline,
		Release: releaseName, Model: b.Model, Variant: b.Variant, Channel: "stable", Build: report.BuildOther,
		Progress: report.ProgressKnown,
		Evidence: v1.Evidence{
			Migration: v1.MigrationNotApplicable, State: v1.StateOff, Origin: v1.OriginFactoryDefault,
			Consent: v1.ConsentNone, ConsentSurface: v1.SurfaceNone, AutoGate: v1.GateOpen,
			Slots: []v1.Slot{{By: v1.RegisteredByNone}}, Transport: v1.TransportNotUsed,
		},
	}.Bytes()
}

var sold = sync.OnceValue(func() fixtures.Build {
	b, err := fixtures.BuildOf("armani", fixtures.Unpatched)
	if err != nil {
		panic(err) // the build is part of the program
	}
	return b
})

// signed signs any body, also one that envelope.Seal would refuse (DSSE, pre-authentication encoding).
func signed(body []byte, kind string, named, by ed25519.PrivateKey) []byte {
	pae := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(body), body)
	text := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `{"payloadType":%q,"payload":%q,"signatures":[{"keyid":%q,"sig":%q}]}`,
		kind, text(body), string(report.ReferenceOf(named.Public().(ed25519.PublicKey))), text(ed25519.Sign(by, pae)))
}

// sealed signs what bend makes of an honest body.
func sealed(name string, seq int64, bend func(body string) string) []byte {
	body := []byte(bend(string(waiting(name, seq))))
	return signed(body, v2.PayloadType, installation(name), installation(name))
}

func sealedV1(name string, seq int64, bend func(body string) string) []byte {
	body := []byte(bend(string(waitingV1(name, seq))))
	return signed(body, v1.PayloadType, installation(name), installation(name))
}

func asIs(body string) string { return body }

func replacing(from, to string) func(string) string {
	return func(body string) string {
		if !strings.Contains(body, from) {
			panic("no report has " + from)
		}
		return strings.Replace(body, from, to, 1)
	}
}

// forms are the ways in which a report can be written.
var forms = map[string]func(name string, seq int64) []byte{
	"good":          bent(sealed, asIs),
	"good-v1":       bent(sealedV1, asIs),
	"wrong-type":    bent(sealed, replacing(`"seq":`, `"seq":"1","x":`)),
	"out-of-range":  bent(sealed, replacing(`"attempts_setup":0`, `"attempts_setup":-1`)),
	"no-bucket":     bent(sealed, replacing(`"attempts_setup":0`, `"attempts_setup":7`)),
	"unknown-word":  bent(sealed, replacing(`"state":"off"`, `"state":"+8613800138000"`)),
	"unasked":       bent(sealed, replacing(`"auto_gate":`, `"apps":12,"auto_gate":`)),
	"unknown-field": bent(sealed, replacing(`{"schema"`, `{"imei":"490154203237518","schema"`)),
	"field-twice":   bent(sealed, replacing(`"model":`, `"model":"490154203237518","model":`)),
	"blanks":        bent(sealed, replacing(`{`, `{ `)),
	"other-model":   bent(sealed, replacing(`"model":"armani"`, `"model":"nexus"`)),
	"other-release": bent(sealed, replacing(releaseName, "no-such-release")),
	"other-build": bent(sealed, replacing(`"build":"other","build_utc":0`,
		`"build":"Xiaomi/armani/armani:4.3/JLS36C/JHCMIBZ99.0:user/release-keys","build_utc":1404817200`)),
	"number-for-build": bent(sealed, replacing(`"build":"other","build_utc":0`,
		`"build":"Xiaomi/armani/armani:4.3/JLS36C/490154203237518:user/release-keys","build_utc":1404817200`)),
	"other-content": bent(sealedV1, replacing(`"state":"off"`, `"state":"on"`)), // under the same id
	"huge-seq":      bent(sealed, replacing(`"seq":`, `"seq":8613800138`)),
	"empty":         func(string, int64) []byte { return nil },
	"truncated":     func(name string, seq int64) []byte { all := sealed(name, seq, asIs); return all[:len(all)/2] },
	"oversized": func(name string, seq int64) []byte {
		return append(sealed(name, seq, asIs), make([]byte, envelope.MaxBytes)...)
	},
	"forged": func(name string, seq int64) []byte {
		return signed(waiting(name, seq), v2.PayloadType, installation(name), installation("somebody else"))
	},
	"tampered": func(name string, seq int64) []byte {
		text := base64.StdEncoding.EncodeToString
		good, bad := text(waiting(name, seq)), text(waiting(name, seq+1))
		return bytes.Replace(sealed(name, seq, asIs), []byte(good), []byte(bad), 1)
	},
	"other-payload": func(name string, seq int64) []byte {
		return signed(waiting(name, seq), "application/vnd.in-toto+json", installation(name), installation(name))
	},
	"future": func(name string, seq int64) []byte {
		body := replacing(`"schema":2`, `"schema":4`)(string(waiting(name, seq)))
		return signed([]byte(body), "application/vnd.landed.report.v4+json", installation(name), installation(name))
	},
}

func bent(
	seal func(name string, seq int64, bend func(string) string) []byte, bend func(string) string,
) func(name string, seq int64) []byte {
	return func(name string, seq int64) []byte { return seal(name, seq, bend) }
}
