// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

// reports are the commands about what handsets said.
type reports struct {
	server *connection
	out    *printer
}

func (g *reports) command() *cobra.Command {
	return group("reports", "Take a flood of reports out of the figures", g.quarantine())
}

func (g *reports) quarantine() *cobra.Command {
	var seen, model, reason, lift string
	c := &cobra.Command{
		Use: "quarantine [--first-seen FROM..TO [--model M] | --lift ID] --reason WHY", Args: cobra.NoArgs,
		Short: "Take installations out of the figures by when they were first heard of",
		Long: "Takes installations out of all figures that were first heard of from FROM on and before TO. Both are UTC,\n" +
			"as 2014-08-10 or 2014-08-10T14:30; a TO that is to come is now. Their reports are kept. What they say makes\n" +
			"no difference, but that who leaks or fails later, where nobody had, is in the figures again.\n" +
			"--lift takes a quarantine back. Without --first-seen and --lift it lists them.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			switch {
			case seen != "" && lift != "":
				return errors.New("give --first-seen or --lift, not both")
			case seen == "" && lift == "":
				return g.list(cmd, server)
			case reason == "":
				return errors.New("--reason is wanted: it is kept in the audit trail")
			case lift != "":
				done, err := server.Fleet().Lift(cmd.Context(), lift, reason)
				if err != nil {
					return err
				}
				return g.out.answer(done, func() {
					g.out.say("Quarantine %s is lifted: what it covered is in the figures again.%s %s", done.ID, going(done.Applied), askAfter)
				})
			}
			from, to, err := span(seen)
			if err != nil {
				return err
			}
			done, err := server.Fleet().Quarantine(cmd.Context(), from, to, model, reason)
			if err != nil {
				return err
			}
			return g.out.answer(done, func() { g.tell(done) })
		},
	}
	c.Flags().StringVar(&seen, "first-seen", "", "FROM..TO in UTC; TO is not covered")
	c.Flags().StringVar(&model, "model", "", "of this device alone")
	c.Flags().StringVar(&lift, "lift", "", "the id of a quarantine to take back")
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	return c
}

// askAfter is what a flood may have cost beside its own figures.
const askAfter = "If reports were refused or lost meanwhile, \"otactl fleet ask\" brings them back."

func (g *reports) tell(q client.Quarantine) {
	g.out.say("Quarantine %s: %d installations are out of the figures, of which %d had leaked or failed. \"otactl reports "+
		"quarantine --lift %s\" takes it back.%s %s", q.ID, q.Installations, q.Bad, q.ID, going(q.Applied), askAfter)
}

func (g *reports) list(cmd *cobra.Command, server *client.Client) error {
	all, err := server.Fleet().Quarantines(cmd.Context())
	if err != nil {
		return err
	}
	return g.out.answer(map[string]any{"quarantines": all}, func() {
		list := table{none: "Nothing is quarantined.",
			head: []string{"ID", "FROM (UTC)", "TO (UTC)", "MODEL", "INSTALLATIONS", "BAD", "BY", "STATE", "REASON"}}
		for _, q := range all {
			state := "holds"
			if q.Lifted != nil {
				state = "lifted by " + q.LiftedBy
			}
			list.add(q.ID, when(q.From), when(q.To), q.Model, fmt.Sprint(q.Installations), fmt.Sprint(q.Bad), q.By, state, q.Reason)
		}
		g.out.table(list)
	})
}

// span reads FROM..TO.
func span(text string) (from, to time.Time, err error) {
	first, last, ok := strings.Cut(text, "..")
	from, err1 := moment(first)
	to, err2 := moment(last)
	if err := errors.Join(err1, err2); err != nil || !ok {
		return from, to, fmt.Errorf("--first-seen is %.60q; wanted FROM..TO in UTC, such as 2014-08-10..2014-08-12 or "+
			"2014-08-10T14:30..2014-08-10T15:00", text)
	}
	return from, to, nil
}

func moment(text string) (at time.Time, err error) {
	for _, form := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if at, err = time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return at, err
}
