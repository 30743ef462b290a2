// SPDX-License-Identifier: Apache-2.0

// Command otahandset is one virtual handset with the reference client, in real time, against any
// server. See landed/handset/otahandset.
package main

import (
	"os"

	"landed/handset/otahandset"
)

func main() { os.Exit(otahandset.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
