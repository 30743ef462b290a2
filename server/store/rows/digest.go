// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
)

// rowDigest is the digest of all columns of a row: their names, and their values with their types and lengths.
func rowDigest(rows Rows) (string, error) {
	names, values, err := scanAll(rows)
	if err != nil {
		return "", err
	}
	return digestOf(names, values), nil
}

// keyedDigest takes the last column as the name of the row.
func keyedDigest(rows Rows) (key, sum string, err error) {
	names, values, err := scanAll(rows)
	if err != nil {
		return "", "", err
	}
	last := len(values) - 1
	return fmt.Sprint(values[last]), digestOf(names[:last], values[:last]), nil
}

func scanAll(rows Rows) (names []string, values []any, err error) {
	if names, err = rows.Columns(); err != nil {
		return nil, nil, err
	}
	values = make([]any, len(names))
	into := make([]any, len(names))
	for n := range values {
		into[n] = &values[n]
	}
	err = rows.Scan(into...)
	for n, v := range values {
		if narrow, ok := v.(int32); ok { // the engines need not have a number equally wide
			values[n] = int64(narrow)
		}
	}
	return names, values, err
}

func digestOf(names []string, values []any) string {
	h := sha256.New()
	for n, name := range names {
		hashPart(h, "name", []byte(name))
		switch v := values[n].(type) {
		case []byte:
			hashPart(h, "blob", v)
		default:
			hashPart(h, fmt.Sprintf("%T", v), fmt.Append(nil, v))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func hashPart(h hash.Hash, kind string, part []byte) {
	h.Write(binary.BigEndian.AppendUint64(append([]byte(kind), 0), uint64(len(part))))
	h.Write(part)
}
