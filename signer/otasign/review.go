// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"bufio"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

// reviewFlags are what a reviewer brings along.
type reviewFlags struct {
	packages, trust, catalogue string
	otaKeys                    []string
	asJSON                     bool
}

func (f *reviewFlags) add(c *cobra.Command) {
	set := c.Flags()
	set.StringVar(&f.packages, "packages", "", "`folder` with your own copies of the packages")
	set.StringVar(&f.trust, "trust", "", "the state that you trust, a `file` from init, add-model or rotate")
	set.StringSliceVar(&f.otaKeys, "ota-key", nil, "certificate `files` (PEM) of those who may sign packages; "+
		"stable=FILE for one channel only")
	set.StringVar(&f.catalogue, "catalogue", "", "model catalogue, a YAML `file` (default: the one built in)")
	set.BoolVar(&f.asJSON, "json", false, "print the summary as JSON")
}

func (a *app) reviewCommand() *cobra.Command {
	var f reviewFlags
	c := &cobra.Command{
		Use:   "review REQUEST --packages DIR",
		Short: "Say in words what a request asks to sign, and what is wrong with it",
		Long: "Reads your own copy of every package, recomputes its hash and what it is, makes the metadata anew,\n" +
			"compares all that with the request, and says what handsets would get. It signs nothing, and a change\n" +
			"of keys or models needs no packages. Exit code 0: nothing forbids to sign; 1: something does.",
		Example: "  otasign review request.json --trust trust.json --packages my-packages --ota-key ota.cert.pem",
		Args:    wants("REQUEST"),
		RunE: func(_ *cobra.Command, args []string) error {
			_, summary, err := f.review(args[0])
			if err != nil {
				return err
			}
			return a.saySummary(summary, f.asJSON)
		},
	}
	f.add(c)
	return c
}

func (f reviewFlags) review(path string) (tufrepo.Request, ceremony.Summary, error) {
	fail := func(err error) (tufrepo.Request, ceremony.Summary, error) {
		return tufrepo.Request{}, ceremony.Summary{}, err
	}
	r, err := load(path, tufrepo.ParseRequest)
	if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
		return fail(err)
	}
	if err != nil {
		return fail(refusal{err})
	}
	p := ceremony.ReviewParams{Now: time.Now(), Request: r, Catalogue: manifests.DefaultCatalogue()}
	if f.packages != "" {
		p.Packages = os.DirFS(f.packages)
	}
	if f.trust != "" {
		set, err := loadTrust(f.trust)
		if err != nil {
			return fail(err)
		}
		p.Trusted = &set
	}
	if f.catalogue != "" {
		if p.Catalogue, err = load(f.catalogue, manifests.ParseCatalogue); err != nil {
			return fail(err)
		}
	}
	if p.OTAKeys, err = otaKeys(f.otaKeys); err != nil {
		return fail(err)
	}
	summary, err := ceremony.Review(p)
	return r, summary, err
}

// otaKeys reads certificates: "FILE" for every channel, "stable=FILE" for one.
func otaKeys(files []string) (map[string][]crypto.PublicKey, error) {
	pinned := map[string][]crypto.PublicKey{}
	for _, file := range files {
		channels := []string{"stable", "beta", "lab"}
		if channel, path, ok := strings.Cut(file, "="); ok && slices.Contains(channels, channel) {
			channels, file = []string{channel}, path
		}
		list, err := load(file, certificateKeys)
		if err != nil {
			return nil, err
		}
		for _, c := range channels {
			pinned[c] = append(pinned[c], list...)
		}
	}
	return pinned, nil
}

// certificateKeys reads the public keys of the PEM certificates in text.
func certificateKeys(text []byte) ([]crypto.PublicKey, error) {
	var list []crypto.PublicKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a PEM block is %q; wanted CERTIFICATE", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, cert.PublicKey)
	}
	if len(list) == 0 {
		return nil, errors.New("no PEM certificate in it")
	}
	return list, nil
}

// saySummary prints a review; its error is a refusal if anything forbids to sign.
func (a *app) saySummary(s ceremony.Summary, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(struct {
			ceremony.Summary
			Refused bool `json:"refused"`
		}{s, s.Refused()}); err != nil {
			return err
		}
	} else {
		a.sayReview(s)
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
	return errors.New("refused; nobody should sign this. Ask who sent it for another one, " +
		"and keep this one if it looks like an attack")
}

