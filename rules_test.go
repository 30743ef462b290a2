// SPDX-License-Identifier: Apache-2.0

package landed

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the architecture: for each folder, the folders of this module that it may import.
// The longest matching folder counts, and an entry allows the folders below it as well.
// A folder may always import itself. "=x" allows x alone and nothing below it.
var mayImport = map[string][]string{
	"":                            {},
	"manifests":                   {},
	"manifests/otapkg":            {"=manifests"},
	"manifests/tufrepo":           {"=manifests"},
	"manifests/offers":            {"=manifests"},
	"manifests/report":            {"=manifests"},
	"signer":                      {"manifests", "signer"},
	"handset":                     {"manifests", "=handset/slots"},
	"handset/slots":               {"manifests/otapkg"},
	"handset/sim":                 {"manifests", "handset", "firmware-fixtures"},
	"handset/otahandset":          {"manifests", "handset", "firmware-fixtures"},
	"handset/otasim":              {"manifests", "handset", "firmware-fixtures"},
	"handset/cmd":                 {"manifests", "handset", "firmware-fixtures"},
	"firmware-fixtures":           {"=manifests"},
	"firmware-fixtures/virtual":   {"manifests/report", "=manifests"},
	"firmware-fixtures/mkfixture": {"=firmware-fixtures", "=manifests"},
	"firmware-fixtures/cmd":       {"=firmware-fixtures/mkfixture"},
	"web":                         {},
	"server":                      {"manifests", "server", "web"}, // server.go is the map of the house
	"server/fleet":                {"manifests"},
	"server/reasons":              {"server/fleet"},
	"server/rollout":              {"server/fleet", "server/reasons", "manifests"},
	"server/verdict":              {"server/fleet", "server/reasons", "manifests"},
	"server/publish":              {"manifests", "server/fleet", "server/reasons", "=server/blob", "server/rollout"},
	"server/intake":               {"manifests", "server/fleet", "server/rollout", "server/verdict"},
	"server/store":                {"server/fleet", "=server/store/sqlite"},
	"server/store/sqlite":         {"manifests", "server/fleet", "server/reasons"},
	"server/store/storetest":      {"=server/store", "manifests", "server/fleet"},
	"server/blob":                 {},
	"server/blob/disk":            {"=server/blob"},
	"server/blob/s3":              {"=server/blob"},
	"server/blob/blobtest":        {"=server/blob"},
	"server/auth":                 {"server/fleet", "server/render"},
	"server/render":               {"server/fleet", "web"},
	"server/device/feed":          {"=server/blob", "server/render"},
	"server/device/native":        {"manifests/report", "server/fleet", "server/intake", "server/render"},
	"server/console":              {"manifests", "server/fleet", "server/publish", "server/rollout", "server/intake", "server/auth", "server/render", "server/reasons"},
	"server/support":              {"manifests", "server/fleet", "server/verdict", "server/rollout", "server/reasons", "server/render", "web"},
	"server/otactl":               {"manifests", "=server/otactl/client"}, // a client of the server: of its code it knows nothing
	"server/otactl/client":        {"manifests"},
	"server/otad":                 {"manifests", "server"},
	"server/cmd":                  {"=server/otad", "=server/otactl"},
	"demo":                        {"manifests", "server", "signer", "handset", "firmware-fixtures"}, // where the three programs meet
}

// libraryHome names the only folders that may import an outside library.
var libraryHome = map[string][]string{
	"github.com/go-chi/chi/v5":                          {"server"},
	"github.com/theupdateframework/go-tuf/v2":           {"manifests/tufrepo", "server/publish", "handset"},
	"github.com/sigstore/sigstore":                      {"manifests/tufrepo", "signer", "server/publish"},
	"github.com/secure-systems-lab/go-securesystemslib": {"manifests/tufrepo", "manifests/report"},
	"modernc.org/sqlite":                                {"server/store/sqlite"},
	"github.com/minio/minio-go/v7":                      {"server/blob/s3"},
	"github.com/google/go-cmp":                          {"server/store/storetest", "server/blob/blobtest"}, // a conformance suite is code that only tests import
	"filippo.io/age":                                    {"signer/keys"},
	"github.com/spf13/cobra":                            {"server/otad", "server/otactl", "signer/otasign", "handset/otahandset", "handset/otasim", "firmware-fixtures/mkfixture"},
	"github.com/spf13/pflag":                            {"server/otad"},
	"github.com/schollz/progressbar/v3":                 {"server/otactl", "signer/otasign", "firmware-fixtures/mkfixture"},
	"go.yaml.in/yaml/v3":                                {"manifests", "server/otactl"},
	"golang.org/x/term":                                 {"signer/otasign", "server/otactl"},
	"google.golang.org/protobuf":                        {"manifests/otapkg", "firmware-fixtures"},
}

// pure folders take time and randomness as arguments.
var pure = []string{"manifests", "server/fleet", "server/reasons", "server/rollout", "server/verdict", "firmware-fixtures", "web"}

// mustNotLink forbids standard packages however indirectly they would come in.
var mustNotLink = map[string][]string{
	"signer/cmd/otasign": {"net/http", "crypto/tls", "database/sql"}, // it runs on a machine without a network
	"server/fleet":       {"net/http", "database/sql", "log/slog", "os/exec"},
	"server/rollout":     {"net/http", "database/sql", "log/slog", "os/exec"},
	"server/verdict":     {"net/http", "database/sql", "log/slog", "os/exec"},
}

const (
	maxFileLines = 400
	maxFuncLines = 90
)

