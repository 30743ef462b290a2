// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/otapkg"
)

// inspection is what inspect -json prints.
type inspection struct {
	File     string       `json:"file"`
	Refused  bool         `json:"refused"`
	Facts    otapkg.Facts `json:"facts"`
	Findings []explained  `json:"findings"`
}

// explained is a finding with the place of its row in the documentation.
type explained struct {
	otapkg.Finding
	Help string `json:"help"`
}

func explain(findings otapkg.Findings) []explained {
	list := []explained{}
	for _, f := range findings {
		list = append(list, explained{f, f.Code.Help()})
	}
	return list
}

// inspector is the command that says what a package is.
type inspector struct{ term *terminal }

func (i *inspector) command() *cobra.Command {
	var asJSON bool
	var certs []string
	var models string
	var policy otapkg.Policy
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Say what an OTA package is and what is wrong with it",
		Long: "Reads a package as the server does at upload and a signer before signing, and lists every finding.\n" +
			"Exit code 0: nothing refused; 1: refused; 2: the file could not be read.",
		Example: "  otasign inspect --key ota.cert.pem --model armani miui_HM1SWCGlobal.zip",
		Args:    wants("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, path := range certs {
				list, err := load(path, otapkg.ParsePins)
				if err != nil {
					return err
				}
				policy.Pins = append(policy.Pins, list...)
			}
			var err error
			if policy.Catalogue, err = modelsIn(models); err != nil {
				return err
			}
			return i.inspect(args[0], policy, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print facts and findings as JSON")
	c.Flags().StringSliceVar(&certs, "key", nil, "`certificates` (PEM files) of those who may sign packages, "+
		"which sign and review call --ota-key; without any the signer is not judged")
	c.Flags().StringVar(&policy.Model, "model", "", "ro.product.`device` that it must be for")
	c.Flags().StringVar(&policy.Channel, "channel", "stable", "`channel` that it is meant for")
	c.Flags().StringVar(&models, "models", "", "description of the models, a YAML `file` (default: the "+
		"line-up that is built in)")
	return c
}

func (i *inspector) inspect(path string, policy otapkg.Policy, asJSON bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file", path)
	}
	policy.Name, policy.Now = filepath.Base(path), time.Now()
	watched := &watchedFile{f, f, newMeter(i.term.err, policy.Name, info.Size())}
	facts, findings, err := otapkg.Inspect(watched, info.Size(), policy)
	watched.meter.end()
	if err != nil {
		return err
	}
	if asJSON {
		if err := i.term.json(inspection{path, findings.Refused(), facts, explain(findings)}); err != nil {
			return err
		}
	} else {
		i.term.say("%s: %d bytes, SHA-256 %s", path, facts.Size, facts.SHA256)
		shown := page{i.term}
		shown.facts(facts)
		shown.findings(findings)
	}
	if findings.Refused() {
		return refusal{errors.New("refused; this package must not be used")}
	}
	return nil
}
