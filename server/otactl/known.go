// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

// knownIssues are the commands about what people know of some installations.
type knownIssues struct {
	server *connection
	out    *printer
}

func (g *knownIssues) command() *cobra.Command {
	return group("known-issue", "Say on the pages what is known of a failure or a verdict", g.add(), g.list(), g.withdraw())
}

func (g *knownIssues) add() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "add FILE.yaml", Short: "Write down what is known", Args: cobra.ExactArgs(1),
		Long: "Has the page of each handset that it is about say what is known, from now on, and the pages of models and\n" +
			"releases how many it explains, apart from those that nothing explains. FILE.yaml says\n\n" +
			"  models: [armani]     # ro.product.device; left out: every model\n" +
			"  release: NAME        # left out: any\n" +
			"  cause: package       # what failures are blamed on; or progress: installed, or class: carried_over\n" +
			"  text:\n" +
			"    en: The package stops at 40 % on handsets with a changed system. Take them to a service centre.\n" +
			"    zh-Hans: ...       # other languages are welcome\n" +
			"  link: https://...    # to where more is said; may be left out\n" +
			"  since: 2014-08-12    # left out: today\n" +
			"  who: service         # is to act: owner, service, engineers or nobody\n\n" +
			"Everybody can read it. It is not changed afterwards: withdraw it, and write another one.",
		RunE: func(cmd *cobra.Command, args []string) error {
			source, err := readFile(args[0], 64<<10)
			if err != nil {
				return err
			}
			server, err := g.server.client()
			if err != nil {
				return err
			}
			added, err := server.KnownIssues().Add(cmd.Context(), source, reason)
			if err != nil {
				return err
			}
			return g.out.answer(added, func() {
				g.out.say("Known issue %d stands on the pages of %s: %s.", added.ID, aboutModels(added), aboutKnown(added))
				g.out.say("Once it does not hold any more: otactl known-issue withdraw %d --reason WHY", added.ID)
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	return c
}

func (g *knownIssues) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List what is known, withdrawn issues too", Args: cobra.NoArgs,
		Long: "Lists the known issues in the order in which they were written. The first that explains a handset counts it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.KnownIssues().List(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(all, func() {
				list := table{none: "Nothing is written down as known.", head: []string{"ID", "ON", "ABOUT", "WHO ACTS", "SINCE", "UNTIL",
					"TEXT"}}
				for _, k := range all.KnownIssues {
					list.add(strconv.FormatInt(k.ID, 10), aboutModels(k), aboutKnown(k), k.Who, k.Since, until(k), k.Text["en"])
				}
				g.out.table(list)
			})
		},
	}
}

func (g *knownIssues) withdraw() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "withdraw ID --reason WHY", Short: "Say that a known issue does not hold any more",
		Long: "Takes a known issue off the pages of handsets; whom it explained counts as unexplained again. It stays on\n" +
			"record, with until when it held.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return fmt.Errorf("%q is no number of a known issue; otactl known-issue list shows all", args[0])
			}
			server, err := g.server.client()
			if err != nil {
				return err
			}
			ended, err := server.KnownIssues().Withdraw(cmd.Context(), id, reason)
			if err != nil {
				return err
			}
			return g.out.answer(ended, func() { g.out.say("Known issue %d is withdrawn; it held until %s.", ended.ID, until(ended)) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

// aboutModels says on which models one is.
func aboutModels(k client.KnownIssue) string {
	switch n := len(k.Models); {
	case n == 0:
		return "every model"
	case n > 3:
		return fmt.Sprintf("%s and %d more", strings.Join(k.Models[:3], ", "), n-3)
	}
	return strings.Join(k.Models, ", ")
}

// aboutKnown says what one is about.
func aboutKnown(k client.KnownIssue) string {
	if k.Release == "" {
		return fmt.Sprintf("%s %s", k.Subject, k.Value)
	}
	return fmt.Sprintf("%s %s, %s", k.Subject, k.Value, k.Release)
}

// until is the day on which one ended, "" while it holds.
func until(k client.KnownIssue) string {
	if k.Ended == nil {
		return ""
	}
	return k.Ended.UTC().Format(time.DateOnly)
}
