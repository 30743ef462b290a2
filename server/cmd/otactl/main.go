// SPDX-License-Identifier: Apache-2.0

// Command otactl is the release engineer's command line. See landed/server/otactl.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"landed/server/otactl"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := otactl.Main(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
