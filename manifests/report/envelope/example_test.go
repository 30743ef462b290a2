// SPDX-License-Identifier: Apache-2.0

package envelope_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
)

// An installation seals a report with the key that it made for itself; the server opens it and learns no more than the
// report says.
func Example() {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)) // of chance, on a handset
	text, id, err := envelope.Seal(report.Report{
		Seq: 1, Kind: report.KindEffect, Release: "backup-off", Model: "armani", Variant: "armani", Channel: "stable",
		Build: report.BuildOther, Progress: report.ProgressRunning, Answers: probe.Answers{"boot": probe.Bool(true), "sent": probe.Int(2)},
	}, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, installation, err := envelope.Open(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(installation)
	fmt.Println(r.ID == id, r.Model, r.Progress)
	for _, name := range r.Answers.Names() {
		fmt.Println(name, r.Answers[name])
	}
	_, _, err = envelope.Open(bytes.Replace(text, []byte(installation), []byte("0000"+installation[4:]), 1))
	fmt.Println(err)
	// Output:
	// 6HTG-Z65X-B7YF-S53D-MHDA-NFMK
	// true armani running
	// boot true
	// sent 2
	// the signature is not by the key that the report names
}
