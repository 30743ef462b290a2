// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Discreet says what is wrong with JSON without repeating any of it: encoding/json names
// unknown fields and quotes numbers.
func Discreet(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := strings.TrimPrefix(t.Field, "Body.")                // a version may embed the one before it
		return fmt.Errorf("%s: wanted another type or range", field) // a name of ours
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("no JSON, from byte %d on", s.Offset)
	}
	return errors.New("wanted exactly one JSON object, whole, without an unknown field")
}
