// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

type refusal struct {
	text  []byte
	is    error
	wants string
}

// TestOpenRefuses alters a good envelope of each version in one way each.
func TestOpenRefuses(t *testing.T) {
	for name, v := range versions {
		good := string(v.body)
		if _, _, err := Open(pack(v.payloadType, good, testKey(1), pae(v.payloadType, good))); err != nil {
			t.Fatalf("%s, the unaltered one: %v", name, err)
		}
		with := func(old, new string) []byte {
			body := strings.Replace(good, old, new, 1)
			if body == good {
				t.Fatalf("%q does not stand in %s", old, name)
			}
			return pack(v.payloadType, body, testKey(1), pae(v.payloadType, body))
		}
		tests := inEnvelope(v)
		maps.Copy(tests, inEveryBody(with))
		maps.Copy(tests, map[string]func(func(old, new string) []byte) map[string]refusal{"v1": inV1, "v2": inV2, "v3": inV3}[name](with))
		for _, what := range slices.Sorted(maps.Keys(tests)) {
			tt := tests[what]
			t.Run(name+"/"+what, func(t *testing.T) {
				_, ref, err := Open(tt.text)
				if err == nil || ref != "" {
					t.Fatalf("it was opened: %q, %v", ref, err)
				}
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("got %v, wanted %v", err, tt.is)
				}
				if !strings.Contains(err.Error(), tt.wants) {
					t.Errorf("got %v, wanted words about %q", err, tt.wants)
				}
			})
		}
	}
}

func inEnvelope(v version) map[string]refusal {
	good := string(v.body)
	sealed := pack(v.payloadType, good, testKey(1), pae(v.payloadType, good))
	in := func(old, new string) []byte { return bytes.Replace(sealed, []byte(old), []byte(new), 1) }
	changed := strings.Replace(good, `"seq":3`, `"seq":4`, 1)
	return map[string]refusal{
		"empty":               {nil, ErrEnvelope, ""},
		"not JSON":            {[]byte("<html>"), ErrEnvelope, ""},
		"too large":           {bytes.Repeat([]byte(" "), MaxBytes+1), ErrTooLarge, ""},
		"truncated":           {sealed[:500], ErrEnvelope, ""},
		"two values":          {append(bytes.Clone(sealed), "{}"...), ErrEnvelope, ""},
		"foreign type":        {in("landed.report", "landed.wish"), ErrEnvelope, "wanted payloadType"},
		"unknown in envelope": {in(`{"payloadType"`, `{"ip":"","payloadType"`), ErrEnvelope, ""},
		"body changed after":  {pack(v.payloadType, changed, testKey(1), pae(v.payloadType, good)), ErrSignature, ""},
		"another's key":       {pack(v.payloadType, good, testKey(2), pae(v.payloadType, good)), ErrSignature, ""},
		"bare signature":      {pack(v.payloadType, good, testKey(1), good), ErrSignature, ""},
		"blank in envelope":   {append(bytes.Clone(sealed), ' '), ErrForm, ""},
		"line end in payload": {in(`","signatures"`, "\n\",\"signatures\""), ErrEnvelope, ""},
		"escape in payload":   {in(`","signatures"`, `\n","signatures"`), ErrEnvelope, ""},
		"twice in envelope":   {in(`{"payloadType"`, `{"payload":"490154203237518x","payloadType"`), ErrForm, ""},
		"capital in envelope": {in(`"payloadType"`, `"PayloadType"`), ErrForm, ""},
	}
}

