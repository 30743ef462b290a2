// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	stated "landed/manifests/evidence"
	"landed/server/otactl/client"
)

// outside are the commands about what observers and witnesses signed.
type outside struct {
	server *connection
	out    *printer
}

func (g *outside) evidenceCommand() *cobra.Command {
	return group("evidence", "Hand in what observers signed, and list it", g.addEvidence(), g.listEvidence())
}

func (g *outside) witnessCommand() *cobra.Command {
	return group("witness", "Say which handsets are a lab's", g.listWitnesses(),
		g.handIn("vouch FILE", "Hand in a voucher that otasign vouch wrote",
			"From then on a bad report of that handset halts the rollouts of its model at once, and no gate\n"+
				"of the model opens without a good one.", isVoucher),
		g.handIn("revoke FILE", "Take a voucher back, with what otasign withdraw wrote", "", isWithdrawal))
}

func isVoucher(s stated.Statement) error {
	if s.Voucher == nil {
		return fmt.Errorf("it is no voucher; otasign vouch writes one")
	}
	return nil
}

func isWithdrawal(s stated.Statement) error {
	if s.Withdrawal == nil {
		return fmt.Errorf("it takes nothing back; otasign withdraw writes what does")
	}
	return nil
}

func (g *outside) addEvidence() *cobra.Command {
	return g.handIn("add FILE", "Hand in a statement that otasign observe or withdraw wrote (engineers)",
		"What counts is whose key signed it: the feed lists the observers. The token of an engineer only\n"+
			"keeps strangers from filling the store. To hand a statement in again is safe.", func(stated.Statement) error { return nil })
}

func (g *outside) handIn(use, short, long string, check func(stated.Statement) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readFile(args[0], stated.MaxBytes)
			if err != nil {
				return err
			}
			parsed, err := stated.Parse(text)
			if err == nil {
				err = check(parsed)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			server, err := g.server.client()
			if err != nil {
				return err
			}
			s, err := server.Evidence().Add(cmd.Context(), text)
			if err != nil {
				return err
			}
			return g.out.answer(s, func() {
				g.out.say("%s of %s by %s: %s.", what(s), s.Model, holder(s), map[bool]string{true: "taken in",
					false: "it is here already"}[s.New])
			})
		},
	}
}

// what says in words what a statement is.
func what(s client.Statement) string {
	switch {
	case s.Observation != nil:
		return fmt.Sprintf("Observation %.12s, %s %s", s.ID, s.Observation.Kind, s.Observation.Verdict)
	case s.Voucher != nil:
		return fmt.Sprintf("Voucher %.12s for %s", s.ID, s.Voucher.Installation)
	}
	return fmt.Sprintf("Withdrawal of %.12s", s.Withdraws)
}

func holder(s client.Statement) string { return cmp.Or(s.Holder, fmt.Sprintf("key %.8s", s.Signer)) }

func (g *outside) listEvidence() *cobra.Command {
	var model, release string
	c := &cobra.Command{
		Use: "list", Short: "List what observers signed", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Evidence().List(cmd.Context(), model, release)
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"statements": all}, func() {
				list := table{none: "No observer has stated anything.",
					head: []string{"MODEL", "RELEASE", "KIND", "VERDICT", "OBSERVER", "TESTED (UTC)", "COUNTS", "STATEMENT"}}
				for _, s := range all {
					if o := s.Observation; o != nil {
						list.add(s.Model, o.Release, o.Kind, o.Verdict, holder(s), when(o.At), counts(s), s.ID[:12])
					}
				}
				g.out.table(list)
			})
		},
	}
	c.Flags().StringVar(&model, "model", "", "only of this `model`")
	c.Flags().StringVar(&release, "release", "", "only of this `release`")
	return c
}

// counts says whether a statement counts, or why not.
func counts(s client.Statement) string {
	switch {
	case s.Withdrawn != "":
		return "taken back: " + s.Withdrawn
	case !s.Counts:
		return "no, its key is not listed"
	}
	return "yes"
}

func (g *outside) listWitnesses() *cobra.Command {
	var model string
	c := &cobra.Command{
		Use: "list", Short: "List the handsets for which a lab vouches", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Evidence().Witnesses(cmd.Context(), model)
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"vouchers": all}, func() {
				list := table{none: "Nobody vouches for a handset.",
					head: []string{"MODEL", "INSTALLATION", "BY", "FROM (UTC)", "UNTIL (UTC)", "COUNTS", "STATEMENT"}}
				for _, s := range all {
					if v := s.Voucher; v != nil {
						state := counts(s)
						if s.Counts && !v.Holds {
							state = "not now"
						}
						list.add(s.Model, v.Installation, holder(s), when(v.From), when(v.Until), state, s.ID[:12])
					}
				}
				g.out.table(list)
			})
		},
	}
	c.Flags().StringVar(&model, "model", "", "only of this `model`")
	return c
}
