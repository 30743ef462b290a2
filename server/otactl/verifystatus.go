// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"landed/manifests/report"
	"landed/server/otactl/client"
	"landed/server/otactl/verify"
)

// figures are the commands about the numbers that everybody sees.
type figures struct {
	server *connection
	out    *printer
}

func (g *figures) command() *cobra.Command {
	var root, save, owner string
	var auditor bool
	c := &cobra.Command{
		Use: "verify-status URL|FOLDER", Short: "Check from outside the numbers on the public pages", Args: cobra.ExactArgs(1),
		Long: "Fetches what a server publishes, or takes a FOLDER of it that was fetched before (--save), and checks it without the\n" +
			"server. Anybody: every signature from the first root on (or --root, which you trust), that what the server stores was\n" +
			"only added to, and that the pages show the numbers of the signed tally of the day. An owner: --installation\n" +
			"REFERENCE, that the own report stands in it. An auditor, or anybody where the reports are public: every number is\n" +
			"counted again from the reports. It names the first that differs, with its file, and ends with 1.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			o := verify.Options{}
			if root != "" {
				if o.Root, err = readFile(root, 1<<20); err != nil {
					return err
				}
			}
			if owner != "" {
				if o.Owner, err = report.ParseReference(owner); err != nil {
					return fmt.Errorf("--installation: %w", err)
				}
			}
			dir := args[0]
			if strings.Contains(dir, "://") {
				var done func()
				if dir, done, err = g.fetch(cmd, args[0], save, verify.Wanted{Owner: o.Owner, Auditor: auditor}); err != nil {
					return err
				}
				defer done()
			}
			found, err := verify.Folder(cmd.Context(), dir, o)
			if err != nil {
				return err
			}
			return g.tell(found)
		},
	}
	f := c.Flags()
	f.StringVar(&root, "root", "", "a root `file` that you trust (default: the first that is published)")
	f.StringVar(&save, "save", "", "keep what is fetched in this `folder`, to check it again without the server")
	f.StringVar(&owner, "installation", "", "the `reference` that your phone shows")
	f.BoolVar(&auditor, "auditor", false, "fetch the reports by the token of an admin")
	return c
}

// fetch brings all that is checked into a folder.
func (g *figures) fetch(cmd *cobra.Command, address, save string, w verify.Wanted) (dir string, done func(), err error) {
	server, err := g.from(address, w.Auditor)
	if err != nil {
		return "", nil, err
	}
	dir, done = save, func() {}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "landed-verify-"); err != nil {
			return "", nil, err
		}
		done = func() { _ = os.RemoveAll(dir) }
	}
	if err := verify.Fetch(cmd.Context(), server, dir, w); err != nil {
		done()
		return "", nil, err
	}
	return dir, done, nil
}

// from is the server at an address; no token is sent but for the reports.
func (g *figures) from(address string, auditor bool) (*client.Client, error) {
	address = strings.TrimRight(address, "/")
	if !auditor {
		return client.New(address, "", nil)
	}
	own := *g.server
	own.url = address
	return own.client()
}

func (g *figures) tell(r verify.Result) error {
	return g.out.answer(r, func() {
		g.out.say("Trusted: the root with SHA-256 %s. Hold it against what handsets are sold with, "+
			"or give that one with --root.", r.Trusted)
		g.out.say("Signatures: %d roots, %d snapshots, and the newest %d tallies are signed as they should be.", r.Roots, r.Snapshots,
			r.Tallies)
		g.out.say("History: %d steps from one head to the next are proven; nothing before was changed, as far as they reach.", r.Steps)
		g.out.say("Pages: %d pages as they were on %s show the %d numbers of tally %d.", r.Pages, when(r.AsOf), r.Shown, r.Number)
		if r.Owner != "" {
			g.out.say("Owner: %s.", r.Owner)
		}
		if r.Threshold > 0 {
			g.out.say("Numbers below %d are not shown, and others are about what they stand for.", r.Threshold)
		}
		if r.Recounted && r.Threshold > 0 {
			g.out.say("Recount: what the tally commits to follows from the %d reports of %d installations, judged by %d documents that "+
				"people signed. Of %d numbers, %d are as near to what follows as the rule of small numbers wants.", r.Reports, r.Installations,
				r.Effects, r.Numbers, r.Near)
		} else if r.Recounted {
			g.out.say("Recount: all %d numbers follow from the %d reports of %d installations, judged by %d documents that people signed.",
				r.Numbers, r.Reports, r.Installations, r.Effects)
		} else {
			g.out.say("Recount: not done. The reports are not public here; an auditor is given them (--auditor).")
		}
		g.out.say("Not checked: headlines, standings and sentences on these pages. They are signed, and follow from the numbers.")
		g.out.lines("Note: ", r.Notes...)
	})
}
