// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"slices"
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
	return group("package", "Promote or remove a package; otactl packages lists them", a.packagePromote(), a.packageRemove())
}

func (a *app) packagePromote() *cobra.Command {
	var to, model, reason string
	c := &cobra.Command{
		Use: "promote SHA256 --to CHANNEL", Short: "Take the bytes of a package to another channel",
		Long: "Makes a package of the same bytes on another channel, without sending or storing them\nagain. They are judged " +
			"anew, under the keys of that channel, and every finding is shown.\nThe first digits of the SHA-256 will do.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			all, err := server.Packages(cmd.Context())
			if err != nil {
				return err
			}
			sha, err := oneContent(all, args[0])
			if err != nil {
				return err
			}
			p, err := server.PromotePackage(cmd.Context(), sha, to, model, reason)
			if err != nil {
				return a.refusedPromotion(err)
			}
			return a.answer(p, func() { a.sayUploaded(p) })
		},
	}
	c.Flags().StringVar(&to, "to", "", "`channel` to take it to")
	c.Flags().StringVar(&model, "model", "", "of several models this one alone")
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("to"))
	return c
}

// refusedPromotion shows the findings of a refusal, if it has any.
func (a *app) refusedPromotion(err error) error {
	p := explain(err)
	if len(p.Findings) == 0 || a.json {
		return err
	}
	a.say("REFUSED  nothing was stored")
	a.findings(a.out, p.Findings)
	return told(exitCode(err))
}

// oneContent is the SHA-256 that begins with what was typed, of however many packages.
func oneContent(all []client.Package, typed string) (string, error) {
	var digests []string
	for _, p := range all {
		begins := strings.HasPrefix(p.SHA256, strings.ToLower(strings.TrimSuffix(typed, "…")))
		if begins && !slices.Contains(digests, p.SHA256) {
			digests = append(digests, p.SHA256)
		}
	}
	if len(digests) == 1 && len(typed) >= minPrefix {
		return digests[0], nil
	}
	if len(digests) > 1 && len(typed) >= minPrefix {
		return "", fmt.Errorf("package %q: %d contents begin so; type more of the SHA-256", typed, len(digests))
	}
	_, err := chosen(all, []string{typed}) // says what is wrong
	if err == nil {
		err = fmt.Errorf("package %q: wanted a SHA-256 alone", typed)
	}
	return "", err
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
