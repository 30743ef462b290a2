// SPDX-License-Identifier: Apache-2.0

// Package format writes the two kinds of value that every part of Landed writes, in one way: shares and
// digests.
//
// Parties: documents, pages, command lines. It promises the same text for the same value everywhere. It
// refuses to know a language: how a page words a share is the page's part.
package format

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Percent writes hundredths of a percent: 150 is "1.5 %".
func Percent(hundredths int) string {
	return strconv.FormatFloat(float64(hundredths)/100, 'f', -1, 64) + " %"
}

// SHA256 is the digest of b in 64 lower-case hexadecimal digits.
func SHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
