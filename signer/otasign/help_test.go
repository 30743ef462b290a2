// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every command says what it does and gives an example that its own flags can parse.
func TestHelp(t *testing.T) {
	root := command(&terminal{})
	for _, c := range root.Commands() {
		if c.Long == "" || c.GroupID == "" || !strings.Contains(c.Example, "otasign "+c.Name()+" ") {
			t.Errorf("%s lacks words, a group, or an example", c.Name())
		}
		for _, line := range strings.Split(c.Long+"\n"+c.Example, "\n") {
			if len(line) > 140 {
				t.Errorf("%s: a line of its help has %d characters", c.Name(), len(line))
			}
		}
		for _, line := range strings.Split(c.Example, "\n") {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "  #")
			args := strings.Fields(line)
			if len(args) < 2 || args[0] != "otasign" {
				continue
			}
			example(t, args[1:])
		}
		if usage := c.Flags().FlagUsages(); strings.Contains(usage, " strings ") || strings.Contains(usage, " int ") ||
			strings.Contains(usage, " string ") {
			t.Errorf("%s: a flag says its type and not what it wants:\n%s", c.Name(), usage)
		}
	}
}

func example(t *testing.T, args []string) {
	t.Helper()
	c, rest, err := command(&terminal{}).Find(args)
	if err != nil {
		t.Errorf("otasign %v: %v", args, err)
		return
	}
	if err := c.ParseFlags(rest); err != nil {
		t.Errorf("otasign %v: %v", args, err)
		return
	}
	if err := cobra.PositionalArgs(c.Args)(c, c.Flags().Args()); err != nil {
		t.Errorf("otasign %v: %v", args, err)
	}
}

func TestLives(t *testing.T) {
	for text, want := range map[string]string{"180d": "180d", "12h": "12h0m0s", "48h": "2d", "0d": "", "-1d": "", "d": "",
		"x": "", "1000000d": ""} {
		var d days
		err := d.Set(text)
		if (err == nil) != (want != "") || err == nil && d.String() != want {
			t.Errorf("%q is read as %s, error %v; wanted %q", text, d.String(), err, want)
		}
	}
}
