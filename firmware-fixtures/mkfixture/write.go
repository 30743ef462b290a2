// SPDX-License-Identifier: Apache-2.0

package mkfixture

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	fixtures "landed/firmware-fixtures"
)

// keyFlags name the key to sign with; the public fixture key if they are not given.
type keyFlags struct{ key, cert string }

func (f *keyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.key, "key", "", "OTA key, PKCS #8 PEM (default: the public fixture key)")
	cmd.Flags().StringVar(&f.cert, "cert", "", "its certificate, PEM")
	cmd.MarkFlagsRequiredTogether("key", "cert")
}

func (f *keyFlags) load(stderr io.Writer) (fixtures.Key, error) {
	if f.key == "" {
		fmt.Fprintln(stderr, "mkfixture: signing with the public fixture key, which everybody has")
		return fixtures.TestKey(), nil
	}
	key, err := os.ReadFile(f.key)
	if err != nil {
		return fixtures.Key{}, err
	}
	cert, err := os.ReadFile(f.cert)
	if err != nil {
		return fixtures.Key{}, err
	}
	return fixtures.LoadKey(key, cert)
}

func writeCommand() *cobra.Command {
	var keys keyFlags
	var out, pad, migration, appList string
	var later int
	var other fixtures.Model
	cmd := &cobra.Command{
		Use:   "write MODEL {unpatched|patched|bad} -o FILE",
		Short: "Write a good package; into a folder it goes under the maker's name",
		Long: "write makes a package of a model that mkfixture list has, or of any other: then --variant says that it\n" +
			"is meant, and the package gets versions, dates and partitions as every such model does.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			other.Device = args[0]
			b, err := buildOf(other, fixtures.Kind(args[1]), later, fixtures.Kind(appList))
			if err != nil {
				return err
			}
			if migration != "" {
				b.Config.Migration = migration
			}
			size, err := parseSize(pad)
			if err != nil {
				return fmt.Errorf("--pad: %w", err)
			}
			k, err := keys.load(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			path, err := writeWhole(cmd.Context(), out, b.FileName, func(w io.Writer) error {
				return fixtures.Write(w, b, k, fixtures.Options{PadTo: size})
			})
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), path)
			}
			return err
		},
	}
	keys.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "file, or folder")
	cmd.Flags().StringVar(&pad, "pad", "", "make the file at least this long: 500MiB, 3GiB, or bytes")
	cmd.Flags().StringVar(&migration, "migration", "", "leave, switch_off, ask or not_applicable "+
		"(default: the model's own)")
	cmd.Flags().IntVar(&later, "later", 0, "a later build of the same behaviour, under the next version: 1 to 6")
	cmd.Flags().StringVar(&appList, "app-list", "",
		"give it an app backup, which sends the list of apps: unpatched, patched or bad (default: it has none)")
	cmd.Flags().StringVar(&other.Variant, "variant", "", "image variant of a model that is not listed")
	cmd.Flags().StringVar(&other.ROMName, "rom-name", "STANDIN", "the word in its file names")
	cmd.Flags().StringVar(&other.Android, "android", "6.0", "its Android release")
	cmd.Flags().BoolVar(&other.AB, "ab", false, "it takes A/B payloads")
	cobra.CheckErr(cmd.MarkFlagRequired("output"))
	return cmd
}

// buildOf finds the build; a model with a variant is one that is described here, and not listed.
func buildOf(model fixtures.Model, kind fixtures.Kind, later int, appList fixtures.Kind) (b fixtures.Build, err error) {
	switch described := model.Variant != ""; {
	case described && later == 0:
		b, err = model.BuildOf(kind)
	case described:
		b, err = model.LaterBuildOf(kind, later)
	case later == 0:
		b, err = fixtures.BuildOf(model.Device, kind)
	default:
		b, err = fixtures.LaterBuildOf(model.Device, kind, later)
	}
	if err == nil && appList != "" {
		if !slices.Contains(fixtures.Kinds(), appList) {
			return b, fmt.Errorf("--app-list: kind %q: wanted unpatched, patched or bad", appList)
		}
		b.Backup = fixtures.BackupOf(appList)
	}
	return b, err
}

func hostileCommand() *cobra.Command {
	var keys keyFlags
	var out string
	cmd := &cobra.Command{
		Use:   "hostile NAME -o FILE",
		Short: "Write a package that breaks one rule",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := fixtures.HostileOf(args[0])
			if err != nil {
				return err
			}
			k, err := keys.load(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			name := func(string) string {
				if c.File != "" {
					return c.File
				}
				return c.Name + ".zip"
			}
			path, err := writeWhole(cmd.Context(), out, name, func(w io.Writer) error { return c.Write(w, k) })
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "%s\nmust fire: %s (%s)\n", path, strings.Join(c.Want, ", "), c.Why)
			}
			return err
		},
	}
	keys.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "file, or folder")
	cobra.CheckErr(cmd.MarkFlagRequired("output"))
	return cmd
}

func toolCommand() *cobra.Command {
	var keys keyFlags
	var out string
	cmd := &cobra.Command{
		Use:   "tool NAME -o FILE",
		Short: "Write a good package, packed as a tool packs",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := fixtures.ToolOf(args[0])
			if err != nil {
				return err
			}
			k, err := keys.load(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			name := func(string) string { return c.Name + ".zip" }
			path, err := writeWhole(cmd.Context(), out, name, func(w io.Writer) error { return c.Write(w, k) })
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "%s\npacked as by %s\n", path, c.Tool)
			}
			return err
		},
	}
	keys.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "file, or folder")
	cobra.CheckErr(cmd.MarkFlagRequired("output"))
	return cmd
}

const maxPad = 1 << 40 // one TiB

// parseSize reads bytes, or a number with KiB, MiB, GiB; "" is 0.
func parseSize(s string) (int64, error) {
	unit := int64(1)
	number := s
	for suffix, u := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			number, unit = n, u
		}
	}
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 0 || n > maxPad/unit {
		return 0, fmt.Errorf("%q: wanted a size up to 1024GiB, as 500MiB, 3GiB or bytes", s)
	}
	return n * unit, nil
}
