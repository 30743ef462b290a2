// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"

	"landed/internal/durable"
)

// places is a file of lines on its way: there is one for each state, and too many of them to be held in memory.
type places struct {
	file *os.File // nil once it is kept
	*bufio.Writer
}

func newPlaces(dir string) (*places, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".places-*")) // of one that was cut off: one tally is taken at a time
	for _, one := range left {
		_ = os.Remove(one)
	}
	file, err := os.CreateTemp(dir, ".places-*") // readable by its owner alone
	if err != nil {
		return nil, err
	}
	return &places{file, bufio.NewWriterSize(file, 1<<16)}, nil
}

// keep has the file be there, whole, under a name in a folder that is there.
func (p *places) keep(name string) error {
	if err := errors.Join(p.Flush(), p.file.Sync(), p.file.Close(), durable.Rename(p.file.Name(), name)); err != nil {
		return err
	}
	p.file = nil
	return nil
}

// discard removes what was not kept.
func (p *places) discard() {
	if p.file != nil {
		_ = p.file.Close() // it may be closed already
		_ = os.Remove(p.file.Name())
	}
}
