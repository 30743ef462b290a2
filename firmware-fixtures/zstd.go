// SPDX-License-Identifier: Apache-2.0

package fixtures

import "encoding/binary"

// ZstdStored is a Zstandard frame (RFC 8878) that holds b as it is, in blocks of the largest size.
func ZstdStored(b []byte) []byte {
	const most = 128 << 10
	const oneSegmentSizeOf4 = 2<<6 | 1<<5
	z := append([]byte{0x28, 0xb5, 0x2f, 0xfd}, oneSegmentSizeOf4)
	z = binary.LittleEndian.AppendUint32(z, uint32(len(b)))
	for first := true; first || len(b) > 0; first = false {
		n := min(len(b), most)
		head := uint32(n) << 3
		if n == len(b) {
			head |= 1 // the last one
		}
		z = append(z, byte(head), byte(head>>8), byte(head>>16))
		z, b = append(z, b[:n]...), b[n:]
	}
	return z
}
