// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/evidence"
	"landed/manifests/report"
	"landed/manifests/strict"
)

// draft is an observation as an observer writes it down, in YAML.
type draft struct {
	Kind    evidence.Kind    `yaml:"kind"`
	Model   string           `yaml:"model"`
	Release string           `yaml:"release"`
	Build   string           `yaml:"build"`
	Package string           `yaml:"package"` // its file, or its SHA-256
	Capture string           `yaml:"capture"` // its file, or its SHA-256
	At      time.Time        `yaml:"at"`
	Verdict evidence.Verdict `yaml:"verdict"`
	Steps   []string         `yaml:"steps"`
	Seen    []string         `yaml:"seen"`
}

func (s *stating) observeCommand() *cobra.Command {
	var f sealFlags
	c := &cobra.Command{
		Use:   "observe DRAFT --key FILE",
		Short: "Sign what you saw when you repeated the test on a model",
		Long: "Reads what an observer wrote down, shows it, asks, and signs it. DRAFT is a YAML file:\n\n" +
			"  kind: traffic             # or transport, or retention\n" +
			"  model: armani             # ro.product.device\n" +
			"  release: miui-cloud-messaging-opt-in\n" +
			"  build: Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys\n" +
			"  package: miui_armani.zip  # the file that was installed, or its SHA-256\n" +
			"  capture: traffic.pcap     # the file, or its SHA-256; keep it, it is not sent\n" +
			"  at: 2014-08-12T09:30:00Z\n" +
			"  verdict: confirms         # or refutes, or inconclusive\n" +
			"  steps: [\"reset the handset\", \"wait 24 hours with SIM and data\"]\n" +
			"  seen: [\"nothing to api.account.xiaomi.com\"]\n\n" +
			"Everything in it but the capture becomes public: no numbers, no names. A later test of the\n" +
			"same kind and build replaces the earlier one; withdraw takes one back.",
		Example: "  otasign observe armani.yaml --key f-secure.key --out armani-traffic.json",
		Args:    wants("DRAFT"),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := load(args[0], func(text []byte) (d draft, err error) { return d, strict.YAML(text, &d) })
			if err != nil {
				return err
			}
			var faults [2]error
			d.Package, faults[0] = digestOf(d.Package)
			d.Capture, faults[1] = digestOf(d.Capture)
			if err := errors.Join(faults[:]...); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return s.seal(f, evidence.Said{Observation: &evidence.Observation{Kind: d.Kind, Model: d.Model,
				Release: d.Release, Build: d.Build, Package: d.Package, Steps: d.Steps, Seen: d.Seen, Capture: d.Capture,
				At: d.At.UTC().Truncate(time.Second), Verdict: d.Verdict}})
		},
	}
	f.add(c, "your key `file`; the feed must list it among the observers")
	return c
}

func (s *stating) vouchCommand() *cobra.Command {
	var f sealFlags
	var model string
	life := days(180 * 24 * time.Hour)
	c := &cobra.Command{
		Use:   "vouch INSTALLATION --model MODEL --key FILE",
		Short: "Vouch for a handset of your lab, so that its reports are a witness's",
		Long: "Signs that an installation is a handset of a lab. INSTALLATION is the support reference that it\n" +
			"shows. From then on a bad report of it halts the rollouts of its model at once, and none of\n" +
			"them goes wider without a good one. After a reset the handset has another reference: vouch\n" +
			"again, and withdraw the old voucher.",
		Example: "  otasign vouch 0123-4567-89AB-CDEF-GHJK-MNPQ --model armani --key lab.key --out voucher.json",
		Args:    wants("INSTALLATION"),
		RunE: func(_ *cobra.Command, args []string) error {
			ref, err := report.ParseReference(args[0])
			if err != nil {
				return err
			}
			from := time.Now().UTC().Truncate(time.Second)
			return s.seal(f, evidence.Said{Voucher: &evidence.Voucher{Installation: ref, Model: model, From: from,
				Until: from.Add(time.Duration(life).Truncate(time.Second))}})
		},
	}
	f.add(c, "key `file` to sign with; the feed must list it among the witnesses of the model")
	c.Flags().StringVar(&model, "model", "", "the handset's `model` (ro.product.device)")
	c.Flags().Var(&life, "life", "how long the voucher holds, such as 180d; 400d at most")
	cobra.CheckErr(c.MarkFlagRequired("model"))
	return c
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// digestOf is the SHA-256 of a file, in hex, or the digest itself if it was given.
func digestOf(name string) (string, error) {
	if sha256Hex.MatchString(name) {
		return name, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
