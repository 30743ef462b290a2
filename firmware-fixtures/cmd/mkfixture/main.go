// SPDX-License-Identifier: Apache-2.0

// Command mkfixture writes stand-in OTA packages, good and hostile. See landed/firmware-fixtures/mkfixture.
package main

import (
	"context"
	"os"
	"os/signal"

	"landed/firmware-fixtures/mkfixture"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(mkfixture.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
