// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

func (r *reviewer) signCommand() *cobra.Command {
	var f reviewFlags
	var keyFiles []string
	var out string
	var yes, givenUp bool
	var skip skipped
	c := &cobra.Command{
		Use:   "sign REQUEST --trust FILE --packages DIR --ota-key CERT --key FILE",
		Short: "Review a request, ask, and sign it",
		Long: "Reviews the request as the review command does, asks, and signs with each key. With keys\n" +
			"of several people one response is written for each: response.ann.json, response.bo.json.\n" +
			"It wants your own trust file, and for packages the certificate of who signs them; a check\n" +
			"is left out only by name. What each key signed is kept beside it, in FILE.signed.",
		Example: "  otasign sign request.json --trust trust.json --packages my-packages --ota-key ota.cert.pem" +
			" --key armani-ann.key --out ann.json\n" +
			"  otasign sign request.json --trust trust.json --key root-ann.key --out ann.json" +
			"    # a change of keys: no packages",
		Args: wants("REQUEST"),
		RunE: func(_ *cobra.Command, args []string) error {
			request, summary, err := r.review(f, args[0], keyFiles...)
			if err != nil {
				return err
			}
			if len(keyFiles) == 0 {
				return errors.New("say whose key signs, with --key FILE; nothing was signed")
			}
			if err := r.saySummary(summary, f.asJSON); err != nil {
				return err
			}
			if err := skip.refuseUnchecked(summary); err != nil {
				return err
			}
			if !yes {
				if err := r.term.confirm(); err != nil {
					return err
				}
			}
			return r.sign(request, keyFiles, out, givenUp)
		},
	}
	f.add(c)
	c.Flags().StringSliceVar(&keyFiles, "key", nil, "key `files` to sign with")
	c.Flags().StringVar(&out, "out", "response.json", "response `file` to write; it must not exist")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&skip.trust, "without-trust", false, "sign although you brought no trust file: the keys that the "+
		"request names are believed")
	c.Flags().BoolVar(&skip.otaKey, "without-ota-key", false, "sign although who signed the packages was not judged")
	c.Flags().BoolVar(&givenUp, "unpublished", false, "another root of the same number, which these keys signed, was "+
		"given up and never will be published")
	return c
}

// skipped are the checks that a signer leaves out knowingly.
type skipped struct{ trust, otaKey bool }

// refuseUnchecked refuses a review in which a check could not be made, unless it is skipped.
func (s skipped) refuseUnchecked(summary ceremony.Summary) error {
	var faults []error
	for _, p := range summary.Problems {
		switch {
		case p.Code == ceremony.TrustMissing && !s.trust:
			faults = append(faults, fmt.Errorf("not signed. %s Bring your trust file with --trust FILE, or say --without-trust",
				plain(p.Words)))
		case p.Code == ceremony.KeysNotJudged && !s.otaKey:
			faults = append(faults, fmt.Errorf("not signed. %s Name their certificate with --ota-key CERT.pem, or say "+
				"--without-ota-key", plain(p.Words)))
		}
	}
	if len(faults) > 0 {
		return refusal{errors.Join(faults...)}
	}
	return nil
}

// sign signs with every key, and writes one response a person, after the records of the keys.
func (r *reviewer) sign(request tufrepo.Request, keyFiles []string, out string, givenUp bool) error {
	byPerson := map[string][]ceremony.SigningKey{}
	var people []string
	var holders []holder
	for _, path := range keyFiles {
		h, err := r.keys.open(path)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(holders, func(o holder) bool { return o.key.Key() == h.key.Key() }) {
			return fmt.Errorf("%s is named twice with --key; one key counts once, however often it signs", h.key)
		}
		holders = append(holders, h)
		name := h.key.Public().Name
		if !slices.Contains(people, name) {
			people = append(people, name)
		}
		byPerson[name] = append(byPerson[name], h.signingKey(givenUp))
	}
	answers := map[string]tufrepo.Response{}
	for _, name := range people {
		answer, err := ceremony.Sign(request, time.Now(), byPerson[name]...)
		if err != nil {
			return refusal{err}
		}
		answers[name] = answer
	}
	for _, name := range people {
		if _, err := os.Stat(personal(out, name, len(people))); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists; choose another --out", personal(out, name, len(people)))
		}
	}
	var files keys.Batch
	defer files.Discard()
	if err := remember(&files, holders); err != nil {
		return err
	}
	for _, name := range people {
		if err := files.New(personal(out, name, len(people)), answers[name].Bytes(), 0o644); err != nil {
			return err
		}
	}
	if err := files.Commit(); err != nil {
		return err
	}
	for _, name := range people {
		r.term.say("%s signed %d of the %d files; wrote %s.", name, len(answers[name].Signatures), len(request.Roles),
			personal(out, name, len(people)))
	}
	return nil
}

// personal is the response file of one of several people.
func personal(out, name string, people int) string {
	if people < 2 {
		return out
	}
	ext := filepath.Ext(out)
	return strings.TrimSuffix(out, ext) + "." + name + ext
}
