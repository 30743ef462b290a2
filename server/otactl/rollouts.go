// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"landed/internal/format"
	"landed/server/otactl/client"
)

// rollouts are the commands about releases on their way to models.
type rollouts struct {
	server *connection
	out    *printer
}

func (g *rollouts) command() *cobra.Command {
	return group("rollout", "Start, watch, steer, halt and resume rollouts", g.start(), g.status(),
		g.change("halt", "Stop a rollout at once: handsets that have not begun do not begin", haltFor),
		g.resume(),
		g.change("pause", "Have a rollout stay at its share until it is resumed", client.Rollouts.Pause),
		g.widen(),
		g.change("retry", "Ask handsets that gave up to try again", client.Rollouts.Retry),
		g.stages())
}

func (g *rollouts) start() *cobra.Command {
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
				var err error
				if stages, err = readStages(stagesFile); err != nil {
					return err
				}
			}
			server, err := g.server.client()
			if err != nil {
				return err
			}
			started, err := server.Rollouts().Start(cmd.Context(), args[0], models, channel, stages)
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"rollouts": started}, func() {
				g.out.table(rolloutTable(started))
				g.sayCautions(started)
			})
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

func (g *rollouts) change(
	use, short string, how func(client.Rollouts, context.Context, string, string) (client.Rollout, error),
) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: use + " ID --reason WHY", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			r, err := how(server.Rollouts(), cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			return g.out.answer(r, func() {
				if r.Repeated {
					g.out.say("It was so already, and was published again; a new reason is on the audit trail.")
				}
				g.out.table(rolloutTable([]client.Rollout{r}))
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; support staff read it")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

// haltFor halts, and takes no other answer for a halt.
func haltFor(r client.Rollouts, ctx context.Context, id, reason string) (client.Rollout, error) {
	is, err := r.Halt(ctx, id, reason)
	if err == nil && is.State != "halted" && is.State != "halting" {
		err = &client.Error{Code: "not_halted", Title: "Not halted", Detail: fmt.Sprintf("the server took the halt of %s, and says "+
			"that it is %s: something undid it, or another hand is in the database (otad fsck). Halt it again", id, is.State)}
	}
	return is, err
}

func (g *rollouts) resume() *cobra.Command {
	stop := ""
	c := g.change("resume", "Let a held or halted rollout go on; what is known against it is forgiven",
		func(r client.Rollouts, ctx context.Context, id, reason string) (client.Rollout, error) {
			return r.Resume(ctx, id, stop, reason)
		})
	c.Long = "Lets a rollout go on that is held or halted. A halt is ended by who says which one is meant: --stop, as\n" +
		"\"otactl rollout status ID\" shows it. So what was sent to end a hold undoes no halt that came meanwhile."
	c.Flags().StringVar(&stop, "stop", "", "the `digits` of the stop that is to end; none: any hold")
	return c
}

func (g *rollouts) widen() *cobra.Command {
	to := 0
	c := g.change("widen", "Go to the next stage now, whatever the gates wait for",
		func(r client.Rollouts, ctx context.Context, id, reason string) (client.Rollout, error) {
			return r.Widen(ctx, id, to, reason)
		})
	c.Long = "Goes to the next stage now, whatever the gates wait for. --to says which that is, so that saying it twice\n" +
		"goes one stage; the one after the last finishes the rollout."
	c.Flags().IntVar(&to, "to", 0, "the `stage` to go to; the first is 1")
	cobra.CheckErr(c.MarkFlagRequired("to"))
	return c
}

func (g *rollouts) stages() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "stages ID FILE --reason WHY", Short: "Change the stages that were not reached yet", Args: cobra.ExactArgs(2),
		Long: "The file holds the whole list: the stages that were reached as they are, then the others. " + stagesHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			stages, err := readStages(args[1])
			if err != nil {
				return err
			}
			server, err := g.server.client()
			if err != nil {
				return err
			}
			r, err := server.Rollouts().SetStages(cmd.Context(), args[0], reason, stages)
			if err != nil {
				return err
			}
			return g.out.answer(r, func() {
				g.out.table(stageTable(r))
				g.sayCautions([]client.Rollout{r})
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; support staff read it")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

func readStages(file string) ([]client.Stage, error) {
	text, err := readFile(file, 64<<10)
	if err != nil {
		return nil, err
	}
	stages, err := parseStages(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return stages, nil
}

// sayCautions repeats what the server finds unwise.
func (g *rollouts) sayCautions(all []client.Rollout) {
	for _, r := range all {
		for _, words := range r.Cautions {
			g.out.paragraph(fmt.Sprintf("Careful with %s: %s.", r.ID, words))
		}
	}
}

func (g *rollouts) status() *cobra.Command {
	return &cobra.Command{
		Use: "status [ID]", Short: "Show where rollouts stand and what they wait for", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				all, err := server.Rollouts().List(cmd.Context())
				if err != nil {
					return err
				}
				return g.out.answer(map[string]any{"rollouts": all}, func() { g.out.table(rolloutTable(all)) })
			}
			r, err := server.Rollouts().Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return g.out.answer(r, func() { g.sayRollout(r) })
		},
	}
}

func rolloutTable(all []client.Rollout) table {
	list := table{none: "There are no rollouts yet; begin with: otactl rollout start RELEASE --all",
		head: []string{"ROLLOUT", "STATE", "STAGE", "SHARE", "PROVEN", "BY", "WHY"}}
	for _, r := range all {
		list.add(r.ID, r.State, fmt.Sprintf("%d of %d", r.Stage, len(r.Stages)), format.Percent(r.Share), proven(r), r.By,
			because(r))
	}
	return list
}

// proven is how many counted installations have shown the effect, of those that run the build; where nobody counts, how
// many do of everybody.
func proven(r client.Rollout) string {
	switch {
	case r.Counts == nil:
		return ""
	case r.Counts.Counted.Installations == 0:
		return fmt.Sprintf("%d of %d, none counts", r.Counts.Proven, r.Counts.Running)
	}
	return fmt.Sprintf("%d of %d", r.Counts.Counted.Proven, r.Counts.Counted.Running)
}

// because is why a rollout is where it is.
func because(r client.Rollout) string {
	switch {
	case r.State == "halting":
		return "not halted yet: " + r.Missing + "; to be halted because " + r.Reason
	case r.Missing != "":
		return "not published yet: " + r.Missing
	case r.State == "halted":
		return "halted because " + r.Reason
	case r.Held != "":
		return "held because " + r.Held
	case len(r.Waiting) > 0:
		return "waits until " + strings.Join(r.Waiting, ", and ")
	}
	return ""
}

// classes are those of the first effect in the order in which they are shown. Other effects have others.
var classes = []string{"confirmed_off", "consented", "carried_over", "registered_by_itself", "not_exercised", "leak",
	"contradictory", "implausible", "unpatched", "unknown"}

// shown are the classes that some installation is of: those that have an order, then the others by name.
func shown(verdicts map[string]int64) (names []string) {
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(verdicts)),
		func(name string) bool { return slices.Contains(classes, name) })
	for _, name := range slices.Concat(classes, others) {
		if verdicts[name] > 0 {
			names = append(names, name)
		}
	}
	return names
}

// remedies say of each cause what helps.
var remedies = map[string]string{
	"network": "the network: they go on trying by themselves",
	"server":  "the server: look at its log and at what stands before it; they go on trying by themselves",
	"storage": "their own storage: their users can make room; they go on trying by themselves",
	"package": "the package, and gave up: once the cause is known, \"otactl rollout retry\" asks them to try again",
	"build":   "the build, which did not come up, and gave up: halt, and look at it; \"otactl rollout retry\" asks them to try again",
}

// inOrder is the order in which an update meets the causes; others stand before.
func inOrder(a, b string) int {
	order := []string{"network", "server", "storage", "package", "build"}
	return cmp.Or(slices.Index(order, a)-slices.Index(order, b), strings.Compare(a, b))
}

func (g *rollouts) sayRollout(r client.Rollout) {
	g.out.say("%s: %s", r.ID, r.State)
	if why := because(r); why != "" {
		g.out.paragraph(why)
	}
	if r.Stop != "" {
		g.out.say("  %s is this stop: otactl rollout resume %s --stop %s --reason WHY", r.Stop, r.ID, r.Stop)
	}
	for _, p := range r.Proposals {
		g.out.paragraph(proposed(p))
	}
	var packages []string
	for _, ref := range r.Packages {
		packages = append(packages, short(ref))
	}
	g.out.paragraph(fmt.Sprintf("release %s, model %s, channel %s, package %s",
		r.Release, r.Model, r.Channel, strings.Join(packages, " and ")))
	g.out.say("  started %s, in this stage since %s UTC, last turned by %s", when(r.Started), when(r.Since), r.By)
	g.out.table(stageTable(r))
	if c := r.Counts; c != nil {
		g.sayFigures("counted installations", c.Counted)
		if r.Known == 0 {
			g.out.paragraph("Nobody had vouched for the installations of this model when it was started: its gates open by a witness " +
				"handset or a person alone.")
		}
		g.sayFigures("installations in all, whether they count or not", c.Figures)
		for _, cause := range slices.SortedFunc(maps.Keys(c.Causes), inOrder) {
			if n := c.Causes[cause]; n > 0 {
				g.out.paragraph(fmt.Sprintf("%d failed because of %s", n, cmp.Or(remedies[cause], cause)))
			}
		}
		for _, class := range shown(c.Verdicts) {
			g.out.say("  %-22s %d", class, c.Verdicts[class])
		}
	}
}

func (g *rollouts) sayFigures(whose string, f client.Figures) {
	g.out.say("%d %s: %d began, %d run the build, %d failed, %d lost, %d judged, %d proven, %d leaked", f.Installations, whose, f.Began,
		f.Running, f.Failed, f.Lost, f.Judged, f.Proven, f.Leaked)
}

func stageTable(r client.Rollout) table {
	list := table{head: []string{"STAGE", "SHARE", "SOAK", "REPORTS", "PROVEN", "FAILURES", "HALTING LEAKS", ""}}
	for i, s := range r.Stages {
		now := ""
		if i+1 == r.Stage {
			now = "now"
		}
		leaks := "default"
		if s.Gates.HaltLeaks > 0 {
			leaks = fmt.Sprint(s.Gates.HaltLeaks)
		}
		list.add(fmt.Sprint(i+1), format.Percent(s.Share), s.Soak, fmt.Sprint(s.Gates.MinReports),
			format.Percent(s.Gates.MinProven), format.Percent(s.Gates.MaxFailures), leaks, now)
	}
	return list
}
