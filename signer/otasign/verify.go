// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
)

// verifier is the command that checks what is published, or signed.
type verifier struct{ term *terminal }

func (v *verifier) command() *cobra.Command {
	var trust, at string
	c := &cobra.Command{
		Use:   "verify FEED|TRUST",
		Short: "Check a whole feed, or a signed state, as a client would",
		Long: "FEED is a folder with metadata/ and targets/: everything is checked from the oldest root,\n" +
			"and every target is read and hashed. TRUST is a trust file: what init, add-model, retire-model,\n" +
			"rotate and assemble write.",
		Example: "  otasign verify ceremony/trust.json\n" +
			"  otasign verify data/feed --trust ceremony/trust.json\n" +
			"  otasign verify data/feed --at 2027-05-01T00:00:00Z      # what will have expired by then",
		Args: wants("FEED or trust file"),
		RunE: func(_ *cobra.Command, args []string) error {
			now := time.Now()
			if at != "" {
				var err error
				if now, err = time.Parse(time.RFC3339, at); err != nil {
					return err
				}
			}
			return v.verify(args[0], trust, now)
		},
	}
	c.Flags().StringVar(&trust, "trust", "", "the state that you trust, a `file`; the feed must follow from it")
	c.Flags().StringVar(&at, "at", "", "check as of this `time`, 2026-01-31T12:00:00Z (default: now)")
	return c
}

func (v *verifier) verify(path, trust string, now time.Time) error {
	var trusted *tufrepo.Set
	if trust != "" {
		set, err := loadTrust(trust)
		if err != nil {
			return err
		}
		trusted = &set
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	var set tufrepo.Set
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(path, "tuf", "metadata")); err == nil {
			path = filepath.Join(path, "tuf")
		}
		if _, err := os.Stat(filepath.Join(path, "metadata")); err != nil {
			return err
		}
		set, err = ceremony.VerifyFeed(os.DirFS(path), trusted, now)
	} else {
		bundle, loadErr := load(path, tufrepo.ParseBundle)
		if loadErr != nil {
			return loadErr
		}
		set, err = ceremony.VerifyBundle(bundle, trusted, now)
	}
	v.term.lines("  ", tufrepo.Diff(tufrepo.Set{}, set)...)
	if err != nil {
		return refusal{err}
	}
	v.term.lines("  ", ceremony.Expiring(set, now)...)
	v.term.say("Everything is signed as it should be, unexpired and there.")
	return nil
}
