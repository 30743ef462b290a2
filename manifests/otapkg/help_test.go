// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"flag"
	"fmt"
	"go/ast"
	goparser "go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the page of findings anew")

// TestFindingsPage: the page has a row for each code, made out of the source. It is written anew with -update.
func TestFindingsPage(t *testing.T) {
	want := findingsPage(t)
	path := filepath.Join("..", "..", filepath.FromSlash(HelpPage))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("the page is stale; write it with go test ./manifests/otapkg -run TestFindingsPage -update (-want +got):\n%s", diff)
	}
}

// TestHelpHasAnchor: what a program prints leads to a row.
func TestHelpHasAnchor(t *testing.T) {
	page, anchor, _ := strings.Cut(SigAlg.Help(), "#")
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(page)))
	if err != nil || !strings.Contains(string(text), `<a id="`+anchor+`"></a>`) {
		t.Errorf("%s leads nowhere: %v", SigAlg.Help(), err)
	}
}

func findingsPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Findings\n\nWhat an inspection of a package may find: `otasign inspect`, `otactl upload`, and the handset before " +
		"it installs.\nThe level is the usual one, and each finding says its own in the case at hand, with what to do there. " +
		"`refuse`: the package\nmust not be used. `approve`: a second person must agree. `warn`: worth knowing.\n\n" +
		"This page is made from the source (`go test ./manifests/otapkg -run TestFindingsPage -update`).\n")
	file, err := goparser.ParseFile(gotoken.NewFileSet(), "codes.go", nil, goparser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != gotoken.CONST {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| code | level | means | what to do |\n| --- | --- | --- | --- |\n",
			strings.TrimSuffix(strings.TrimSpace(group.Doc.Text()), "."))
		for _, s := range group.Specs {
			seen++
			b.WriteString(findingRow(t, s.(*ast.ValueSpec)))
		}
	}
	if seen < 50 {
		t.Fatalf("only %d codes were found", seen)
	}
	return b.String()
}

func findingRow(t *testing.T, s *ast.ValueSpec) string {
	text, err := strconv.Unquote(s.Values[0].(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	code, means := Code(text), strings.TrimSpace(s.Comment.Text())
	if means == "" || remedies[code] == "" {
		t.Errorf("%s: a comment beside the constant says what it means, and remedies what to do", code)
	}
	return fmt.Sprintf("| <a id=\"%s\"></a>`%s` | %s | %s | %s |\n", code.anchor(), code, usualLevel(code), means, remedies[code])
}
