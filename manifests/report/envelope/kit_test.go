// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
	v2 "landed/manifests/report/v2"
	v3 "landed/manifests/report/v3"
)

var comparable = cmpopts.EquateComparable(probe.Value{})

func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func bodyV1() v1.Body {
	return v1.Body{
		Schema: 1, ID: strings.Repeat("0a", 16), Seq: 3, Kind: report.KindEffect, Release: "miui-cloud-messaging-opt-in",
		Model: "armani", Variant: "armani_global", Channel: "stable", Key: fmt.Sprintf("%x", []byte(public(testKey(1)))),
		Build: "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys", BuildUTC: 1407628800, Progress: report.ProgressRunning,
		Evidence: v1.Evidence{
			Feature: 1, Migration: v1.MigrationSwitchOff, State: v1.StateOff, Origin: v1.OriginPolicy, Consent: v1.ConsentNone,
			ConsentSurface: v1.SurfaceNone, AutoGate: v1.GateClosed, Slots: []v1.Slot{{Present: true, By: v1.RegisteredByNone}},
			Transport: v1.TransportNotUsed, ObservedHours: 24,
		},
	}
}

// bodyV2 says what bodyV1 says.
func bodyV2() report.Report {
	r := bodyV1().Report()
	r.Schema, r.ID, r.Attempt = 2, "", 1
	r.Answers["consent_when"] = probe.Word("no_day")
	return r
}

// bodyV3 says the same, and opens a draw.
func bodyV3() report.Report {
	r := bodyV2()
	r.Schema, r.Draw = 3, strings.Repeat("5a", 16)
	return r
}

// version is how one version of the body is sealed.
type version struct {
	payloadType string
	body        []byte
	seal        func(testing.TB, ed25519.PrivateKey) []byte
}

var versions = map[string]version{
	"v1": {v1.PayloadType, bodyV1().Bytes(), func(t testing.TB, key ed25519.PrivateKey) []byte {
		text, err := SealV1(bodyV1(), key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}},
	"v2": {v2.PayloadType, v2.Bytes(bodyV2()), func(t testing.TB, key ed25519.PrivateKey) []byte {
		text, _, err := SealV2(bodyV2(), key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}},
	"v3": {v3.PayloadType, v3.Bytes(bodyV3()), func(t testing.TB, key ed25519.PrivateKey) []byte {
		text, _, err := Seal(bodyV3(), key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}},
}

// pae is what DSSE signs, written out: the tests do not lean on the library.
func pae(payloadType, body string) string {
	return fmt.Sprintf("DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(body), body)
}

// pack makes an envelope of anything, with a signature over signed.
func pack(payloadType, body string, key ed25519.PrivateKey, signed string) []byte {
	text, err := json.Marshal(envelope{payloadType, base64.StdEncoding.EncodeToString([]byte(body)), []signature{{
		string(report.ReferenceOf(public(key))), base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(signed))),
	}}})
	if err != nil {
		panic(err)
	}
	return text
}
