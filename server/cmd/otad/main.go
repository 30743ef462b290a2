// SPDX-License-Identifier: Apache-2.0

// Command otad is the update server: it serves the signed feed, takes reports in, and shows
// the status of rollouts. See landed/server/otad.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"landed/server/otad"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(otad.Main(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}
