// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
)

// sorter puts hashes of many cells into their order, of which it holds some in memory and the others in a file.
type sorter struct {
	dir    string
	most   int // held in memory
	held   []hashed
	file   *os.File
	runs   []int64 // where each ends in file
	spoilt error
}

// hashed is the number of a cell and a hash, in their order.
type hashed [4 + 32]byte

func (h hashed) cell() uint32 { return binary.BigEndian.Uint32(h[:4]) }

// inMemory is how many hashes a sorter holds: nine megabytes.
const inMemory = 1 << 18

func (s *sorter) add(cell uint32, hash []byte) error {
	var one hashed
	binary.BigEndian.PutUint32(one[:], cell)
	copy(one[4:], hash)
	if s.held = append(s.held, one); len(s.held) < s.most || s.spoilt != nil {
		return s.spoilt
	}
	s.spoilt = s.spill()
	return s.spoilt
}

func (s *sorter) sort() {
	slices.SortFunc(s.held, func(a, b hashed) int { return bytes.Compare(a[:], b[:]) })
}

// spill moves what is held to the file.
func (s *sorter) spill() (err error) {
	if s.file == nil {
		if s.file, err = os.CreateTemp(s.dir, temporary); err != nil {
			return err
		}
	}
	s.sort()
	to := bufio.NewWriterSize(s.file, 1<<16)
	for _, one := range s.held {
		_, _ = to.Write(one[:]) // Flush has the error
	}
	end, last := int64(len(s.held)*len(hashed{})), len(s.runs)-1
	if last >= 0 {
		end += s.runs[last]
	}
	s.runs, s.held = append(s.runs, end), s.held[:0]
	return to.Flush()
}

// each gives everything in order.
func (s *sorter) each(fn func(hashed) error) error {
	if s.spoilt != nil {
		return s.spoilt
	}
	s.sort()
	all := merge{}
	if len(s.held) > 0 {
		all = append(all, &run{held: s.held[1:], next: s.held[0]})
	}
	from := int64(0)
	for _, end := range s.runs {
		one := &run{file: bufio.NewReaderSize(io.NewSectionReader(s.file, from, end-from), 1<<16)}
		if more, err := one.step(); err != nil || !more {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
		all, from = append(all, one), end
	}
	for heap.Init(&all); len(all) > 0; {
		if err := fn(all[0].next); err != nil {
			return err
		}
		more, err := all[0].step()
		switch {
		case err != nil:
			return err
		case more:
			heap.Fix(&all, 0)
		default:
			heap.Pop(&all)
		}
	}
	return nil
}

func (s *sorter) discard() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}

// run is a part that is in order already: held, or in a file.
type run struct {
	next hashed
	held []hashed
	file *bufio.Reader
}

func (r *run) step() (more bool, err error) {
	if r.file == nil {
		if len(r.held) == 0 {
			return false, nil
		}
		r.next, r.held = r.held[0], r.held[1:]
		return true, nil
	}
	_, err = io.ReadFull(r.file, r.next[:])
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}

// merge implements heap.Interface.
type merge []*run

func (m merge) Len() int           { return len(m) }
func (m merge) Less(i, j int) bool { return bytes.Compare(m[i].next[:], m[j].next[:]) < 0 }
func (m merge) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(one any)      { *m = append(*m, one.(*run)) }
func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
