// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/manifests/report/v1"
	"landed/server/fleet"
	"landed/server/published"
)

// handset makes an installation and its reports, judged as intake judges them.
type handset struct {
	key ed25519.PrivateKey
	ref report.Reference
}

func newHandset(n uint64) handset {
	seed := make([]byte, ed25519.SeedSize)
	binary.BigEndian.PutUint64(seed, n)
	key := ed25519.NewKeyFromSeed(seed)
	return handset{key, report.ReferenceOf(key.Public().(ed25519.PublicKey))}
}

func baseline(seq int64) v1.Body {
	return v1.Body{
		Schema: 1, ID: fmt.Sprintf("%032x", seq), Seq: seq, Kind: report.KindBaseline, Release: releaseName, Model: "armani",
		Variant: "armani", Channel: "stable", Build: "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBF44.0:user/release-keys",
		BuildUTC: 1404000000, Progress: report.ProgressKnown,
		Evidence: v1.Evidence{
			Migration: v1.MigrationNotApplicable, State: v1.StateOn, Origin: v1.OriginAuto, Consent: v1.ConsentNone, ConsentSurface: v1.SurfaceNone, AutoGate: v1.GateOpen,
			Slots: []v1.Slot{{Present: true, Registered: true, By: v1.RegisteredByAuto}, {By: v1.RegisteredByNone}}, AttemptsSetup: 4, AttemptsBuild: 4,
			Triggers: v1.Triggers{Boot: true, SIMReady: true, DataUp: true, DayPassed: true}, ObservedHours: 168, Transport: v1.TransportHTTP,
		},
	}
}

func effectOf(seq int64, hours int) v1.Body {
	r := baseline(seq)
	r.Kind, r.Progress, r.PreviousBuild = report.KindEffect, report.ProgressRunning, r.Build
	r.Build, r.BuildUTC = buildOf("armani").Fingerprint, buildOf("armani").UTC
	r.Evidence.Feature, r.Evidence.Migration, r.Evidence.State, r.Evidence.Origin, r.Evidence.AutoGate = 1, v1.MigrationSwitchOff, v1.StateOff, v1.OriginPolicy, v1.GateClosed
	r.Evidence.Slots[0] = v1.Slot{Present: true, By: v1.RegisteredByNone}
	r.Evidence.AttemptsBuild, r.Evidence.ObservedHours, r.Evidence.Transport = 0, hours, v1.TransportNotUsed
	return r
}

func failed(seq int64, phase report.Phase, code int) v1.Body {
	r := baseline(seq)
	r.Kind, r.Progress, r.Failure = report.KindProgress, report.ProgressFailed, &report.Failure{Phase: phase, Code: code}
	return r
}

// install stores reports of version 1, one a day, and the installation as its newest report leaves it.
func (h *fixture) install(hs handset, before fleet.Before, bodies ...v1.Body) {
	h.t.Helper()
	var sealed [][]byte
	for _, b := range bodies {
		text, err := envelope.SealV1(b, hs.key)
		if err != nil {
			h.t.Fatal(err)
		}
		sealed = append(sealed, text)
	}
	h.installSealed(hs, before, sealed...)
}

// installSealed stores reports of any version and of any release, one a day, and what the installation has shown of each.
func (h *fixture) installSealed(hs handset, before fleet.Before, sealed ...[]byte) {
	h.t.Helper()
	first := now.Add(-time.Duration(len(sealed)) * 24 * time.Hour)
	states := map[string]*fleet.Installation{}
	h.updateReports(func(ctx context.Context, tx fleet.Tx) error {
		all, err := published.Load(ctx, tx)
		if err != nil {
			return err
		}
		newest := int64(0)
		for n, text := range sealed {
			r, _, err := envelope.Open(text)
			if err != nil {
				return err
			}
			at := first.Add(time.Duration(n) * 24 * time.Hour)
			late := r.Seq < newest
			stored := fleet.StoredReport{
				ID: r.ID, Ref: hs.ref, Seq: r.Seq, Schema: r.Schema, Release: r.Release, Envelope: text, At: at, Late: late,
			}
			if _, err := tx.Reports().Append(ctx, stored); err != nil {
				return err
			}
			if late {
				continue
			}
			for _, i := range states {
				i.Current = false
			}
			i := fleet.Installation{Ref: hs.ref, Current: true, Model: r.Model, Channel: "stable", Release: r.Release, Before: before, First: first}
			i.Seq, i.Newest, i.Progress, i.Last = r.Seq, r, r.Progress, at
			rule, _ := all.Standard(r.Release, r.Model)
			v := effect.Judge(at, effect.Subject{Newest: r, Last: at}, rule)
			i.Verdict, i.Kind, i.Because = fleet.Class(v.Class), v.Kind, v.Because
			if r.Progress == report.ProgressFailed && r.Failure != nil {
				i.Cause = report.CauseOf(*r.Failure)
			}
			states[r.Release], newest = &i, r.Seq
		}
		for _, i := range states {
			if err := tx.Installations().Put(ctx, *i); err != nil {
				return err
			}
		}
		return nil
	})
}
