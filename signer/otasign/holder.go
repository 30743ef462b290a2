// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"os"

	"landed/signer/ceremony"
	"landed/signer/keys"
)

// holder is an opened key, its record of signatures and where that is kept.
type holder struct {
	key    *keys.Key
	path   string
	ledger *ceremony.Ledger
}

func ledgerPath(keyPath string) string { return keyPath + ".signed" }

// newHolder is a key that this command made, with the record that will lie beside it. A record that
// lies there already, of a key that had the same name, goes on: it only forbids more.
func newHolder(at folder, k *keys.Key) (holder, error) {
	path := at.keyPath(k.Public())
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
