// SPDX-License-Identifier: Apache-2.0

// Command otasim is a fleet of virtual handsets against a running server. See landed/handset/otasim.
package main

import (
	"os"

	"landed/handset/otasim"
)

func main() { os.Exit(otasim.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
