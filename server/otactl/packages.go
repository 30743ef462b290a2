// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

func (a *app) packagesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "packages", Short: "List the packages that are uploaded, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			all, err := server.Packages(cmd.Context())
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"packages": all}, func() { a.packageTable(all) })
		},
	}
}

func (a *app) packageCommand() *cobra.Command {
	return group("package", "Remove a package; otactl packages lists them", a.packageRemove())
}

func (a *app) packageRemove() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "remove SHA256", Short: "Remove a package that no release names, with its bytes", Args: cobra.ExactArgs(1),
		Long: "Remove a package that no release names, with its bytes. The first digits of its\nSHA-256 will do. " +
			"The same bytes may be uploaded again.",
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			all, err := server.Packages(cmd.Context())
			if err != nil {
				return err
			}
			found, err := chosen(all, args)
			if err != nil {
				return err
			}
			p := found[0]
			if err := server.RemovePackage(cmd.Context(), p, reason); err != nil {
				return err
			}
			return a.answer(map[string]any{"removed": p.SHA256},
				func() { a.say("Package %s (%s) is removed.", short(p.SHA256), clean(p.Name)) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	return c
}

func (a *app) packageTable(all []client.Package) {
	var rows [][]string
	for _, p := range all {
		kind := "full"
		if len(p.PreBuilds) > 0 {
			kind = "incremental"
		}
		rows = append(rows, []string{short(p.SHA256), p.Variant, p.Channel, p.Build.Incremental, kind, size(p.Size),
			fmt.Sprint(len(p.Findings)), p.By, when(p.At), p.Name})
	}
	a.table("No packages are uploaded yet; begin with: otactl upload FILE",
		[]string{"SHA-256", "IMAGE", "CHANNEL", "BUILD", "KIND", "SIZE", "FINDINGS", "BY", "AT (UTC)", "NAME"}, rows)
}

// minPrefix is how much of a SHA-256 must be typed.
const minPrefix = 8

// chosen finds the packages whose SHA-256 begin with what was typed. All faults at once.
func chosen(all []client.Package, typed []string) (found []client.Package, err error) {
	var faults []string
	for _, t := range typed {
		prefix := strings.TrimSuffix(t, "…")
		if digits, rest, _ := strings.Cut(prefix, "/"); rest == "" {
			prefix = strings.ToLower(digits)
		}
		var match []client.Package
		for _, p := range all {
			if strings.HasPrefix(p.Ref(), prefix) {
				match = append(match, p)
			}
		}
		switch {
		case len(prefix) < minPrefix:
			faults = append(faults, fmt.Sprintf("package %q: wanted at least the first %d digits of a SHA-256", t, minPrefix))
		case len(match) == 0:
			faults = append(faults, fmt.Sprintf("package %q: no package has that SHA-256; see: otactl packages", t))
		case len(match) > 1:
			faults = append(faults, fmt.Sprintf("package %q: %d packages begin so; type more of %s", t, len(match), match[0].Ref()))
		default:
			found = append(found, match[0])
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(faults, "; "))
	}
	return found, nil
}

// newestFull is the newest full package of each image on a channel; all is newest first.
func newestFull(all []client.Package, channel string) []client.Package {
	newest := map[string]int{}
	var found []client.Package
	for _, p := range all {
		if p.Channel != channel || len(p.PreBuilds) > 0 {
			continue
		}
		i, seen := newest[p.Variant]
		switch {
		case !seen:
			newest[p.Variant] = len(found)
			found = append(found, p)
		case p.Build.UTC > found[i].Build.UTC:
			found[i] = p
		}
	}
	return found
}
