// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

func (a *app) assembleCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "assemble REQUEST RESPONSE...",
		Short: "Put the signatures of several people together",
		Long: "For changes of keys or models; releases are put together by the server. A trust file that\n" +
			"is there already is replaced only by a state that follows from it. With signatures missing it says\n" +
			"whose, and writes nothing.",
		Example: "  otasign assemble request-1a2b3c4d.json ann.json di.json --out ceremony/trust.json",
		Args:    wants("REQUEST..."),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := load(args[0], tufrepo.ParseRequest)
			if err != nil {
				return err
			}
			var answers []tufrepo.Response
			for _, path := range args[1:] {
				answer, err := load(path, tufrepo.ParseResponse)
				if err != nil {
					return err
				}
				answers = append(answers, answer)
			}
			bundle, progress, err := ceremony.Assemble(r, time.Now(), answers...)
			if err != nil {
				return refusal{err}
			}
			names := withNames(tufrepo.Bundle{}, r.Names, namesAround(out, args[0])).Names
			a.sayProgress(progress, names)
			if len(bundle.Files) == 0 {
				return refusal{errors.New("signatures are missing; nothing was written")}
			}
			if err := checkSuccessor(out, bundle); err != nil {
				return err
			}
			if err := keys.Replace(out, withNames(bundle, names).Bytes(), 0o644); err != nil {
				return err
			}
			a.say("Complete; wrote the new state to %s. Send it to the server.", out)
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "trust.json", "write the signed state to this `file`")
	return c
}

// checkSuccessor refuses to replace a trust file by a state that does not follow from it: a request is
// whatever somebody sent.
func checkSuccessor(path string, b tufrepo.Bundle) error {
	trusted, err := loadTrust(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	next, err := b.Set()
	if err != nil {
		return err
	}
	if _, _, err := ceremony.Refresh(ceremony.RefreshParams{Now: time.Now(), Trusted: trusted, Seen: next}); err != nil {
		return refusal{fmt.Errorf("%s stays as it was: %w", path, err)}
	}
	return nil
}

func (a *app) verifyCommand() *cobra.Command {
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
			return a.verify(args[0], trust, now)
		},
	}
	c.Flags().StringVar(&trust, "trust", "", "the state that you trust, a `file`; the feed must follow from it")
	c.Flags().StringVar(&at, "at", "", "check as of this `time`, 2026-01-31T12:00:00Z (default: now)")
	return c
}

func (a *app) verify(path, trust string, now time.Time) error {
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
	a.sayChanges(tufrepo.Diff(tufrepo.Set{}, set))
	if err != nil {
		return refusal{err}
	}
	a.sayChanges(ceremony.Expiring(set, now))
	a.say("Everything is signed as it should be, unexpired and there.")
	return nil
}
