// SPDX-License-Identifier: Apache-2.0

//go:build !race

package race

// Detector says if this program was built with -race.
const Detector = false
