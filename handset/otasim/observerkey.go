// SPDX-License-Identifier: Apache-2.0

package otasim

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"landed/internal/durable"
	"landed/manifests/tufrepo"
)

// rehearsalKey signs for an observer that nobody trusts but a rehearsal.
type rehearsalKey struct {
	private ed25519.PrivateKey
	public  tufrepo.Key
}

// Key implements tufrepo.Signer.
func (k rehearsalKey) Key() tufrepo.Key { return k.public }

// Sign implements tufrepo.Signer.
func (k rehearsalKey) Sign(message []byte) ([]byte, error) {
	return ed25519.Sign(k.private, message), nil
}

// observerKey reads a key file, or makes one and the public half beside it.
func observerKey(path string) (rehearsalKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newObserverKey(path)
	}
	if err != nil {
		return rehearsalKey{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return rehearsalKey{}, fmt.Errorf("%s: wanted a private key in PEM (PKCS#8)", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return rehearsalKey{}, fmt.Errorf("%s: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return rehearsalKey{}, fmt.Errorf("%s holds a key of type %T; wanted Ed25519", path, key)
	}
	return rehearsal(private)
}

func rehearsal(private ed25519.PrivateKey) (rehearsalKey, error) {
	public, err := tufrepo.NewKey(private.Public())
	return rehearsalKey{private, public}, err
}

func newObserverKey(path string) (rehearsalKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return rehearsalKey{}, err
	}
	k, err := rehearsal(private)
	if err != nil {
		return k, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return k, err
	}
	public, err := json.Marshal(map[string]any{"schema": 1, "name": "rehearsal", "use": tufrepo.Observers, "keyid": k.public.ID(),
		"key": k.public})
	if err != nil {
		return k, err
	}
	return k, errors.Join(durable.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600),
		durable.WriteFile(path+".pub", public, 0o644))
}
