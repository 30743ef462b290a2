// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"landed/manifests/otapkg"
	"landed/server/otactl/client"
)

// releases are the commands that bind packages to notes and an effect.
type releases struct {
	server *connection
	out    *printer
}

func (g *releases) command() *cobra.Command {
	return group("release", "Declare releases and see how far they are", g.create(), g.list(),
		g.show(), g.drop(), g.retain(), g.retentions())
}

func (g *releases) create() *cobra.Command {
	var packages, csigs []string
	var all bool
	var channel string
	c := &cobra.Command{
		Use:   "create FILE.yaml (--package SHA256... | --all)",
		Short: "Bind a release to packages, one per image",
		Long: "Declares the release that FILE.yaml describes: its notes, its effect and its migration\n" +
			"policy. --package names each package by the first digits of its SHA-256, and of several\n" +
			"with the same bytes by DIGITS/model/channel; --all takes the newest full package of each\n" +
			"image on the channel, and the incrementals that lead to its build.\n\n" +
			"--csig declares what otasign csig wrote for phones with Custota, one for each package: FILE, and for an\n" +
			"incremental FILE=SOURCE, where SOURCE is the csig of the full package of the build that it starts from, or the\n" +
			"vbmeta digest in that. It is added to the release before it is sent; FILE.yaml stays as it is.",
		Example: "  otactl release create june.yaml --all --csig nuwa.zip.csig --csig nuwa-inc.zip.csig=may/nuwa.zip.csig",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.runCreate(cmd.Context(), args[0], packages, csigs, channel)
		},
	}
	c.Flags().StringSliceVar(&packages, "package", nil, "`SHA-256` of a package, or at least its first 8 digits; "+
		"may be repeated")
	c.Flags().BoolVar(&all, "all", false, "the newest full package of each image on the channel, with its incrementals")
	c.Flags().StringVar(&channel, "channel", "stable", "channel for --all")
	c.Flags().StringArrayVar(&csigs, "csig", nil, "csig `FILE` of a package, or FILE=SOURCE; may be repeated")
	c.MarkFlagsOneRequired("package", "all")
	c.MarkFlagsMutuallyExclusive("package", "all")
	return c
}

func (g *releases) runCreate(ctx context.Context, file string, typed, csigs []string, channel string) error {
	source, err := readFile(file, 1<<20)
	if err != nil {
		return err
	}
	server, err := g.server.client()
	if err != nil {
		return err
	}
	all, err := server.Packages().List(ctx)
	if err != nil {
		return err
	}
	bound := withIncrementals(all, newestFull(all, channel))
	if len(typed) > 0 {
		if bound, err = chosen(all, typed); err != nil {
			return err
		}
	}
	if len(bound) == 0 {
		return fmt.Errorf("no full package is uploaded for the channel %s; begin with: otactl upload FILE --channel %s",
			channel, channel)
	}
	if source, err = withCsigs(source, csigs, bound); err != nil {
		return err
	}
	var refs []string
	for _, p := range bound {
		refs = append(refs, p.Ref())
	}
	r, err := server.Releases().Create(ctx, source, refs)
	if err != nil {
		return err
	}
	return g.out.answer(r, func() {
		g.out.say("Release %s, counter %d, is a draft of %s:", r.Name, r.Counter, plural(len(bound), "package"))
		g.out.table(packageTable(bound))
		g.sayApprovals(bound)
		g.out.say("Next: otactl sign-request %s -o %s", r.Name, requestName(r.Name))
	})
}

// sayApprovals names what each signer will have to agree to.
func (g *releases) sayApprovals(bound []client.Package) {
	for _, p := range bound {
		wanted := slices.DeleteFunc(slices.Clone(p.Findings),
			func(f otapkg.Finding) bool { return f.Level != otapkg.Approve })
		if len(wanted) == 0 {
			continue
		}
		g.out.say("Each signer has to agree to this about %s:", p.Name)
		g.out.lines("", findingWords(wanted)...)
	}
}

func requestName(release string) string { return filepath.Base(plain(release)) + ".request.json" }

func (g *releases) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List releases, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Releases().List(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"releases": all}, func() {
				list := table{none: "There are no releases yet; begin with: otactl release create FILE.yaml --all",
					head: []string{"NAME", "COUNTER", "STATE", "PACKAGES", "CHANGE", "BY", "AT (UTC)"}}
				for _, r := range all {
					list.add(r.Name, fmt.Sprint(r.Counter), r.State, fmt.Sprint(len(r.Packages)), r.Change, r.By, when(r.At))
				}
				g.out.table(list)
			})
		},
	}
}

func (g *releases) show() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show one release: its packages, its signatures, its source", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return g.runShow(cmd.Context(), args[0]) },
	}
}

func (g *releases) drop() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "drop NAME --reason WHY", Short: "Give a draft up; its name and counter are free again",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			if err := server.Releases().Drop(cmd.Context(), args[0], reason); err != nil {
				return err
			}
			return g.out.answer(map[string]any{"dropped": args[0]}, func() {
				g.out.say("Release %s is dropped. Its name and counter are free again; its packages stay.", args[0])
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

func (g *releases) runShow(ctx context.Context, name string) error {
	server, err := g.server.client()
	if err != nil {
		return err
	}
	r, err := server.Releases().Get(ctx, name)
	if err != nil {
		return err
	}
	answer := struct {
		client.Release
		Signing *client.Change `json:"signing,omitempty"`
	}{Release: r}
	if r.Change != "" {
		change, err := server.Changes().Get(ctx, r.Change)
		if err != nil {
			return err
		}
		answer.Signing = &change
	}
	if g.out.json {
		return g.out.value(answer)
	}
	all, err := server.Packages().List(ctx)
	if err != nil {
		return err
	}
	g.out.say("%s, counter %d: %s (by %s, %s UTC)", r.Name, r.Counter, r.State, r.By, when(r.At))
	if answer.Signing != nil {
		g.out.lines("", changeWords(*answer.Signing)...)
	}
	g.out.table(packageTable(slices.DeleteFunc(all,
		func(p client.Package) bool { return !slices.Contains(r.Packages, p.Ref()) })))
	g.out.say("")
	g.out.text(r.Source)
	return nil
}
