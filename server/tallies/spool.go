// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"landed/server/fleet"
)

// temporary are the names of files on their way.
const temporary = ".taking-*"

// sweepTemporary removes what a take that was cut off left: one is taken at a time.
func sweepTemporary(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, pattern := range []string{temporary, ".places-*"} { // the second is that of older programs
		left, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, one := range left {
			_ = os.Remove(one)
		}
	}
	return nil
}

// spool is the pieces of a take on their way to the database: they are made while the installations are read, and a
// transaction that reads for minutes should not lie beside as many that write.
type spool struct {
	file  *os.File // readable by its owner alone
	to    *bufio.Writer
	kinds map[string]*summing
}

// summing adds up the pieces of a kind, which come in the order of their names.
type summing struct {
	fleet.TallyKind
	sum  hash.Hash
	last string
}

func newSpool(dir string) (*spool, error) {
	file, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return nil, err
	}
	return &spool{file, bufio.NewWriterSize(file, 1<<16), map[string]*summing{}}, nil
}

// add adds a piece.
func (s *spool) add(kind, name string, text []byte) error {
	of := s.kinds[kind]
	if of == nil {
		of = &summing{sum: sha256.New()}
		s.kinds[kind] = of
	}
	if of.Pieces > 0 && name <= of.last {
		return fmt.Errorf("piece %q of kind %s comes after %q", name, kind, of.last)
	}
	of.last = name
	of.piece(name, len(text), sha256.Sum256(text))
	_, err := fmt.Fprintf(s.to, "%s %q %d\n", kind, name, len(text))
	if err == nil {
		_, err = s.to.Write(text)
	}
	return err
}

func (s *summing) piece(name string, size int, sum [32]byte) {
	s.Pieces, s.Bytes = s.Pieces+1, s.Bytes+int64(size)
	fmt.Fprintf(s.sum, "%q %x\n", name, sum)
}

// sums are what the pieces add up to.
func (s *spool) sums() map[string]fleet.TallyKind {
	all := map[string]fleet.TallyKind{}
	for kind, of := range s.kinds {
		is := of.TallyKind
		is.Sum = hex.EncodeToString(of.sum.Sum(nil))
		all[kind] = is
	}
	return all
}

// each gives the pieces again.
func (s *spool) each(fn func(kind, name string, text []byte) error) error {
	if err := s.to.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for from := bufio.NewReaderSize(s.file, 1<<16); ; {
		var kind, name string
		var size int
		line, err := from.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Sscanf(line, "%s %q %d\n", &kind, &name, &size); err != nil {
			return err
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(from, text); err != nil {
			return err
		}
		if err := fn(kind, name, text); err != nil {
			return err
		}
	}
}

func (s *spool) discard() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}
