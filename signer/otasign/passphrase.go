// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"landed/signer/ceremony"
	"landed/signer/keys"
)

// phrases finds passphrases, and remembers each person's for the length of one command.
type phrases struct {
	file  string
	known map[string]string // by person
}

var errNoPhrase = errors.New("there is no terminal to ask for the passphrase; " +
	"use --passphrase-file or OTASIGN_PASSPHRASE")

// given is the passphrase that need not be asked for, if there is one.
func (p *phrases) given() (string, bool, error) {
	if p.file != "" {
		text, err := readFile(p.file)
		if err != nil {
			return "", false, err
		}
		line, _, _ := strings.Cut(string(text), "\n")
		return strings.TrimSuffix(line, "\r"), true, nil
	}
	phrase, ok := os.LookupEnv("OTASIGN_PASSPHRASE")
	return phrase, ok, nil
}

// of asks a person for their passphrase. For a new key it asks twice.
func (a *app) phraseOf(person, purpose string, isNew bool) (string, error) {
	if phrase, ok, err := a.phrase.given(); ok || err != nil {
		return phrase, err
	}
	if phrase, ok := a.phrase.known[person]; ok {
		return phrase, nil
	}
	phrase, err := a.ask(fmt.Sprintf("%s, passphrase for %s: ", person, purpose))
	if err != nil {
		return "", err
	}
	if isNew {
		again, err := a.ask("The same again: ")
		if err != nil {
			return "", err
		}
		if again != phrase {
			return "", errors.New("the two passphrases differ; nothing was written")
		}
	}
	if a.phrase.known == nil {
		a.phrase.known = map[string]string{}
	}
	a.phrase.known[person] = phrase
	return phrase, nil
}

func (a *app) ask(prompt string) (string, error) {
	f, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", errNoPhrase
	}
	fmt.Fprint(a.err, prompt)
	phrase, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(a.err)
	return string(phrase), err
}

// holder is an opened key, its record of signatures and where that is kept.
type holder struct {
	key    *keys.Key
	path   string
	ledger *ceremony.Ledger
}

func ledgerPath(keyPath string) string { return keyPath + ".signed" }

// openKey opens a key file with its record of what it has signed.
func (a *app) openKey(path string) (holder, error) {
	public, err := keys.ReadPublic(path)
	if err != nil {
		return holder{}, err
	}
	phrase, err := a.phraseOf(public.Name, fmt.Sprintf("the key for %s", public.Use), false)
	if err != nil {
		return holder{}, err
	}
	k, err := keys.Open(path, phrase)
	if err != nil {
		return holder{}, err
	}
	ledger, err := loadLedger(path)
	return holder{k, path, ledger}, err
}

// loadLedger reads the record of the key at path; a key that has signed nothing has none.
func loadLedger(path string) (*ceremony.Ledger, error) {
	ledger, err := load(ledgerPath(path), ceremony.ParseLedger)
	if errors.Is(err, os.ErrNotExist) {
		return ceremony.NewLedger(), nil
	}
	return ledger, err
}

func (h holder) signingKey(givenUp bool) ceremony.SigningKey {
	return ceremony.SigningKey{Signer: h.key, Ledger: h.ledger, GivenUp: givenUp}
}

// remember adds the records of what was signed. They come before the signatures that are given away.
func remember(files *keys.Batch, holders []holder) error {
	for _, h := range holders {
		if err := files.Replace(ledgerPath(h.path), h.ledger.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return nil
}