func (a *app) sayReview(s ceremony.Summary) {
	a.say("%s", plain(s.Title))
	a.say("\nWhat changes:")
	a.sayChanges(s.Changes)
	for _, p := range s.Packages {
		a.say("\nYour copy of %s: %d bytes, SHA-256 %s", p.Name, p.Facts.Size, p.Facts.SHA256)
		a.sayFacts(p.Facts)
		a.sayFindings(p.Findings)
	}
	for _, p := range s.Problems {
		level := "note"
		if p.Refuse {
			level = "REFUSED"
		}
		a.say("\n%s %s:", level, p.Code)
		a.sayChanges(strings.Split(p.Words, "\n"))
	}
	if !s.Refused() {
		a.say("\nNothing here forbids to sign.")
	}
}

// plain keeps text from the server from steering the terminal.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) {
			return '?'
		}
		return c
	}, s)
}

func (a *app) signCommand() *cobra.Command {
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
		Example: "  otasign sign request.json --trust trust.json --packages my-packages --ota-key ota.cert.pem --key " +
			"armani-ann.key --out ann.json\n" +
			"  otasign sign request.json --trust trust.json --key root-ann.key --out ann.json            # a change of keys: " +
			"no packages",
		Args: wants("REQUEST"),
		RunE: func(_ *cobra.Command, args []string) error {
			r, summary, err := f.review(args[0])
			if err != nil {
				return err
			}
			if len(keyFiles) == 0 {
				return errors.New("say whose key signs, with --key FILE; nothing was signed")
			}
			if err := a.saySummary(summary, f.asJSON); err != nil {
				return err
			}
			if err := skip.allow(summary); err != nil {
				return err
			}
			if !yes {
				if err := a.confirm(); err != nil {
					return err
				}
			}
			return a.sign(r, keyFiles, out, givenUp)
		},
	}
	f.add(c)
	c.Flags().StringSliceVar(&keyFiles, "key", nil, "key `files` to sign with")
	c.Flags().StringVar(&out, "out", "response.json", "response `file` to write; it must not exist")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&skip.trust, "without-trust", false, "sign although you brought no trust file: "+
		"the keys that the request names are believed")
	c.Flags().BoolVar(&skip.otaKey, "without-ota-key", false, "sign although who signed the packages was not judged")
	c.Flags().BoolVar(&givenUp, "unpublished", false, "another root of the same number, which these keys signed, "+
		"was given up and never will be published")
	return c
}

// skipped are the checks that a signer leaves out knowingly.
type skipped struct{ trust, otaKey bool }

// allow refuses a review in which a check could not be made, unless it is skipped.
func (s skipped) allow(summary ceremony.Summary) error {
	var faults []error
	for _, p := range summary.Problems {
		switch {
		case p.Code == ceremony.TrustMissing && !s.trust:
			faults = append(faults, fmt.Errorf("not signed. %s Bring your trust file with --trust FILE, "+
				"or say --without-trust", plain(p.Words)))
		case p.Code == ceremony.KeysNotJudged && !s.otaKey:
			faults = append(faults, fmt.Errorf("not signed. %s Name their certificate with --ota-key CERT.pem, "+
				"or say --without-ota-key", plain(p.Words)))
		}
	}
	if len(faults) > 0 {
		return refusal{errors.Join(faults...)}
	}
	return nil
}

func (a *app) confirm() error {
	fmt.Fprint(a.err, "\nSign this? Type yes: ")
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if strings.TrimSpace(line) != "yes" {
		return errors.Join(refusal{errors.New("not signed: the answer was not yes")}, ignoreEOF(err))
	}
	return nil
}

func ignoreEOF(err error) error {
	if err == nil || err.Error() == "EOF" {
		return nil
	}
	return err
}

// sign signs with every key, and writes one response a person, after the records of the keys.
func (a *app) sign(r tufrepo.Request, keyFiles []string, out string, givenUp bool) error {
	byPerson := map[string][]ceremony.Hand{}
	var people []string
	var holders []holder
	for _, path := range keyFiles {
		h, err := a.openKey(path)
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
		byPerson[name] = append(byPerson[name], h.hand(givenUp))
	}
	answers := map[string]tufrepo.Response{}
	for _, name := range people {
		answer, err := ceremony.Sign(r, time.Now(), byPerson[name]...)
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
		a.say("%s signed %d of the %d files; wrote %s.", name, len(answers[name].Signatures), len(r.Roles),
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
