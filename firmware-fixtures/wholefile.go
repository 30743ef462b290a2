// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"crypto"
	_ "crypto/sha1" // whole-file signatures of the SHA-1 age
	"errors"
	"fmt"
	"hash"
	"io"
)

const signMessage = "signed by SignApk\x00"

// tailSigner passes a zip archive through, all but its last two bytes: the comment length, which the
// whole-file signature does not cover. finish signs what went by and writes length and comment.
// The layout is that of AOSP's SignApk.java (signWholeFile) and of recovery's verifier.
type tailSigner struct {
	w    io.Writer
	hash hash.Hash
	held []byte
}

func newTailSigner(w io.Writer, k Key) *tailSigner {
	return &tailSigner{w: w, hash: k.hash().New()}
}

func (t *tailSigner) Write(p []byte) (int, error) {
	all := append(t.held, p...)
	ready := max(0, len(all)-2)
	t.hash.Write(all[:ready])
	if _, err := t.w.Write(all[:ready]); err != nil {
		return 0, err
	}
	t.held = append(all[:0], all[ready:]...)
	return len(p), nil
}

// finish writes the comment: message, PKCS #7, footer.
func (t *tailSigner) finish(k Key) error {
	comment, err := signatureComment(k, t.hash.Sum(nil), k.hash())
	if err != nil {
		return err
	}
	_, err = t.w.Write(comment)
	return err
}

// signatureComment is the comment of a signed archive with its two-byte length in front.
func signatureComment(k Key, digest []byte, h crypto.Hash) ([]byte, error) {
	der, err := pkcs7(digest, h, k)
	if err != nil {
		return nil, fmt.Errorf("whole-file signature: %w", err)
	}
	return commentAround([]byte(signMessage), der), nil
}

// commentAround puts message, signature and footer together, with the length in front.
func commentAround(message, der []byte) []byte {
	size := uint16(len(message) + len(der) + 6)
	c := append(append(le(nil, size), message...), der...)
	return le(c, uint16(len(der)+6), uint16(0xffff), size)
}

// SignArchive copies a zip archive from r to w and signs it as a whole. The archive must have no comment, which is
// where the signature goes; whether it is a sound archive is not looked at. It is an error if r does not end as an
// archive without a comment does, with two zero bytes. Memory does not grow with the archive.
func SignArchive(w io.Writer, r io.Reader, k Key) error {
	if err := k.check(); err != nil {
		return err
	}
	t := newTailSigner(w, k)
	if _, err := io.CopyBuffer(t, struct{ io.Reader }{r}, make([]byte, 1<<20)); err != nil {
		return fmt.Errorf("sign archive: %w", err)
	}
	if len(t.held) != 2 || t.held[0] != 0 || t.held[1] != 0 {
		return errors.New("sign archive: it ends with a comment, or is no zip archive; wanted one without a comment")
	}
	return t.finish(k)
}

// writeSigned writes the archive of these entries with its whole-file signature.
func writeSigned(w io.Writer, entries []entry, k Key) error {
	t := newTailSigner(w, k)
	if err := writeArchive(t, entries, nil); err != nil {
		return err
	}
	return t.finish(k)
}
