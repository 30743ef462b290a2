// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"io"
)

// body is the content of an entry: it can be read as often as needed, so that digests which stand before
// the bytes can be written without holding the bytes in memory.
type body struct {
	size int64
	open func() io.Reader
}

func bytesBody(b []byte) body {
	return body{int64(len(b)), func() io.Reader { return bytes.NewReader(b) }}
}

// padding is size bytes that no compressor shortens, the same for the same seed: an AES-CTR key stream.
func padding(seed string, size int64) body {
	return body{size, func() io.Reader {
		key := sha256.Sum256([]byte(seed))
		block, err := aes.NewCipher(key[:])
		if err != nil {
			panic(err) // a 32-byte key is always accepted
		}
		return io.LimitReader(cipher.StreamReader{S: cipher.NewCTR(block, make([]byte, aes.BlockSize)), R: zeros{}}, size)
	}}
}

// join reads several bodies as one.
func join(parts ...body) body {
	all := body{open: func() io.Reader {
		var rs []io.Reader
		for _, p := range parts {
			rs = append(rs, p.open())
		}
		return io.MultiReader(rs...)
	}}
	for _, p := range parts {
		all.size += p.size
	}
	return all
}

func readAll(b body) []byte {
	out, err := io.ReadAll(b.open())
	if err != nil {
		panic(err) // bodies are made in memory; reading one cannot end early
	}
	return out
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
