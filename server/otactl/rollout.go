// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"landed/internal/format"
	"landed/server/otactl/client"
)

func (a *app) rolloutCommand() *cobra.Command {
	return group("rollout", "Start, watch, halt and resume rollouts", a.rolloutStart(), a.rolloutStatus(),
		a.rolloutTurn("halt", "Stop a rollout at once: handsets that have not begun do not begin", (*client.Client).Halt),
		a.rolloutTurn("resume", "Let a held or halted rollout go on", (*client.Client).Resume))
}

func (a *app) rolloutStart() *cobra.Command {
	var models []string
	var all bool
	var channel, stagesFile string
	c := &cobra.Command{
		Use:   "start RELEASE (--model MODEL... | --all)",
		Short: "Let a published release go to models, in stages",
		Long: "Starts one rollout per model. Without --stages the server takes its own: 1%, 10%, 50%\n" +
			"and all of the fleet, each with gates. " + stagesHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var stages []client.Stage
			if stagesFile != "" {
				text, err := readFile(stagesFile, 64<<10)
				if err != nil {
					return err
				}
				if stages, err = parseStages(text); err != nil {
					return fmt.Errorf("%s: %w", stagesFile, err)
				}
			}
			server, err := a.server()
			if err != nil {
				return err
			}
			started, err := server.StartRollout(cmd.Context(), args[0], models, channel, stages)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"rollouts": started}, func() { a.rolloutTable(started) })
		},
	}
	c.Flags().StringSliceVar(&models, "model", nil, "device or role name of a `model`; may be repeated")
	c.Flags().BoolVar(&all, "all", false, "every model that the release has a package for")
	c.Flags().StringVar(&channel, "channel", "stable", "channel to roll out on")
	c.Flags().StringVar(&stagesFile, "stages", "", "YAML `file` with the stages")
	c.MarkFlagsOneRequired("model", "all")
	c.MarkFlagsMutuallyExclusive("model", "all")
	return c
}

func (a *app) rolloutTurn(
	use, short string, turn func(*client.Client, context.Context, string, string) (client.Rollout, error),
) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: use + " ID --reason WHY", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			r, err := turn(server, cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			return a.answer(r, func() { a.rolloutTable([]client.Rollout{r}) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; support staff read it")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

func (a *app) rolloutStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status [ID]", Short: "Show where rollouts stand and what they wait for", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				all, err := server.Rollouts(cmd.Context())
				if err != nil {
					return err
				}
				return a.answer(map[string]any{"rollouts": all}, func() { a.rolloutTable(all) })
			}
			r, err := server.Rollout(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.answer(r, func() { a.sayRollout(r) })
		},
	}
}

func (a *app) rolloutTable(all []client.Rollout) {
	var rows [][]string
	for _, r := range all {
		rows = append(rows, []string{r.ID, r.State, fmt.Sprintf("%d of %d", r.Stage, len(r.Stages)), format.Percent(r.Share),
			proven(r), r.By, because(r)})
	}
	a.table("There are no rollouts yet; begin with: otactl rollout start RELEASE --all",
		[]string{"ROLLOUT", "STATE", "STAGE", "SHARE", "PROVEN", "BY", "WHY"}, rows)
}

// proven is how many installations have shown the effect, of those that run the build.
func proven(r client.Rollout) string {
	if r.Counts == nil {
		return ""
	}
	return fmt.Sprintf("%d of %d", r.Counts.Proven, r.Counts.Running)
}

// because is why a rollout is where it is.
func because(r client.Rollout) string {
	switch {
	case r.State == "halted":
		return "halted because " + r.Reason
	case r.Held != "":
		return "held because " + r.Held
	case len(r.Waiting) > 0:
		return "waits until " + strings.Join(r.Waiting, ", and ")
	}
	return ""
}

// classes are the verdicts in the order in which they are shown.
var classes = []string{"confirmed_off", "consented", "carried_over", "registered_by_itself", "not_exercised", "leak",
	"contradictory", "unpatched", "unknown"}

func (a *app) sayRollout(r client.Rollout) {
	a.say("%s: %s", clean(r.ID), clean(r.State))
	if why := because(r); why != "" {
		a.paragraph(clean(why))
	}
	var packages []string
	for _, ref := range r.Packages {
		packages = append(packages, short(clean(ref)))
	}
	a.paragraph(fmt.Sprintf("release %s, model %s, channel %s, package %s",
		clean(r.Release), clean(r.Model), clean(r.Channel), strings.Join(packages, " and ")))
	a.say("  started %s, in this stage since %s UTC, last turned by %s", when(r.Started), when(r.Since), clean(r.By))
	var rows [][]string
	for i, s := range r.Stages {
		now := ""
		if i+1 == r.Stage {
			now = "now"
		}
		leaks := "default"
		if s.Gates.HaltLeaks > 0 {
			leaks = fmt.Sprint(s.Gates.HaltLeaks)
		}
		rows = append(rows, []string{fmt.Sprint(i + 1), format.Percent(s.Share), s.Soak, fmt.Sprint(s.Gates.MinReports),
			format.Percent(s.Gates.MinProven), format.Percent(s.Gates.MaxFailures), leaks, now})
	}
	a.table("", []string{"STAGE", "SHARE", "SOAK", "REPORTS", "PROVEN", "FAILURES", "HALTING LEAKS", ""}, rows)
	if c := r.Counts; c != nil {
		a.say("%d installations: %d began, %d run the build, %d failed, %d judged, %d proven", c.Installations, c.Began,
			c.Running, c.Failed, c.Judged, c.Proven)
		for _, class := range classes {
			if n := c.Verdicts[class]; n > 0 {
				a.say("  %-22s %d", class, n)
			}
		}
	}
}
