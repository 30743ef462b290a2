// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"landed/internal/durable"
)

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is larger than %s; is it the right file?", path, size(limit))
	}
	return text, nil
}

// writeNew writes a file whole or not at all, with a mode. A file that is there already stays,
// and is an error unless it holds the same.
func writeNew(path string, text []byte, mode os.FileMode) error {
	if have, err := readFile(path, int64(len(text))); err == nil && bytes.Equal(have, text) {
		return nil
	}
	err := durable.WriteNew(path, text, mode)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists and holds something else; move it away, or name another file", path)
	}
	return err
}
