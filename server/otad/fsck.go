// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"landed/server"
)

func fsckCommand(stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "fsck", Short: "Read every published file again and hold it against what was signed",
		Args: cobra.NoArgs}
	var o options
	o.flags(c)
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		cfg := o.config(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
		cfg.ReadOnly = true
		s, err := server.New(cfg)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		files := 0
		faults, err := s.Check(c.Context(), func(string) { files++ })
		if err != nil {
			return err
		}
		for _, f := range faults {
			fmt.Fprintln(stdout, f)
		}
		if len(faults) > 0 {
			return fmt.Errorf("%d faults in %d published files", len(faults), files)
		}
		fmt.Fprintf(stdout, "%d published files are as they were signed.\n", files)
		return nil
	}
	return c
}
