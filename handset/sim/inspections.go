// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"sync"

	client "landed/handset"
	"landed/manifests/otapkg"
)

// inspections remembers what otapkg said of a package for a model. The key holds the digest that each
// handset has computed over its own download, so equal bytes are looked at once and others never by mistake.
type inspections struct {
	mu   sync.Mutex
	made map[inspectionKey]*inspection
}

type inspectionKey struct {
	sha256, model, channel string
}

type inspection struct {
	once     sync.Once
	facts    otapkg.Facts
	findings otapkg.Findings
	err      error
}

func (s *inspections) inspect(
	r io.ReaderAt, size int64, sha256 string, p otapkg.Policy,
) (otapkg.Facts, otapkg.Findings, error) {
	key := inspectionKey{sha256, p.Model, p.Channel}
	s.mu.Lock()
	if s.made == nil {
		s.made = map[inspectionKey]*inspection{}
	}
	i := s.made[key]
	if i == nil {
		i = &inspection{}
		s.made[key] = i
	}
	s.mu.Unlock()
	i.once.Do(func() { i.facts, i.findings, i.err = client.Inspect(r, size, sha256, p) })
	return i.facts, i.findings, i.err
}

func seedOf(name string) uint64 {
	sum := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint64(sum[:])
}

func chachaSeed(seed uint64, name string) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte(name), seed))
}
