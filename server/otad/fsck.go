// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"landed/server"
	"landed/server/fleet"
)

func fsckCommand(stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "fsck", Short: "Prove what is stored: signatures, verdicts, figures, trees, contents",
		Long: "Reads the data folder whole: the pages of the database, the signature of every report, every verdict by the\n" +
			"code that takes reports in, every figure, the Merkle trees over audit, reports and records against every head\n" +
			"that was stored or published, every published file, and the content of every package. It names each fault, and\n" +
			"changes nothing. It may run beside a server. --kept takes a signed snapshot that you keep elsewhere\n" +
			"(feed/metadata/N.snapshot.json): what it says of the trees must still be so.", Args: cobra.NoArgs}
	var o options
	o.flags(c)
	kept := c.Flags().StringSlice("kept", nil, "a signed snapshot `file` that was kept elsewhere; may be repeated")
	first := c.Flags().Bool("first", false, "end with the first check that finds a fault; the quick ones come first")
	quiet := c.Flags().Bool("quiet", false, "tell no progress")
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		cfg, err := o.config(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
		if err != nil {
			return err
		}
		cfg.ReadOnly = true
		snapshots := map[string][]byte{}
		for _, name := range *kept {
			if snapshots[filepath.Base(name)], err = os.ReadFile(name); err != nil {
				return err
			}
		}
		s, err := server.New(cfg)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		progress := func(what string) { fmt.Fprintln(stderr, "fsck:", what) }
		if *quiet {
			progress = nil
		}
		began := time.Now()
		enough := 0
		if *first {
			enough = 1
		}
		found, err := s.Check(c.Context(), snapshots, enough, progress)
		if err != nil {
			return err
		}
		for _, f := range found.Faults {
			fmt.Fprintln(stdout, f)
		}
		for _, n := range found.Notes {
			fmt.Fprintln(stdout, "Note:", n)
		}
		took := max(time.Since(began), time.Millisecond)
		fmt.Fprintf(stdout, "Checked in %s: %d published files, %d packages, %d reports of %d installations (%.0f reports/s), "+
			"trees of %d audit lines, %d reports and %d records.\n", took.Round(time.Millisecond), found.Files, found.Packages,
			found.Reports, found.Installations, float64(found.Reports)/took.Seconds(), found.Leaves[fleet.TreeAudit],
			found.Leaves[fleet.TreeReports], found.Leaves[fleet.TreeRecords])
		if found.Count > 0 && *first {
			return fmt.Errorf("%d faults so far; nothing was changed. Without --first all checks are made", found.Count)
		}
		if found.Count > 0 {
			return fmt.Errorf("%d faults; nothing was changed", found.Count)
		}
		fmt.Fprintln(stdout, "Everything is as it was signed, sealed and sent.")
		return nil
	}
	return c
}
