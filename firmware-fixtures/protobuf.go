// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

func pbInt(m []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), v)
}

func pbBytes(m []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), v)
}

func pbString(m []byte, field protowire.Number, v string) []byte { return pbBytes(m, field, []byte(v)) }

func decimal(v int64) string { return strconv.FormatInt(v, 10) }