type source struct {
	folder, name string
	file         *ast.File
	set          *token.FileSet
	text         string
}

// sources parses every Go file of this module that is not a test.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(p, "go.mod")); p != "." && (err == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return filepath.SkipDir // a nested module, or no code of ours
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(string(text), "// SPDX-License-Identifier: Apache-2.0\n") {
			t.Errorf("%s: the first line must be the SPDX line", p)
		}
		if strings.HasSuffix(p, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, p, text, parser.ParseComments)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(p))
		if folder == "." {
			folder = ""
		}
		all = append(all, source{folder, filepath.ToSlash(p), f, set, string(text)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		allowed, ok := lookup(s.folder)
		if !ok {
			t.Errorf("%s: folder %q has no line in mayImport", s.name, s.folder)
		}
		for _, im := range s.file.Imports {
			name, _ := strconv.Unquote(im.Path.Value)
			if own, ok := strings.CutPrefix(name, "landed/"); ok && !permitted(s.folder, own, allowed) {
				t.Errorf("%s: %s may not import %s; mayImport is the plan of the house", s.name, s.folder, own)
			}
			if strings.Contains(strings.SplitN(name, "/", 2)[0], ".") && !atHome(name, s.folder) {
				t.Errorf("%s: %s may not be imported in %s; libraryHome names where it lives", s.name, name, s.folder)
			}
		}
	}
}

// lookup finds the longest folder of the table that holds folder. Below server and
// manifests a new folder must get a line of its own.
func lookup(folder string) ([]string, bool) {
	for f := folder; ; f = path.Dir(f) {
		if f == "." {
			f = ""
		}
		if allowed, ok := mayImport[f]; ok {
			own := f == folder || (f != "" && f != "server" && f != "manifests")
			return allowed, own
		}
	}
}

func permitted(from, to string, allowed []string) bool {
	if from == to {
		return true
	}
	return slices.ContainsFunc(allowed, func(a string) bool {
		if exact, ok := strings.CutPrefix(a, "="); ok {
			return to == exact
		}
		return to == a || strings.HasPrefix(to, a+"/")
	})
}

func atHome(library, folder string) bool {
	for lib, homes := range libraryHome {
		if library == lib || strings.HasPrefix(library, lib+"/") {
			return slices.ContainsFunc(homes, func(h string) bool { return folder == h || strings.HasPrefix(folder, h+"/") })
		}
	}
	return false
}

func TestPackageComments(t *testing.T) {
	has := map[string]bool{}
	for _, s := range sources(t) {
		has[s.folder] = has[s.folder] || len(s.file.Doc.Text()) > 40
	}
	for folder, ok := range has {
		if !ok {
			t.Errorf("package in %q has no package comment: parties, what it promises, what it refuses", folder)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		if n := strings.Count(s.text, "\n"); n > maxFileLines {
			t.Errorf("%s has %d lines; the limit is %d, about 120 reads well", s.name, n, maxFileLines)
		}
		for _, d := range s.file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				if n := s.set.Position(fn.Body.End()).Line - s.set.Position(fn.Body.Pos()).Line; n > maxFuncLines {
					t.Errorf("%s: %s has %d lines; the limit is %d", s.name, fn.Name.Name, n, maxFuncLines)
				}
			}
		}
	}
}

// ambient is what a pure package may not use: of each package the names, or all of it if none is listed.
var ambient = map[string][]string{
	"time":         {"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "NewTimer", "NewTicker", "Tick"},
	"math/rand":    nil,
	"math/rand/v2": nil,
	"crypto/rand":  nil,
}

// ambientAllowed names the files that may, and why.
var ambientAllowed = map[string]string{
	"firmware-fixtures/key.go": "a fresh OTA key wants true randomness if the caller brings none",
}

func TestPurePackagesTakeTimeAndChance(t *testing.T) {
	for _, s := range sources(t) {
		isPure := slices.ContainsFunc(pure, func(p string) bool { return s.folder == p || strings.HasPrefix(s.folder, p+"/") })
		if !isPure || strings.Contains(s.folder, "/cmd/") || ambientAllowed[s.name] != "" {
			continue
		}
		forbidden := map[string][]string{} // by the name that the file gives to the package
		for _, im := range s.file.Imports {
			name, _ := strconv.Unquote(im.Path.Value)
			names, is := ambient[name]
			switch {
			case is && names == nil:
				t.Errorf("%s: randomness comes in as an argument; it may not import %s", s.name, name)
			case is && im.Name == nil:
				forbidden[path.Base(name)] = names
			case is && im.Name.Name == ".":
				t.Errorf("%s: nobody sees what is used of %s if it is imported with a dot", s.name, name)
			case is:
				forbidden[im.Name.Name] = names
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(forbidden[x.Name], sel.Sel.Name) {
					t.Errorf("%s: %s.%s in a pure package; take the time as an argument", s.set.Position(n.Pos()), x.Name, sel.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestMustNotLink(t *testing.T) {
	for folder, forbidden := range mustNotLink {
		if _, err := os.Stat(folder); err != nil {
			t.Errorf("mustNotLink names %s, which does not exist", folder)
			continue
		}
		out, err := exec.Command("go", "list", "-deps", "./"+folder).CombinedOutput()
		if err != nil {
			t.Fatalf("go list -deps ./%s: %v\n%s", folder, err, out)
		}
		for _, dep := range strings.Fields(string(out)) {
			if slices.Contains(forbidden, dep) {
				t.Errorf("%s links %s and must not", folder, dep)
			}
		}
	}
}
