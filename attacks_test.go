// SPDX-License-Identifier: Apache-2.0

package landed

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const attackTable = "docs/design/attacks.md"

// attackRow is one of the table.
type attackRow struct {
	attack, state string
	tests         []attackTest
	words         string // the last cell, without its tests
}

// attackTest is a test that a row names, with cases of it.
type attackTest struct {
	file, name string
	cases      []string
}

var (
	namedTest = regexp.MustCompile("`([a-z0-9_/-]+_test\\.go):([A-Za-z0-9_]+)`((?:,? \"[^\"]+\")*)")
	namedCase = regexp.MustCompile(`"([^"]+)"`)
)

// TestAttackTable: every attack is there once, with the tests that show what becomes of it, or the reason why there is
// none; and every test that it names is there.
func TestAttackTable(t *testing.T) {
	rows := readAttacks(t)
	files := map[string]testFile{}
	for n := 1; n <= 42; n++ {
		row, ok := rows[n]
		if !ok {
			t.Errorf("row %d is missing", n)
			continue
		}
		reason := len(strings.Fields(row.words)) >= 5
		switch {
		case row.attack == "":
			t.Errorf("row %d names no attack", n)
		case row.state == "held" && len(row.tests) == 0:
			t.Errorf("row %d: what is held is shown by a test", n)
		case row.state == "in part" && (len(row.tests) == 0 || !reason):
			t.Errorf("row %d: what is held in part is shown by a test, and words say what is not", n)
		case (row.state == "cannot arise" || row.state == "open") && !reason:
			t.Errorf("row %d: words say why it is %s", n, row.state)
		case !slices.Contains([]string{"held", "in part", "cannot arise", "open"}, row.state):
			t.Errorf("row %d is %q", n, row.state)
		}
		for _, test := range row.tests {
			if _, read := files[test.file]; !read {
				files[test.file] = readTestFile(t, test.file)
			}
			for _, fault := range files[test.file].lacks(test) {
				t.Errorf("row %d: %s", n, fault)
			}
		}
	}
	if len(rows) != 42 {
		t.Errorf("%d rows, wanted 42", len(rows))
	}
}

// TestAttacksAreInTheTable: no attack on the handset is tried without standing in the table, under its number.
func TestAttacksAreInTheTable(t *testing.T) {
	const file = "handset/attack_test.go"
	rows, found := readAttacks(t), 0
	for said := range readTestFile(t, file).literals {
		number, _, ok := strings.Cut(said, " ")
		n, err := strconv.Atoi(number)
		if !ok || err != nil {
			continue
		}
		found++
		if !slices.ContainsFunc(rows[n].tests, func(x attackTest) bool { return x.file == file && slices.Contains(x.cases, said) }) {
			t.Errorf("row %d does not name %q of %s", n, said, file)
		}
	}
	if found < 40 {
		t.Errorf("only %d attacks were found in %s", found, file)
	}
}

func readAttacks(t *testing.T) map[int]attackRow {
	t.Helper()
	text, err := os.ReadFile(attackTable)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[int]attackRow{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		n, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil {
			continue
		}
		if _, twice := rows[n]; twice || len(cells) != 4 {
			t.Errorf("row %d is there twice, or has %d cells", n, len(cells))
			continue
		}
		row := attackRow{attack: cells[1], state: cells[2], words: namedTest.ReplaceAllString(cells[3], "")}
		row.words = strings.ReplaceAll(row.words, "<br>", " ")
		for _, m := range namedTest.FindAllStringSubmatch(cells[3], -1) {
			test := attackTest{file: m[1], name: m[2]}
			for _, c := range namedCase.FindAllStringSubmatch(m[3], -1) {
				test.cases = append(test.cases, c[1])
			}
			row.tests = append(row.tests, test)
		}
		if strings.Contains(row.words, "_test.go") || namedCase.MatchString(row.words) {
			t.Errorf("row %d: this is read by nobody: %s", n, row.words)
		}
		rows[n] = row
	}
	return rows
}

// testFile is what a test file holds.
type testFile struct {
	folder   string
	funcs    map[string]bool
	literals map[string]bool
}

func readTestFile(t *testing.T, name string) testFile {
	t.Helper()
	found := testFile{filepath.Dir(name), map[string]bool{}, map[string]bool{}}
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return found
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			found.funcs[n.Name.Name] = n.Recv == nil
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
				found.literals[text] = true
			}
		}
		return true
	})
	return found
}

// lacks says what of a test is not in the file. A case is a string of it or, of stories, a script.
func (f testFile) lacks(test attackTest) (faults []string) {
	if !f.funcs[test.name] || !strings.HasPrefix(test.name, "Test") {
		faults = append(faults, test.file+" holds no "+test.name)
	}
	for _, c := range test.cases {
		_, err := os.Stat(filepath.Join(f.folder, "testdata", "script", c+".txtar"))
		if script := test.name == "TestStories" && err == nil; !script && !f.literals[c] {
			faults = append(faults, test.file+" holds no case "+strconv.Quote(c))
		}
	}
	return faults
}
