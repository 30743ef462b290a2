// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// ErrPassphrase says that the passphrase does not open the key file.
var ErrPassphrase = errors.New("the passphrase is wrong")

// DefaultWork is the scrypt work factor of new files, as a power of two: about a second to
// open. Tests use MinWork.
const (
	DefaultWork = 18
	MinWork     = 2
	maxWork     = 20
)

const maxFile = 64 << 10

// PublicPath is where the public half of the key file at path is kept.
func PublicPath(path string) string { return path + ".pub" }

// Save writes the key file at path, sealed with passphrase, and the public file beside it.
// It fails with fs.ErrExist if either is there, and leaves nothing behind if it fails.
func (k *Key) Save(path, passphrase string, work int) error {
	var b Batch
	defer b.Discard()
	if err := k.SaveIn(&b, path, passphrase, work); err != nil {
		return err
	}
	return b.Commit()
}

// SaveIn is Save as a part of a batch.
func (k *Key) SaveIn(b *Batch, path, passphrase string, work int) error {
	sealed, err := k.seal(passphrase, work)
	if err != nil {
		return fmt.Errorf("%s: %w", k, err)
	}
	if err := b.New(PublicPath(path), k.public.Bytes(), 0o644); err != nil {
		return err
	}
	return b.New(path, sealed, 0o600)
}

func (k *Key) seal(passphrase string, work int) ([]byte, error) {
	if passphrase == "" {
		return nil, errors.New("the passphrase is empty")
	}
	if work < MinWork || work > maxWork {
		return nil, fmt.Errorf("work factor %d; wanted %d to %d", work, MinWork, maxWork)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, err
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(work)
	var out bytes.Buffer
	text := armor.NewWriter(&out)
	w, err := age.Encrypt(text, recipient)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(der)
	if err := errors.Join(err, w.Close(), text.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Open reads the key file at path. ErrPassphrase means that passphrase is not its own.
func Open(path, passphrase string) (*Key, error) {
	public, err := ReadPublic(path)
	if err != nil {
		return nil, err
	}
	sealed, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	private, err := unseal(sealed, passphrase)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	k, err := wrap(private, public.Name, public.Use)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	if k.public != public {
		return nil, fmt.Errorf("key file %s holds another key than %s says; one of the two was swapped", path,
			PublicPath(path))
	}
	return k, nil
}

// ReadPublic reads the public half of the key file at path; no passphrase is needed.
func ReadPublic(path string) (Public, error) {
	text, err := readAtMost(PublicPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return Public{}, noPublic(path, err)
	}
	if err != nil {
		return Public{}, err
	}
	p, err := ParsePublic(text)
	if err != nil {
		return Public{}, fmt.Errorf("%s: %w", PublicPath(path), err)
	}
	return p, nil
}

// noPublic says what a person may have meant by path.
func noPublic(path string, err error) error {
	if key, ok := strings.CutSuffix(path, ".pub"); ok {
		return fmt.Errorf("%s is a public half, which signs nothing; name the key file: %s: %w", path, key, err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no key file %s: %w", path, err)
	}
	return fmt.Errorf("%s, which was written beside the key file, is not there; bring it along: %w", PublicPath(path), err)
}

func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("key file %s may be read by others (mode %04o); make it yours alone: chmod 600 %s", path,
			mode, path)
	}
	return readAtMost(path)
}

func readAtMost(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes; it is no key file", path, maxFile)
	}
	return text, err
}

func unseal(sealed []byte, passphrase string) (crypto.Signer, error) {
	if passphrase == "" {
		return nil, ErrPassphrase
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWork)
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(sealed)), identity)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, fmt.Errorf("not a key file of this program, or damaged: %w", err)
	}
	der, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("it holds a %T, which cannot sign", private)
	}
	return signer, nil
}
