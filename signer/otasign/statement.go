// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/evidence"
	"landed/signer/keys"
)

// stating are the commands of those who look from outside: what they saw, whom they vouch for, what they take back.
type stating struct {
	term *terminal
	keys *keyring
}

// sealFlags are those of every command that signs a statement.
type sealFlags struct {
	key, out string
	yes      bool
}

func (f *sealFlags) add(c *cobra.Command, key string) {
	c.Flags().StringVar(&f.key, "key", "", key)
	c.Flags().StringVar(&f.out, "out", "statement.json", "`file` to write; it must not exist")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cobra.CheckErr(c.MarkFlagRequired("key"))
}

// seal shows a statement, asks, signs it and writes it.
func (s *stating) seal(f sealFlags, said evidence.Said) error {
	if err := said.Validate(); err != nil {
		return refusal{fmt.Errorf("nothing was signed: %w", err)}
	}
	page{s.term}.statement(said)
	if !f.yes {
		if err := s.term.confirm(); err != nil {
			return err
		}
	}
	h, err := s.keys.open(f.key)
	if err != nil {
		return err
	}
	text, id, err := evidence.Seal(said, h.key)
	if err != nil {
		return refusal{err}
	}
	var files keys.Batch
	defer files.Discard()
	if err := files.New(f.out, text, 0o644); err != nil {
		return err
	}
	if err := files.Commit(); err != nil {
		return err
	}
	s.term.say("%s signed statement %s; wrote %s. Hand it in: otactl evidence add %s", h.key, id, f.out, f.out)
	return nil
}

// statement prints what somebody is about to sign.
func (p page) statement(said evidence.Said) {
	switch {
	case said.Observation != nil:
		o := said.Observation
		p.term.say("Observation: %s of %s, release %s: %s", o.Kind, o.Model, o.Release, strings.ToUpper(string(o.Verdict)))
		p.term.say("  build    %s", o.Build)
		p.term.say("  package  %s", o.Package)
		p.term.say("  capture  %s", o.Capture)
		p.term.say("  tested   %s UTC", o.At.Format(time.DateTime))
		p.entries("What was done:", o.Steps)
		p.entries("What was seen:", o.Seen)
	case said.Voucher != nil:
		v := said.Voucher
		p.term.say("Voucher: the installation %s is a handset of your lab, model %s, from %s until %s UTC.",
			v.Installation, v.Model, v.From.Format(time.DateTime), v.Until.Format(time.DateTime))
		p.term.say("A bad report of it halts rollouts to %s at once; without a good one none goes wider.", v.Model)
	case said.Withdrawal != nil:
		p.term.say("Statement %s is taken back.", said.Withdrawal.Statement)
		p.term.para("  Reason: ", said.Withdrawal.Reason)
	}
}

func (p page) entries(head string, all []string) {
	p.term.say("  %s", head)
	for i, text := range all {
		p.term.para(fmt.Sprintf("    %2d. ", i+1), text)
	}
}

func (s *stating) withdrawCommand() *cobra.Command {
	var f sealFlags
	var reason string
	c := &cobra.Command{
		Use:   "withdraw STATEMENT --reason WHY --key FILE",
		Short: "Take back a statement that you signed, and say why",
		Long: "Signs that an earlier statement holds no longer. STATEMENT is its file. An observation can be\n" +
			"taken back by who signed it; a voucher by any witness's key of its model. Nothing is deleted:\n" +
			"the page goes on showing what was said, and that it was taken back.",
		Example: "  otasign withdraw statement.json --reason mixed-up --key f-secure.key " +
			"--out withdrawal.json",
		Args: wants("STATEMENT"),
		RunE: func(_ *cobra.Command, args []string) error {
			earlier, err := load(args[0], evidence.Parse)
			if err != nil {
				return err
			}
			return s.seal(f, evidence.Said{Withdrawal: &evidence.Withdrawal{Statement: earlier.ID, Reason: reason,
				At: time.Now().UTC().Truncate(time.Second)}})
		},
	}
	f.add(c, "key `file` to sign with")
	c.Flags().StringVar(&reason, "reason", "", "`why`; it is shown to everybody")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}
