// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// program has a command with flags of every kind that matters.
func program(seen *[]string) *cobra.Command {
	root := &cobra.Command{Use: "prog", SilenceUsage: true, SilenceErrors: true}
	name := root.PersistentFlags().String("name", "nobody", "")
	sub := &cobra.Command{Use: "do"}
	size := sub.Flags().IntP("max-size", "m", 1, "")
	keys := sub.Flags().StringArray("key", nil, "")
	must := sub.Flags().String("must", "", "")
	_ = sub.MarkFlagRequired("must")
	sub.RunE = func(_ *cobra.Command, args []string) error {
		*seen = append([]string{*name, strings.Repeat("x", *size), *must}, append(*keys, args...)...)
		return nil
	}
	root.AddCommand(sub)
	return root
}

func TestFlags(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		env  map[string]string
		want []string
		err  string
	}{
		"two hyphens":      {args: []string{"do", "--name", "a", "--max-size=2", "--must", "m"}, want: []string{"a", "xx", "m"}},
		"one hyphen":       {args: []string{"do", "-name", "a", "-max-size=2", "-must", "m"}, want: []string{"a", "xx", "m"}},
		"before a command": {args: []string{"-name=a", "do", "-must=m"}, want: []string{"a", "x", "m"}},
		"one letter":       {args: []string{"do", "-m", "3", "-must=m"}, want: []string{"nobody", "xxx", "m"}},
		"after --":         {args: []string{"do", "-must=m", "--", "-name"}, want: []string{"nobody", "x", "m", "-name"}},
		"from the environment": {args: []string{"do"},
			env:  map[string]string{"PROG_NAME": "e", "PROG_MAX_SIZE": "2", "PROG_MUST": "m", "PROG_KEY": "k"},
			want: []string{"e", "xx", "m", "k"}},
		"a flag wins": {args: []string{"do", "-name=a", "-must=m", "-key=1", "-key=2"},
			env: map[string]string{"PROG_NAME": "e", "PROG_KEY": "k"}, want: []string{"a", "x", "m", "1", "2"}},
		"an empty variable":       {args: []string{"do", "-must=m"}, env: map[string]string{"PROG_NAME": ""}, want: []string{"nobody", "x", "m"}},
		"a variable without need": {args: []string{"do", "-must=m", "-max-size=2"}, env: map[string]string{"PROG_MAX_SIZE": "big"}, want: []string{"nobody", "xx", "m"}},
		"a bad variable":          {args: []string{"do", "-must=m"}, env: map[string]string{"PROG_MAX_SIZE": "big"}, err: `PROG_MAX_SIZE="big"`},
		"an unknown flag":         {args: []string{"do", "-must=m", "--nome"}, err: "--nome"},
		"what is required":        {args: []string{"do"}, err: "must"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			root := program(&got)
			Prepare(root, tt.args)
			Twins(root, func(v string) string { return tt.env[v] })
			err := root.Execute()
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v; wanted %q", err, tt.err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q; wanted %q", got, tt.want)
			}
		})
	}
}

func TestLongFlags(t *testing.T) {
	in := []string{"do", "-name", "-key=a.pem", "-h", "-m", "f", "-help", "--name", "-unknown", "-", "--", "-name"}
	want := []string{"do", "--name", "--key=a.pem", "-h", "-m", "f", "--help", "--name", "-unknown", "-", "--", "-name"}
	if got := longFlags(program(new([]string)), in); !slices.Equal(got, want) {
		t.Errorf("got %q; wanted %q", got, want)
	}
}

func TestVersionFlag(t *testing.T) {
	for _, arg := range []string{"-version", "--version"} {
		root := program(new([]string))
		var out bytes.Buffer
		root.SetOut(&out)
		Prepare(root, []string{arg})
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		got := out.String()
		if !strings.HasPrefix(got, "prog ") || strings.Index(got, "\n") != len(got)-1 || !strings.Contains(got, runtime.Version()) {
			t.Errorf("%s: %q", arg, got)
		}
	}
}

func TestDescribe(t *testing.T) {
	setting := func(pairs ...string) (all []debug.BuildSetting) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	for _, tt := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{&debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.0"},
			Settings: setting("vcs.revision", "abc", "vcs.time", "2026-11-25T00:00:00Z", "vcs.modified", "true", "GOOS", "linux", "GOARCH", "arm64")},
			"otad v1.2.0 (revision abc of 2026-11-25T00:00:00Z, modified) go1.26.0 linux/arm64"},
		{&debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: "(devel)"}}, "otad (devel) go1.26.0"},
		{nil, "otad (unknown source) " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH},
	} {
		if got := describe("otad", tt.info); got != tt.want {
			t.Errorf("got %q; wanted %q", got, tt.want)
		}
	}
}

// TestSecrets has a secret come from a file, and shows it in no error.
func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, two, empty := file("good", "sesame\n"), file("two", "sesame\nopen\n"), file("empty", "\n")
	for name, tt := range map[string]struct {
		args      []string
		env       map[string]string
		want, err string
	}{
		"from a file":             {env: map[string]string{"PROG_KEY_FILE": good}, want: "sesame"},
		"from the environment":    {env: map[string]string{"PROG_KEY": "open"}, want: "open"},
		"a flag wins":             {args: []string{"--key=flag"}, env: map[string]string{"PROG_KEY_FILE": good}, want: "flag"},
		"from nowhere":            {want: ""},
		"both":                    {env: map[string]string{"PROG_KEY": "sesame", "PROG_KEY_FILE": good}, err: "both set"},
		"two lines":               {env: map[string]string{"PROG_KEY_FILE": two}, err: "one line"},
		"nothing in it":           {env: map[string]string{"PROG_KEY_FILE": empty}, err: "one line"},
		"no such file":            {env: map[string]string{"PROG_KEY_FILE": good + "x"}, err: "PROG_KEY_FILE"},
		"no value of the flag":    {env: map[string]string{"PROG_PIN_FILE": good}, err: "no value"},
		"only secrets have files": {env: map[string]string{"PROG_NAME_FILE": good}, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			root := &cobra.Command{Use: "prog", SilenceUsage: true, SilenceErrors: true, RunE: func(*cobra.Command, []string) error { return nil }}
			key := root.Flags().String("key", "", "")
			root.Flags().Int("pin", 0, "")
			other := root.Flags().String("name", "", "")
			Secret(root.Flags(), "key", "pin")
			Prepare(root, tt.args)
			Twins(root, func(v string) string { return tt.env[v] })
			err := root.Execute()
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v; wanted %q", err, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), "sesame") {
				t.Errorf("%v shows the secret", err)
			}
			if *key != tt.want || *other != "" {
				t.Errorf("got %q and %q; wanted %q", *key, *other, tt.want)
			}
		})
	}
}