func inEveryBody(with func(old, new string) []byte) map[string]refusal {
	return map[string]refusal{
		"unknown field":      {with(`{"schema"`, `{"imei":"x","schema"`), nil, "unknown field"},
		"field twice":        {with(`{"schema"`, `{"seq":490154203237518,"schema"`), ErrForm, ""},
		"blank in body":      {with(`"seq":3`, `"seq": 3`), ErrForm, ""},
		"wrong type":         {with(`"seq":3`, `"seq":"3"`), nil, "seq"},
		"fraction":           {with(`"seq":3`, `"seq":3.5`), nil, "seq"},
		"seq 0":              {with(`"seq":3`, `"seq":0`), nil, "seq is out of range"},
		"failure while fine": {with(`"progress":"running"`, `"progress":"running","failure":{"phase":"boot","code":1}`), nil, "failure"},
		"negative":           {with(`"attempts_build":0`, `"attempts_build":-1`), nil, ""},
		"free text state":    {with(`"state":"off"`, `"state":"off since Tuesday"`), nil, ""},
		"unknown kind":       {with(`"kind":"effect"`, `"kind":"wish"`), nil, "kind: wanted one of"},
		"no key":             {with(`"key":"`, `"key":"x`), nil, "key: wanted 64 hex digits"},
	}
}

func inV1(with func(old, new string) []byte) map[string]refusal {
	slot := `{"present":true,"registered":false,"by":"none"},`
	return map[string]refusal{
		"unknown in evidence": {with(`"feature"`, `"carrier":"x","feature"`), nil, "unknown field"},
		"too many":            {with(`"observed_hours":24`, `"observed_hours":169`), nil, "observed_hours"},
		"three slots":         {with(`"slots":[`, `"slots":[`+slot+slot), nil, "slots"},
		"day with time":       {with(`"consent_day":""`, `"consent_day":"2014-08-10T10:00"`), nil, "consent_day"},
	}
}

func inV2(with func(old, new string) []byte) map[string]refusal {
	return map[string]refusal{
		"seq of a stored v1": {with(`"seq":3`, `"seq":65536`), nil, "seq is out of range; wanted 1 to 65535"},
		"an id":              {with(`"key"`, `"id":"490154203237518","key"`), nil, "unknown field"},
		"attempt":            {with(`"attempt":1`, `"attempt":16`), nil, "attempt is out of range"},
		"other order":        {with(`"boot":false,"consent":"none"`, `"consent":"none","boot":false`), ErrForm, ""},
		"answer twice":       {with(`"boot":false`, `"boot":true,"boot":false`), ErrForm, ""},
		"answer escaped":     {with(`"off"`, `"\u006fff"`), ErrForm, ""},
		"answer a list":      {with(`"boot":false`, `"boot":[false]`), nil, ""},
		"answer an object":   {with(`"boot":false`, `"boot":{"boot":false}`), nil, ""},
		"answer null":        {with(`"boot":false`, `"boot":null`), nil, ""},
		"answer a fraction":  {with(`"feature":1`, `"feature":0.5`), nil, ""},
		"name of no probe":   {with(`"boot"`, `"owner@example.com"`), nil, "names of probes"},
		"named build before": {with(`"updated":false`, `"updated":"armani"`), nil, "updated"},
	}
}

func inV3(with func(old, new string) []byte) map[string]refusal {
	tests := inV2(with)
	maps.Copy(tests, map[string]refusal{
		"draw too short":      {with(`"draw":"5a`, `"draw":"`), nil, "draw: wanted 32 hex digits"},
		"draw in capitals":    {with(`"draw":"5a`, `"draw":"5A`), nil, "draw: wanted 32 hex digits"},
		"draw of nothing":     {with(strings.Repeat("5a", 16), ""), ErrForm, ""},
		"draw elsewhere":      {with(`,"answers"`, `,"draw":"x","answers"`), ErrForm, ""},
		"draw while it waits": {with(`"progress":"running"`, `"progress":"known"`), nil, "it does not stand with progress known"},
		"commitment elsewhere": {with(`,"draw"`, `,"draw_commit":"`+strings.Repeat("0", 64)+`","draw"`), nil,
			"it stands in baselines"},
		"baseline without one": {with(`"kind":"effect"`, `"kind":"baseline"`), nil, "wanted 64 hex digits in a baseline"},
	})
	return tests
}
