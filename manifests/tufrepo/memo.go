// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"bytes"
	"sync"
)

// Memo spares checks the reading of files that went through one before, byte for byte: of 200 models a publication changes
// one. It keeps one file of each role, and may be used from any number of goroutines.
type Memo struct {
	mu    sync.Mutex
	files map[string]sound
}

// sound is a file that passed a check, as it was read then.
type sound struct {
	text []byte
	doc  document
}

// Remembering is s with a memo; sets that are made of it by [Set.With] share it.
func (s Set) Remembering() Set {
	s.memo = &Memo{files: map[string]sound{}}
	return s
}

// find is a file that passed a check before. Of a nil memo there is none.
func (m *Memo) find(role string, text []byte) (document, bool) {
	if m == nil {
		return document{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.files[role]
	return known.doc, ok && bytes.Equal(known.text, text)
}

// passed keeps what a check found no fault in.
func (m *Memo) passed(c *checker) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.files)
	for role, doc := range c.docs {
		m.files[role] = sound{c.set.Files[role], doc}
	}
}
