// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
)

// reviewFlags are what a reviewer brings along.
type reviewFlags struct {
	packages, trust, models string
	otaKeys                 []string
	asJSON                  bool
}

func (f *reviewFlags) add(c *cobra.Command) {
	set := c.Flags()
	set.StringVar(&f.packages, "packages", "", "`folder` with your own copies of the packages")
	set.StringVar(&f.trust, "trust", "", "the state that you trust, a `file` from init, add-model or rotate")
	set.StringSliceVar(&f.otaKeys, "ota-key", nil, "certificate `files` (PEM) of those who may sign packages; "+
		"stable=FILE for one channel only")
	set.StringVar(&f.models, "models", "", "your own description of the models, a YAML `file`; "+
		"the request must agree with it (default: as the request describes them)")
	set.BoolVar(&f.asJSON, "json", false, "print the summary as JSON")
}

// reviewer is the commands by which a person looks at a request, and signs it.
type reviewer struct {
	term *terminal
	keys *keyring
}

func (r *reviewer) reviewCommand() *cobra.Command {
	var f reviewFlags
	c := &cobra.Command{
		Use:   "review REQUEST --packages DIR",
		Short: "Say in words what a request asks to sign, and what is wrong with it",
		Long: "Reads your own copy of every package, recomputes its hash and what it is, makes the metadata anew,\n" +
			"compares all that with the request, and says what handsets would get, what they would be asked, and\n" +
			"what people would be told. It signs nothing, and a change of keys or models needs no packages.\n" +
			"With -json all words in all languages are printed. Exit code 0: nothing forbids to sign; 1: something does.",
		Example: "  otasign review request.json --trust trust.json --packages my-packages --ota-key ota.cert.pem",
		Args:    wants("REQUEST"),
		RunE: func(_ *cobra.Command, args []string) error {
			_, summary, err := r.review(f, args[0])
			if err != nil {
				return err
			}
			return r.saySummary(summary, f.asJSON)
		},
	}
	f.add(c)
	return c
}

func (r *reviewer) review(f reviewFlags, path string, keyFiles ...string) (tufrepo.Request, ceremony.Summary, error) {
	fail := func(err error) (tufrepo.Request, ceremony.Summary, error) {
		return tufrepo.Request{}, ceremony.Summary{}, err
	}
	request, err := load(path, tufrepo.ParseRequest)
	if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
		return fail(err)
	}
	if err != nil {
		return fail(refusal{err})
	}
	p := ceremony.ReviewParams{Now: time.Now(), Request: request, Names: namesAround(f.trust, path, keyFiles...)}
	if f.packages != "" {
		p.Packages = watchedFS{os.DirFS(f.packages), r.term.err}
	}
	if f.trust != "" {
		set, err := loadTrust(f.trust)
		if err != nil {
			return fail(err)
		}
		p.Trusted = &set
	}
	if f.models != "" {
		if p.Catalogue, err = load(f.models, manifests.ParseCatalogue); err != nil {
			return fail(err)
		}
	}
	if p.OTAKeys, err = otaKeys(f.otaKeys); err != nil {
		return fail(err)
	}
	summary, err := ceremony.Review(p)
	return request, summary, err
}

// saySummary prints a review; its error is a refusal if anything forbids to sign.
func (r *reviewer) saySummary(s ceremony.Summary, asJSON bool) error {
	if asJSON {
		if err := r.term.json(struct {
			ceremony.Summary
			Refused bool `json:"refused"`
		}{s, s.Refused()}); err != nil {
			return err
		}
	} else {
		page{r.term}.review(s)
	}
	if s.Refused() {
		return refusal{refusedWords(s)}
	}
	return nil
}

// refusedWords tells what can be cured by the reviewer from what nobody should sign.
func refusedWords(s ceremony.Summary) error {
	missing := func(p ceremony.Problem) bool { return !p.Refuse || p.Code == ceremony.PackageMissing }
	if !slices.ContainsFunc(s.Problems, func(p ceremony.Problem) bool { return !missing(p) }) {
		return errors.New("not reviewed, so not to be signed yet: bring the packages that are named above, then review again")
	}
	mistake := func(p ceremony.Problem) bool {
		return missing(p) || p.Code == ceremony.CounterLow || p.Code == ceremony.DownUnpatch
	}
	if !slices.ContainsFunc(s.Problems, func(p ceremony.Problem) bool { return !mistake(p) }) {
		return errors.New("refused; nobody should sign this. The release was made wrongly: ask who made it for another one")
	}
	return errors.New("refused; nobody should sign this. Ask who sent it for another one, " +
		"and keep this one if it looks like an attack")
}
