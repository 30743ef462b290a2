// SPDX-License-Identifier: Apache-2.0

// Package otahandset is the command line of one virtual handset: the reference client on slots in a
// folder, with the virtual firmware that the installed package brings along.
//
// Parties: somebody at a terminal or a test script, a server, and the folder that is the handset.
//
// It promises that every command finds the handset as the last one left it, killed or not. It refuses to
// set up a handset without a root and a firmware to be sold with, and one of another model than asked for.
package otahandset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"landed/firmware-fixtures/virtual"
	client "landed/handset"
	"landed/internal/cli"
)

// Main runs one command and returns its exit code: 0 done, 1 the update was refused or the server not
// reached, 2 used wrongly or the folder cannot be read.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	stdout, stderr = cli.Harmless(stdout), cli.Harmless(stderr)
	root := command(stdout)
	cli.Prepare(root, args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "otahandset:", client.Printable(err.Error()))
	if _, ok := errors.AsType[*stepError](err); ok {
		return 1
	}
	return 2
}

// stepError is a fault of a step: recorded, reported, and tried again.
type stepError struct{ error }

func (e *stepError) Unwrap() error { return e.error }

func command(out io.Writer) *cobra.Command {
	var s settings
	var dir string
	var once bool
	root := &cobra.Command{
		Use:   "otahandset",
		Short: "One virtual handset with the reference update client",
		Long: "otahandset is one handset in a folder. The first run sets it up: --server, --model, --root, --firmware and\n" +
			"--ota-key are needed once and remembered. It polls, installs, reboots and reports until it is interrupted,\n" +
			"or with --once until nothing more is due.",
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := open(dir, s, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return h.run(cmd.Context(), out, once)
		},
	}
	root.PersistentFlags().StringVar(&dir, "dir", "", "folder of the handset")
	root.PersistentFlags().DurationVar(&s.Clock, "clock-offset", 0, "the handset's clock is ahead by this `duration` "+
		"(negative: behind); to rehearse wrong clocks, and what falls due later")
	_ = root.MarkPersistentFlagRequired("dir")
	f := root.Flags()
	f.StringVar(&s.Server, "server", "", "address of the server, http://HOST:PORT")
	f.StringVar(&s.Model, "model", "", "ro.product.device that the firmware must be for")
	f.StringVar(&s.Root, "root", "", "root.json that the handset is sold with")
	f.StringVar(&s.Firmware, "firmware", "", "OTA package that the handset is sold with")
	f.StringArrayVar(&s.Keys, "ota-key", nil, "certificate of an OTA key that the firmware pins (PEM); may be repeated")
	f.StringVar(&s.Channel, "channel", "stable", "one that the server has, such as stable, beta or lab")
	f.BoolVar(&once, "once", false, "end when nothing more is due now")
	root.AddCommand(userCommands(&dir, &s.Clock, out)...)
	return root
}

// setBackup switches the app backup, if the system has one.
func (h *handset) setBackup(on bool) error {
	if h.phone.State().Backup == nil {
		return errors.New("the system of this handset has no app backup")
	}
	h.phone.SetBackup(on, h.now())
	return h.keep()
}

// userCommands are what the user of the handset does, and what support asks for.
func userCommands(dir *string, clock *time.Duration, out io.Writer) []*cobra.Command {
	with := func(use, short string, do func(*handset) error) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := open(*dir, settings{Clock: *clock}, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return do(h)
		}}
	}
	check := &cobra.Command{Use: "check", Short: "look for an update now, as when its user asks, and end when nothing " +
		"more is due", Args: cobra.NoArgs}
	server := check.Flags().String("server", "", "address of the server, for this run")
	check.RunE = func(cmd *cobra.Command, _ []string) error {
		h, err := open(*dir, settings{Server: *server, Clock: *clock}, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		h.client.Hurry()
		return h.run(cmd.Context(), out, true)
	}
	return []*cobra.Command{
		check,
		with("reference", "print the support reference of this installation", func(h *handset) error {
			_, err := fmt.Fprintln(out, h.client.Reference())
			return err
		}),
		with("status", "print what the handset knows about itself, with its answers, as JSON", func(h *handset) error {
			st, err := h.client.Status()
			if err != nil {
				return err
			}
			enc := json.NewEncoder(out)
			enc.SetIndent("", "  ")
			return enc.Encode(st)
		}),
		with("optin", "switch Cloud Messaging on, as its user", func(h *handset) error {
			h.phone.OptIn(virtual.SurfaceMessaging, h.client.Time())
			return h.keep()
		}),
		with("optout", "switch Cloud Messaging off, as its user", func(h *handset) error {
			h.phone.OptOut(virtual.SurfaceMessaging, h.client.Time())
			return h.keep()
		}),
		with("backup-on", "switch the app backup on, as its user", func(h *handset) error { return h.setBackup(true) }),
		with("backup-off", "switch the app backup off, as its user", func(h *handset) error { return h.setBackup(false) }),
		with("install-app", "install an app, as its user", func(h *handset) error {
			h.phone.AppInstalled(h.now())
			return h.keep()
		}),
		with("reset", "factory reset: a new installation on the same system", func(h *handset) error {
			h.phone.FactoryReset(h.now())
			h.radioUp()
			return errors.Join(client.Reset(h.path(clientDir)), h.keep())
		}),
	}
}
