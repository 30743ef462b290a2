// SPDX-License-Identifier: Apache-2.0

// Package race tells tests if the race detector watches them: each step then costs ten times as much. What tests one
// goroutine at great length learns nothing from it and is skipped; .ci/run runs the packages that ask here without it, too.
package race
