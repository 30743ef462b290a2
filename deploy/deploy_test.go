// SPDX-License-Identifier: Apache-2.0

// Package deploy holds what is in this folder against the programs: files for containers, nginx and systemd go stale
// unseen, for nobody runs them where the code is written.
package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"landed/server/otad"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run is otad with these arguments, in an environment of its own.
func run(env map[string]string, args ...string) (code int, said string) {
	var out bytes.Buffer
	code = otad.Main(context.Background(), args, func(name string) string { return env[name] }, strings.NewReader(""), &out, &out)
	return code, out.String()
}

// guide is the page about this folder.
const guide = "../docs/operate/deploy.md"

var (
	guideCommand = regexp.MustCompile(`(?m)\botad ((?:init|ready|serve) -[^` + "`" + `#\n]*)`)
	guideLink    = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	variable     = regexp.MustCompile(`\bOTAD_[A-Z0-9_]*[A-Z0-9]\b`)
	longFlag     = regexp.MustCompile(`(?m)^\s+(?:-\w, )?--([a-z0-9-]+)`)
)

// TestVariables: each variable that is set or spoken of here is the twin of a flag, or the file of a secret.
func TestVariables(t *testing.T) {
	_, help := run(nil, "serve", "--help")
	var known []string
	for _, m := range longFlag.FindAllStringSubmatch(help, -1) {
		known = append(known, "OTAD_"+strings.ToUpper(strings.ReplaceAll(m[1], "-", "_")))
	}
	for _, name := range variable.FindAllString(help, -1) {
		if strings.HasSuffix(name, "_FILE") {
			known = append(known, name)
		}
	}
	if len(known) < 20 {
		t.Fatalf("otad serve --help names %d flags; is the pattern still right?\n%s", len(known), help)
	}
	files := []string{guide}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "secrets" {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() && !strings.HasSuffix(p, ".go") {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		for _, name := range variable.FindAllString(read(t, file), -1) {
			found++
			if !slices.Contains(known, name) {
				t.Errorf("%s has %s, and otad serve knows no such flag", file, name)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d variables were found in %q; is the pattern still right?", found, files)
	}
}

// TestCommands: each command line of otad here is one that otad takes.
func TestCommands(t *testing.T) {
	c := compose(t)
	lines := map[string][]string{
		"CMD of Dockerfile":         instruction(t, "CMD"),
		"HEALTHCHECK of Dockerfile": slices.Concat(instruction(t, "HEALTHCHECK"))[1:],
	}
	for name, service := range c.servers() {
		lines["healthcheck of "+name] = service.Healthcheck.Test[2:]
		if program := service.Healthcheck.Test[:2]; !slices.Equal(program, []string{"CMD", "/bin/otad"}) {
			t.Errorf("healthcheck of %s runs %q", name, program)
		}
	}
	for line := range strings.Lines(read(t, "systemd/otad.service")) {
		if command, ok := strings.CutPrefix(line, "ExecStart=/usr/local/bin/otad "); ok {
			lines["ExecStart of otad.service"] = strings.Fields(command)
		}
	}
	if lines["ExecStart of otad.service"] == nil {
		t.Error("otad.service does not start otad")
	}
	for _, m := range guideCommand.FindAllStringSubmatch(read(t, guide), -1) {
		lines["the guide: "+m[1]] = strings.Fields(m[1])
	}
	if len(lines) < 6 {
		t.Errorf("only %d command lines were found", len(lines))
	}
	for name, args := range lines {
		if code, said := run(nil, append(slices.Clone(args), "--help")...); code != 0 {
			t.Errorf("%s, %q: %s", name, args, said)
		}
	}
}

// instruction is the list of words after an instruction of the last stage of the Dockerfile, in its form of JSON.
func instruction(t *testing.T, name string) (words []string) {
	t.Helper()
	for line := range strings.Lines(read(t, "Dockerfile")) {
		_, list, ok := strings.Cut(line, "[")
		if ok && strings.HasPrefix(line, name+" ") {
			if err := json.Unmarshal([]byte("["+list), &words); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
	if len(words) == 0 {
		t.Fatalf("the Dockerfile has no %s", name)
	}
	return words
}

// TestDockerfile: the compiler is the one that go.mod wants, and what is built is there.
func TestDockerfile(t *testing.T) {
	text := read(t, "Dockerfile")
	want := regexp.MustCompile(`(?m)^go (1\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))
	if want == nil || !strings.Contains(text, "\nARG GO="+want[1]+"-") {
		t.Errorf("go.mod wants Go %v, and the Dockerfile takes another", want)
	}
	programs := regexp.MustCompile(`\./(\S+/cmd/\w+)`).FindAllStringSubmatch(text, -1)
	if len(programs) < 2 {
		t.Errorf("the Dockerfile builds %q", programs)
	}
	for _, p := range programs {
		if _, err := os.Stat("../" + p[1] + "/main.go"); err != nil {
			t.Error(err)
		}
	}
	last := text[strings.LastIndex(text, "\nFROM "):]
	if !strings.HasPrefix(last, "\nFROM scratch\n") || !strings.Contains(last, "\nUSER 65532:65532\n") {
		t.Error("the image is to have nothing but the programs, and no root")
	}
}

// TestLinks: what the guide points at is there.
func TestLinks(t *testing.T) {
	all := guideLink.FindAllStringSubmatch(read(t, guide), -1)
	if len(all) < 8 {
		t.Errorf("only %d links were found", len(all))
	}
	for _, m := range all {
		if _, err := os.Stat(filepath.Join(filepath.Dir(guide), m[1])); err != nil {
			t.Error(err)
		}
	}
}
