// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func guide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operate/release.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var refusalCode = regexp.MustCompile(
	`(?:\(fleet\.\w+, |(?:notFound|conflict)\(err, |Code: +|p\.Code = http\.\w+, |p\.Code(?:, p\.Detail)? = http\.\w+, )"([a-z_]+)"`,
)

// elsewhere are codes that no command of otactl can meet: those of the start of a server, and
// of the doors for handsets and support.
var elsewhere = map[string]bool{
	"database_newer": true, "database_differs": true, "database_foreign": true, "database_address": true, "metadata_unknown": true,
	"installation_unknown": true, "report_unknown": true, "reports_ahead": true, "member_unknown": true,
	"provisional_kept": true, "database_standby": true, "database_no_locks": true, "database_not_durable": true, "database_copy": true,
	"copy_ahead": true, "copy_of_another": true, "copy_not_empty": true, "copy_served": true, "database_unfinished": true, "mark": true,
	"reports_there": true, "other_protocol": true, "feed_empty": true,
}

// Every code that the packages behind the console can answer is explained in the guide.
func TestGuideExplainsEveryRefusal(t *testing.T) {
	text := guide(t)
	found := 0
	folders := []string{
		"admission",
		"repo",
		"library",
		"release",
		"rollouts",
		"trust",
		"evidence",
		"lineup",
		"published",
		"proposals",
		"uptime",
		"retain",
		"known/book",
		"console",
		"auth",
		"rollout",
		"render",
		"store",
		"store/rows",
		"store/postgres",
		"store/sqlite",
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources in server/%s: %v", folder, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range refusalCode.FindAllStringSubmatch(string(source), -1) {
				if elsewhere[m[1]] {
					continue
				}
				found++
				if !strings.Contains(text, "`"+m[1]+"`") {
					t.Errorf("%s answers %q, which docs/operate/release.md does not explain", file, m[1])
				}
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d codes were found in the sources; is the pattern still right?", found)
	}
}

var commandLine = regexp.MustCompile("(?m)(?:^|`)(otactl [^`\n]+)")

// Every command in the guide exists, with the flags that it is given there.
func TestGuideCommandsExist(t *testing.T) {
	all := commandLine.FindAllStringSubmatch(guide(t), -1)
	if len(all) < 15 {
		t.Fatalf("only %d commands were found in the guide", len(all))
	}
	for _, m := range all {
		line, _, _ := strings.Cut(m[1], " #")
		root := command(new(connection), new(printer))
		c, rest, err := root.Find(strings.Fields(line)[1:])
		if err != nil || c == root || c.HasSubCommands() {
			t.Errorf("%q is no command: %v", line, err)
			continue
		}
		if err := c.ParseFlags(rest); err != nil && err != pflag.ErrHelp {
			t.Errorf("%q: %v", line, err)
		}
	}
}
