// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

func (c *ceremonies) refreshCommand() *cobra.Command {
	var dir, trust string
	var keyFiles []string
	var unpublished bool
	cmd := &cobra.Command{
		Use:   "refresh FEED|REQUEST|TRUST",
		Short: "Bring the trust file up to date with what was published",
		Long: "Takes the newest roots, targets and models of a copy of the feed (the folder that holds\n" +
			"metadata/, or metadata/ alone: packages are not needed), of a request, or of a trust file\n" +
			"that others assembled. Everything must follow from the root that the trust file holds, and\n" +
			"nothing may be older than the trust file, or than what the keys in DIR/keys have signed.\n" +
			"With --unpublished it gives up what the trust file has beyond a whole feed of today.",
		Example: "  otasign refresh copy-of-feed/metadata --dir ceremony\n" +
			"  otasign refresh request.json --trust trust.json",
		Args: wants("FEED, request or trust file"),
		RunE: func(_ *cobra.Command, args []string) error {
			if trust == "" {
				trust = filepath.Join(dir, "trust.json")
			}
			signed, err := signedBy(dir, keyFiles)
			if err != nil {
				return err
			}
			return c.refresh(args[0], trust, signed, unpublished)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "ceremony", "`folder` of the ceremony")
	cmd.Flags().StringVar(&trust, "trust", "", "the trust `file` to bring up to date (default DIR/trust.json)")
	cmd.Flags().StringSliceVar(&keyFiles, "key", nil, "key `files` elsewhere whose records of what they signed count "+
		"too; they are not opened")
	unpublishedFlag(cmd, &unpublished)
	return cmd
}

// unpublishedFlag is how a person says that a signed version was given up.
func unpublishedFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "unpublished", false, "what these keys signed beyond the published versions was given up, "+
		"and never will be published")
}

func (c *ceremonies) refresh(path, trust string, signed map[string]int64, unpublished bool) error {
	trusted, err := loadTrust(trust)
	if err != nil {
		return err
	}
	seen, err := loadSeen(path)
	if err != nil {
		return err
	}
	next, notes, err := ceremony.Refresh(ceremony.RefreshParams{Now: time.Now(), Trusted: trusted, Seen: seen,
		Signed: signed, Unpublished: unpublished})
	if err != nil {
		return refusal{fmt.Errorf("%s stays as it was; if it holds a change that the server has not imported yet, "+
			"that comes first.\n(If that change was given up, or refused by the server, and never will be published, "+
			"say so with --unpublished and a copy of the feed of today.)\n%w", trust, err)}
	}
	bundle, err := next.Bundle()
	if err != nil {
		return err
	}
	changes := tufrepo.Diff(trusted, next)
	c.term.lines("  ", changes...)
	c.term.lines("  ", notes...)
	if len(changes) == 0 {
		c.term.say("%s is up to date with %s.", trust, path)
		return nil
	}
	named := withNames(bundle, namesOfSeen(path), namesAround(trust, trust))
	if err := keys.Replace(trust, named.Bytes(), 0o644); err != nil {
		return err
	}
	c.term.say("Brought %s up to date.", trust)
	return nil
}

// loadSeen reads what is published from a copy of the feed, a request or a trust file.
func loadSeen(path string) (tufrepo.Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return tufrepo.Set{}, err
	}
	if info.IsDir() {
		return ceremony.ReadMetadata(os.DirFS(metadataIn(path)))
	}
	bundle, errBundle := load(path, tufrepo.ParseBundle)
	if errBundle == nil {
		return bundle.Set()
	}
	r, errRequest := load(path, tufrepo.ParseRequest)
	if errRequest == nil {
		return r.TrustedSet()
	}
	return tufrepo.Set{}, fmt.Errorf("this is neither a trust file nor a request: %w", errors.Join(errBundle, errRequest))
}

// metadataIn finds the metadata of a feed below tuf/, in the folder, or the folder to be it.
func metadataIn(path string) string {
	for _, below := range []string{filepath.Join("tuf", "metadata"), "metadata"} {
		if info, err := os.Stat(filepath.Join(path, below)); err == nil && info.IsDir() {
			return filepath.Join(path, below)
		}
	}
	return path
}

// signedBy reads the records of the keys in dir, and of those named: by role, the highest
// version that any of them has signed.
func signedBy(dir string, keyFiles []string) (map[string]int64, error) {
	paths, err := filepath.Glob(ledgerPath(filepath.Join(dir, "keys", "*.key")))
	if err != nil {
		return nil, err
	}
	for _, key := range keyFiles {
		paths = append(paths, ledgerPath(key))
	}
	slices.Sort(paths)
	var ledgers []*ceremony.Ledger
	for _, path := range slices.Compact(paths) {
		l, err := load(path, ceremony.ParseLedger)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a key that has signed nothing yet
		}
		if err != nil {
			return nil, err
		}
		ledgers = append(ledgers, l)
	}
	return ceremony.Highest(ledgers...), nil
}

// namesOfSeen are the names that a request or the trust file of somebody else tells; a feed tells none.
func namesOfSeen(path string) map[string]string {
	if r, err := load(path, tufrepo.ParseRequest); err == nil {
		return r.Names
	}
	return namesOfTrust(path)
}
