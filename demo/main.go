// SPDX-License-Identifier: Apache-2.0

// Package main is the demo: one fix, from upload to proof, with the real parts of Landed; and what follows it.
//
// Parties: the real server, on its embedded defaults, behind a real socket; the release
// engineers, who use its API as otactl does; the signers, who review and sign as otasign
// does; a fleet of virtual handsets that run the real client on accelerated time.
//
// It promises that what it prints happened, and that "agrees" compares the page with what
// the handsets really did: the installed files, their userdata, and an observer that
// receives what they send, never a report. It refuses to switch anything by a flag: a
// handset behaves as the firmware says that it downloaded, verified and installed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"landed/internal/cli"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the flags.
type options struct {
	once     bool
	story    string
	json     bool
	handsets int
	addr     string
	socket   *os.File // that listens already, in the place of addr; nil if none does
	data     string
	seed     uint64
	pace     time.Duration
	database string
	replicas int
	save     string
	base     string // address that files for the updaters of others name; "" for none
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&o.once, "once", false, "run to the end without waiting for anyone, then stop")
	flags.StringVar(&o.story, "story", "first", "what is told: "+storyNames())
	flags.BoolVar(&o.json, "json", false, "print one JSON object and nothing else")
	flags.IntVar(&o.handsets, "handsets", 420, "virtual handsets, over all models; 70 at least")
	flags.StringVar(&o.addr, "addr", "", "where to listen; 127.0.0.1:8080, or any free port with -once")
	flags.StringVar(&o.data, "data", "", "data folder to keep; a temporary one by default")
	flags.Uint64Var(&o.seed, "seed", 2014, "of the fleet's chances")
	flags.StringVar(&o.database, "database", "", "keep the fleet in this PostgreSQL database, postgres://user@host/name, which is "+
		"empty; a file by default")
	flags.IntVar(&o.replicas, "replicas", 1, "servers on the database of -database, to which requests go in turn")
	flags.StringVar(&o.save, "save", "", "keep in this folder what \"otactl verify-status\" checks at the end")
	version := flags.Bool("version", false, "say by what source this program was built, and end")
	flags.DurationVar(&o.pace, "pace", 2800*time.Millisecond, "real time that one virtual day takes, without -once")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *version {
		fmt.Fprintln(stdout, cli.Version("demo"))
		return 0
	}
	if flags.NArg() > 0 || o.handsets < 70 || o.replicas < 1 || o.replicas > 1 && o.database == "" {
		fmt.Fprintln(stderr, "demo: no arguments are taken, and a fleet has 70 handsets at least, ten of each model")
		return 2
	}
	if stories[o.story] == nil {
		fmt.Fprintf(stderr, "demo: no story is called %q; there are %s\n", o.story, storyNames())
		return 2
	}
	if o.addr == "" {
		o.addr = "127.0.0.1:8080"
		if o.once {
			o.addr = "127.0.0.1:0"
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return tell(ctx, o, stdout, stderr)
}

// tell runs the story and returns the exit code.
func tell(ctx context.Context, o options, stdout, stderr io.Writer) int {
	news := newsTo(stdout)
	if o.json {
		news = newsTo(io.Discard)
	}
	result, err := story(ctx, o, news)
	news.end()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil && !o.once {
		fmt.Fprintln(stdout, "Stopped.")
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	if o.json {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		_ = enc.Encode(result)
	} else {
		result.print(stdout)
	}
	if !result.Agrees {
		return 1
	}
	return 0
}
