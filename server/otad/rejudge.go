// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/user"

	"github.com/spf13/cobra"

	"landed/server"
	"landed/server/intake"
)

func rejudgeCommand(stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "rejudge", Short: "Judge stored reports again, after a new version of the program changed a rule",
		Long: "Judges every stored installation again by all its reports, and moves the figures with the verdicts.\n" +
			"It may run beside a server on the same folder, goes on where it was interrupted, and is on the audit\n" +
			"trail. The reports themselves are never changed.", Args: cobra.NoArgs}
	var o options
	o.flags(c)
	release := c.Flags().String("release", "", "`name` of the release (default: every published one)")
	by := c.Flags().String("by", "", "`name` for the audit trail (default: the user of this machine)")
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		cfg, err := o.config(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
		if err != nil {
			return err
		}
		cfg.ReadOnly = true // of the feed: it is not healed, and the folder is not locked
		s, err := server.New(cfg)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		done, err := s.Rejudge(c.Context(), *release, whoAmI(*by), func(r intake.Rejudged) {
			fmt.Fprintf(stderr, "%s: %d judged, %d changed\n", r.Release, r.Judged, r.Changed)
		})
		for _, r := range done {
			fmt.Fprintf(stdout, "%s: %d installations were judged again, %d stand otherwise now.\n", r.Release, r.Judged, r.Changed)
			if r.Settled > 0 {
				fmt.Fprintf(stdout, "%s: %d of them begin with what a cut settled, because older reports were dropped: what those said is "+
					"judged as it was.\n", r.Release, r.Settled)
			}
		}
		if err != nil {
			return fmt.Errorf("%w; what was done stands, run it again to go on", err)
		}
		return nil
	}
	return c
}

// whoAmI is who is named on the trail.
func whoAmI(by string) string {
	if by != "" {
		return by
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "otad"
}
