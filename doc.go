// SPDX-License-Identifier: Apache-2.0

// Package landed is the root of the house; it holds no code, only rules_test.go,
// which says who may import whom. Start with README.md, then docs/tour.md.
package landed
