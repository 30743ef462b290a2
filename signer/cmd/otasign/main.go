// SPDX-License-Identifier: Apache-2.0

// Command otasign is the offline program of the people who sign: it makes keys, reviews what
// the server asks for, signs, and verifies. It links no network code. See landed/signer/otasign.
package main

import (
	"os"

	"landed/signer/otasign"
)

func main() { os.Exit(otasign.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
