// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"fmt"
	"io"
	"os"
)

// readFile reads one of the files that people carry, at most 64 MiB.
func readFile(path string) ([]byte, error) {
	const limit = 64 << 20
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && len(text) > limit {
		err = fmt.Errorf("%s is larger than 64 MiB", path)
	}
	return text, err
}

// load reads and parses a file, and names it in errors.
func load[T any](path string, parse func([]byte) (T, error)) (T, error) {
	text, err := readFile(path)
	if err != nil {
		var none T
		return none, err
	}
	v, err := parse(text)
	if err != nil {
		return v, parseError(path, text, err)
	}
	return v, nil
}
