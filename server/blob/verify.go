// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
)

// Verify reads the content again, from its first byte to its last, and answers [ErrMismatch] if it is
// not what ref says. It is the second pass that Commit does not make; a checker runs it over List.
func Verify(ctx context.Context, s Store, ref Ref) error {
	return VerifyPaced(ctx, s, ref, func(int) {})
}

// VerifyPaced is Verify for whoever wants to rest: pace is told after each piece how many bytes were read.
func VerifyPaced(ctx context.Context, s Store, ref Ref, pace func(read int)) error {
	c, err := s.Open(ctx, ref)
	if err != nil {
		return err
	}
	defer c.Close()
	h := sha256.New()
	n, err := io.CopyBuffer(h, untilDone{ctx, c, pace}, make([]byte, 256<<10))
	if err != nil {
		return fmt.Errorf("verify %s: after %d of %d bytes: %w", ref, n, c.Size(), err)
	}
	if got := RefOf([sha256.Size]byte(h.Sum(nil))); got != ref {
		return fmt.Errorf("verify %s: %w: its %d bytes have the digest %s; delete it and upload it again", ref, ErrMismatch,
			n, got)
	}
	return nil
}

// untilDone is a Reader that stops when its context does. It hides every other method of the content,
// so that io.CopyBuffer cannot take a way around it.
type untilDone struct {
	ctx  context.Context
	r    io.Reader
	pace func(read int)
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := u.r.Read(p)
	u.pace(n)
	return n, err
}
