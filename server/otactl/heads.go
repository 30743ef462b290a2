// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"landed/manifests/heads"
)

// chains are the commands about the published heads of the trees over what the server stores. They need no token.
type chains struct {
	server *connection
	out    *printer
}

func (g *chains) command() *cobra.Command {
	return group("heads", "Check from outside that what the server stores was only added to", g.check())
}

// checked is what a check found, for programs.
type checked struct {
	Snapshots int             `json:"snapshots"`
	Missing   int             `json:"missing"`
	Steps     int             `json:"steps"`  // from one head to the next that are proven
	Newest    map[string]head `json:"newest"` // by tree
	Breaks    []string        `json:"breaks"`
	Waiting   []string        `json:"waiting"` // trees whose newest head has no proof yet
}

type head struct {
	Size int64  `json:"size"` // leaves
	Root string `json:"root"` // hex
}

func (g *chains) check() *cobra.Command {
	var root string
	c := &cobra.Command{
		Use: "check [FOLDER]", Short: "Verify every proof between the published heads", Args: cobra.MaximumNArgs(1),
		Long: "Reads the snapshots that the server published, or those in FOLDER (a copy of its feed), and the proofs beside them\n" +
			"(RFC 6962): each tree over the trail, the reports and the records must go on from the one before, to the newest.\n" +
			"It ends with 1 if a step is not proven. Keep a snapshot elsewhere: that nothing before it was changed is seen by it.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			read := func(name string) ([]byte, error) { return server.Metadata(cmd.Context(), name) }
			if len(args) == 1 {
				read = func(name string) ([]byte, error) {
					return os.ReadFile(filepath.Join(args[0], "metadata", filepath.FromSlash(name)))
				}
			}
			var trusted []byte
			if root != "" {
				if trusted, err = readFile(root, 1<<20); err != nil {
					return err
				}
			}
			found, err := heads.Check(read, trusted)
			if err != nil {
				return err
			}
			return g.tell(found)
		},
	}
	c.Flags().StringVar(&root, "root", "", "a root `file` that you trust (default: the first that is published)")
	return c
}

func (g *chains) tell(found heads.Result) error {
	all := checked{found.Snapshots, found.Missing, found.Steps, map[string]head{}, []string{},
		append([]string{}, found.Waiting...)}
	for tree, h := range found.Newest {
		all.Newest[tree] = head{h.Size, h.Root}
	}
	for _, b := range found.Breaks {
		all.Breaks = append(all.Breaks, b.Words)
	}
	err := g.out.answer(all, func() {
		for _, b := range all.Breaks {
			g.out.say("%s", b)
		}
		if len(all.Waiting) > 0 {
			g.out.say("The newest heads of %s have no proof yet; it follows within seconds.", strings.Join(all.Waiting, ", "))
		}
		g.out.say("%d snapshots, %d steps between heads are proven.", all.Snapshots, all.Steps)
		for _, tree := range []string{"audit", "reports", "records"} {
			if h, ok := all.Newest[tree]; ok {
				g.out.say("%s: %d leaves, root %s", tree, h.Size, h.Root)
			}
		}
	})
	if n := len(all.Breaks); err == nil && n > 0 {
		return fmt.Errorf("%d steps between published heads are not proven", n)
	}
	return err
}
