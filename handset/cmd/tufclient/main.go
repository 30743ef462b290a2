// SPDX-License-Identifier: Apache-2.0

// Command tufclient shows the reference client of handsets to suites that test clients of TUF. It is a tool of tests alone: nobody
// installs it, and no handset has it. docs/design/tuf-clients.md says how to run the public suite with it.
//
// Parties: tuf-conformance (theupdateframework), which calls it and looks at its exit code, its files and its requests. It promises
// that all that is trusted, refused and downloaded goes through handset.Client; own are only the command line, the addresses
// and where files lie. It refuses what that refuses; it installs nothing and reports to nobody.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

const usage = `usage: tufclient [FLAGS] init ROOT | refresh | download

The client of handsets behind the command line of the tuf-conformance suite. For tests alone; not installed.
`

// options are the flags, as the suite names them.
type options struct {
	metadataDir, metadataURL string
	targetDir, targetURL     string
	targets                  []string
	settled                  bool
}

func run(args []string, log io.Writer) (code int) {
	var o options
	flags := flag.NewFlagSet("tufclient", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.Usage = func() { fmt.Fprint(log, usage); flags.PrintDefaults() }
	flags.StringVar(&o.metadataDir, "metadata-dir", "", "folder of the trusted metadata")
	flags.StringVar(&o.metadataURL, "metadata-url", "", "address of the metadata")
	flags.StringVar(&o.targetDir, "target-dir", "", "folder of what was downloaded")
	flags.StringVar(&o.targetURL, "target-base-url", "", "address of the targets")
	flags.BoolVar(&o.settled, "settled", false, "remember each refresh as a poll that led to a decision")
	flags.Func("target-name", "path of a target; may be repeated", func(s string) error {
		o.targets = append(o.targets, s)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := o.command(context.Background(), flags.Args(), log); err != nil {
		fmt.Fprintln(log, "tufclient:", err)
		return 1
	}
	return 0
}

func (o options) command(ctx context.Context, args []string, log io.Writer) error {
	if o.metadataDir == "" || len(args) == 0 {
		return errors.New(strings.TrimSpace(usage))
	}
	switch {
	case args[0] == "init" && len(args) == 2:
		return begin(o.metadataDir, args[1])
	case args[0] == "refresh" && len(args) == 1 && o.metadataURL != "":
		_, err := o.refresh(ctx, log)
		return err
	case args[0] == "download" && len(args) == 1 && o.metadataURL != "" && o.targetURL != "" && o.targetDir != "":
		return o.download(ctx, log)
	}
	return fmt.Errorf("%s\nit was called with %q, or a flag is missing", strings.TrimSpace(usage), args)
}
