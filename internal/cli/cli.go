// SPDX-License-Identifier: Apache-2.0

// Package cli is what the command lines of all programs have in common: long flags with one hyphen
// or two, flags from the environment, and -version.
//
// Parties: somebody at a terminal, or a script of theirs; the program's own package, which says what
// its commands do. It promises that a flag that is given wins over its twin in the environment, that a
// value that cannot be read is named with the variable it came from, that a secret may stand in a file instead, and that
// -version says by what source and which Go a program was built. It refuses to take anything from the environment for a
// program that did not ask for it.
package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Prepare gives root its arguments, which are without the name of the program: -data is taken as
// --data for every long flag that some command has. It adds -version.
func Prepare(root *cobra.Command, args []string) {
	root.Version = Version(root.Name())
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "say by what source this program was built, and end")
	root.SetArgs(longFlags(root, args))
}

// longFlags puts a second hyphen before long flags. What follows "--", and flags of one letter, stay.
func longFlags(root *cobra.Command, args []string) []string {
	long := map[string]bool{"help": true, "version": true}
	every(root, func(c *cobra.Command) {
		for _, set := range []*pflag.FlagSet{c.Flags(), c.PersistentFlags()} {
			set.VisitAll(func(f *pflag.Flag) { long[f.Name] = true })
		}
	})
	out := make([]string, len(args))
	for i, arg := range args {
		if arg == "--" {
			copy(out[i:], args[i:])
			break
		}
		out[i] = arg
		name, dashed := strings.CutPrefix(arg, "-")
		name, _, _ = strings.Cut(name, "=")
		if dashed && long[name] {
			out[i] = "-" + arg
		}
	}
	return out
}

func every(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		every(sub, do)
	}
}

// Twins lets the flags of every command come from the environment too: --s3-bucket of otad from
// OTAD_S3_BUCKET. It takes the place of root's PersistentPreRunE, before which no flag may be read.
func Twins(root *cobra.Command, env func(string) string) {
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		var err error
		c.Flags().VisitAll(func(f *pflag.Flag) {
			name := twin(root, f)
			if f.Changed || err != nil || f.Name == "help" || f.Name == "version" {
				return
			}
			if f.Annotations[secret] != nil {
				err = setSecret(f, name, env)
				return
			}
			if env(name) == "" {
				return
			}
			if err = f.Value.Set(env(name)); err != nil {
				err = fmt.Errorf("%s=%q: %w", name, env(name), err)
			}
			f.Changed = true
		})
		return err
	}
}

// secret is the annotation of flags whose value nobody else may see.
const secret = "cli_secret"

// Secret lets the flags of these names also come from the file that NAME_FILE in the environment names, as containers and
// service managers hand secrets over: --s3-secret-key of otad from the file in OTAD_S3_SECRET_KEY_FILE. The line end after
// the value is not of it. No error shows the value.
func Secret(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if err := flags.SetAnnotation(name, secret, []string{"true"}); err != nil {
			panic(err) // a fault of the program: no such flag
		}
	}
}

func setSecret(f *pflag.Flag, name string, env func(string) string) error {
	value, file := env(name), env(name+"_FILE")
	switch {
	case value != "" && file != "":
		return fmt.Errorf("%s and %s_FILE are both set; wanted one of them", name, name)
	case file != "":
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s_FILE: %w", name, err)
		}
		value = strings.TrimRight(string(text), "\r\n")
		if value == "" || strings.ContainsAny(value, "\r\n") {
			return fmt.Errorf("%s_FILE: %s has to hold one line", name, file)
		}
	case value == "":
		return nil
	}
	if f.Value.Set(value) != nil {
		return fmt.Errorf("%s is no value of --%s", name, f.Name)
	}
	f.Changed = true
	return nil
}

func twin(root *cobra.Command, f *pflag.Flag) string {
	return strings.ToUpper(strings.ReplaceAll(root.Name()+"_"+f.Name, "-", "_"))
}
