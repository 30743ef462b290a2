// SPDX-License-Identifier: Apache-2.0

//go:build race

package handset

func init() { markedFleet = 100 } // what races can be seen are seen with these, and each costs ten times as much
