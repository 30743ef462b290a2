// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/hex"
)

// weak are the points of small order by their y, little-endian (curve25519, order 1, 2, 4, 8 and 8). For such a key
// anybody can write a signature, one that fits many messages; nobody holds its secret.
var weak = [][]byte{
	fromHex("0100000000000000000000000000000000000000000000000000000000000000"),
	fromHex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
	fromHex("0000000000000000000000000000000000000000000000000000000000000000"),
	fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
	fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
}

// prime is 2^255 - 19. A y from there on is a second way to write a point (RFC 8032, 5.1.3 refuses it; crypto/ed25519
// reads it), so one key would be two installations.
var prime = fromHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")

// ownKey says if an Ed25519 public key can be that of one installation, in its one written form. Whether it is a
// point at all is seen when a signature is verified.
func ownKey(key []byte) bool {
	y := bytes.Clone(key)
	y[31] &= 0x7f // the sign of x
	for _, w := range weak {
		if bytes.Equal(y, w) {
			return false
		}
	}
	return y[31] != prime[31] || !bytes.Equal(y[1:31], prime[1:31]) || y[0] < prime[0]
}

func fromHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}
