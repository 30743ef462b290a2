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

func (a *app) releaseCommand() *cobra.Command {
	return group("release", "Declare releases and see how far they are", a.releaseCreate(), a.releaseList(),
		a.releaseShow(), a.releaseDrop())
}

func (a *app) releaseCreate() *cobra.Command {
	var packages []string
	var all bool
	var channel string
	c := &cobra.Command{
		Use:   "create FILE.yaml (--package SHA256... | --all)",
		Short: "Bind a release to packages, one per image",
		Long: "Declares the release that FILE.yaml describes: its notes, its effect and its migration\n" +
			"policy. --package names each package by the first digits of its SHA-256; --all takes\n" +
			"the newest full package of each image on the channel.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.createRelease(cmd.Context(), args[0], packages, channel)
		},
	}
	c.Flags().StringSliceVar(&packages, "package", nil, "`SHA-256` of a package, or at least its first 8 digits; "+
		"may be repeated")
	c.Flags().BoolVar(&all, "all", false, "the newest full package of each image on the channel")
	c.Flags().StringVar(&channel, "channel", "stable", "channel for --all")
	c.MarkFlagsOneRequired("package", "all")
	c.MarkFlagsMutuallyExclusive("package", "all")
	return c
}

func (a *app) createRelease(ctx context.Context, file string, typed []string, channel string) error {
	source, err := readFile(file, 1<<20)
	if err != nil {
		return err
	}
	server, err := a.server()
	if err != nil {
		return err
	}
	all, err := server.Packages(ctx)
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
	var refs []string
	for _, p := range bound {
		refs = append(refs, p.Ref())
	}
	r, err := server.CreateRelease(ctx, source, refs)
	if err != nil {
		return err
	}
	return a.answer(r, func() {
		a.say("Release %s, counter %d, is a draft of %s:", clean(r.Name), r.Counter, plural(len(bound), "package"))
		a.packageTable(bound)
		a.sayApprovals(bound)
		a.say("Next: otactl sign-request %s -o %s", clean(r.Name), requestName(r.Name))
	})
}

// sayApprovals names what each signer will have to agree to.
func (a *app) sayApprovals(bound []client.Package) {
	for _, p := range bound {
		wanted := slices.DeleteFunc(slices.Clone(p.Findings),
			func(f otapkg.Finding) bool { return f.Level != otapkg.Approve })
		if len(wanted) == 0 {
			continue
		}
		a.say("Each signer has to agree to this about %s:", clean(p.Name))
		a.findings(a.out, wanted)
	}
}

func requestName(release string) string { return filepath.Base(clean(release)) + ".request.json" }

func (a *app) releaseList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List releases, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			all, err := server.Releases(cmd.Context())
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"releases": all}, func() {
				var rows [][]string
				for _, r := range all {
					rows = append(rows, []string{r.Name, fmt.Sprint(r.Counter), r.State, fmt.Sprint(len(r.Packages)), r.Change, r.By,
						when(r.At)})
				}
				a.table("There are no releases yet; begin with: otactl release create FILE.yaml --all",
					[]string{"NAME", "COUNTER", "STATE", "PACKAGES", "CHANGE", "BY", "AT (UTC)"}, rows)
			})
		},
	}
}

func (a *app) releaseShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show one release: its packages, its signatures, its source", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.showRelease(cmd.Context(), args[0]) },
	}
}

func (a *app) releaseDrop() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "drop NAME --reason WHY", Short: "Give a draft up; its name and counter are free again",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			if err := server.DropRelease(cmd.Context(), args[0], reason); err != nil {
				return err
			}
			return a.answer(map[string]any{"dropped": args[0]}, func() {
				a.say("Release %s is dropped. Its name and counter are free again; its packages stay.", clean(args[0]))
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

func (a *app) showRelease(ctx context.Context, name string) error {
	server, err := a.server()
	if err != nil {
		return err
	}
	r, err := server.Release(ctx, name)
	if err != nil {
		return err
	}
	answer := struct {
		client.Release
		Signing *client.Change `json:"signing,omitempty"`
	}{Release: r}
	if r.Change != "" {
		change, err := server.Change(ctx, r.Change)
		if err != nil {
			return err
		}
		answer.Signing = &change
	}
	if a.json {
		return a.printJSON(answer)
	}
	all, err := server.Packages(ctx)
	if err != nil {
		return err
	}
	a.say("%s, counter %d: %s (by %s, %s UTC)", clean(r.Name), r.Counter, clean(r.State), clean(r.By), when(r.At))
	if answer.Signing != nil {
		a.sayChange("", *answer.Signing)
	}
	a.packageTable(slices.DeleteFunc(all, func(p client.Package) bool { return !slices.Contains(r.Packages, p.Ref()) }))
	a.say("\n%s", printable(r.Source))
	return nil
}
