// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package headroom

import (
	"errors"
	"os"
)

// spaceOf cannot be asked here: then nothing is refused for want of room.
func spaceOf(string) (Space, error) { return Space{}, errors.ErrUnsupported }

// fallocate is not there: the reserve is written.
func fallocate(*os.File, int64) error { return errors.ErrUnsupported }
