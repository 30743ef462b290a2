// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"landed/signer/keys"
)

// keyring makes and opens the key files of people. It finds their passphrases, and remembers each person's for the length
// of one command.
type keyring struct {
	term  *terminal
	file  string            // with the passphrase; "" if it was not named
	known map[string]string // passphrases by person
}

// add adds the flag that every command has.
func (r *keyring) add(root *cobra.Command) {
	root.PersistentFlags().StringVar(&r.file, "passphrase-file", "",
		"read the passphrase from the first line of this `file`")
}

// given is the passphrase that need not be asked for, if there is one.
func (r *keyring) given() (string, bool, error) {
	if r.file != "" {
		text, err := readFile(r.file)
		if err != nil {
			return "", false, err
		}
		line, _, _ := strings.Cut(string(text), "\n")
		return strings.TrimSuffix(line, "\r"), true, nil
	}
	phrase, ok := os.LookupEnv("OTASIGN_PASSPHRASE")
	return phrase, ok, nil
}

// phraseOf asks a person for their passphrase. For a new key it asks twice.
func (r *keyring) phraseOf(person, purpose string, isNew bool) (string, error) {
	if phrase, ok, err := r.given(); ok || err != nil {
		return phrase, err
	}
	if phrase, ok := r.known[person]; ok {
		return phrase, nil
	}
	phrase, err := r.term.ask(fmt.Sprintf("%s, passphrase for %s: ", person, purpose))
	if err != nil {
		return "", err
	}
	if isNew {
		again, err := r.term.ask("The same again: ")
		if err != nil {
			return "", err
		}
		if again != phrase {
			return "", errors.New("the two passphrases differ; nothing was written")
		}
	}
	if r.known == nil {
		r.known = map[string]string{}
	}
	r.known[person] = phrase
	return phrase, nil
}

// open opens a key file with its record of what it has signed.
func (r *keyring) open(path string) (holder, error) {
	public, err := keys.ReadPublic(path)
	if err != nil {
		return holder{}, err
	}
	phrase, err := r.phraseOf(public.Name, fmt.Sprintf("the key for %s", public.Use), false)
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

// save adds new key files, and the records of what they signed.
func (r *keyring) save(files *keys.Batch, m makeFlags, made []holder) error {
	if err := os.MkdirAll(filepath.Join(m.folder.dir, "keys"), 0o700); err != nil {
		return err
	}
	for _, h := range made {
		phrase, err := r.phraseOf(h.key.Public().Name, "new keys", true)
		if err == nil {
			err = h.key.SaveIn(files, h.path, phrase, m.work)
		}
		if err != nil {
			return err
		}
	}
	return remember(files, made)
}
