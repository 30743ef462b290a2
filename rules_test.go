// SPDX-License-Identifier: Apache-2.0

package landed

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// mayImport is the architecture: for each folder, the folders of this module that it may import.
// The longest matching folder counts, and an entry allows the folders below it as well.
// A folder may always import itself. "=x" allows x alone and nothing below it.
var mayImport = map[string][]string{
	"":                       {},
	"internal/durable":       {},
	"internal/cli":           {},
	"internal/format":        {},
	"internal/compare":       {},
	"internal/figures":       {},
	"internal/race":          {},
	"internal/recent":        {},
	"internal/scale":         {},
	"manifests":              {"=manifests/strict", "=manifests/effect/probe"},
	"manifests/strict":       {},
	"manifests/effect/probe": {},
	"manifests/effect":       {"=manifests/effect/probe", "=manifests/strict", "=manifests/report", "=manifests/report/v1"},
	"manifests/release":      {"=manifests", "=manifests/csig", "manifests/effect", "=manifests/strict", "=manifests/tufrepo"},
	"manifests/cms":          {},
	"manifests/otapkg":       {"=manifests", "=manifests/cms", "=internal/format"},
	"manifests/tufrepo":      {"=manifests", "=internal/format", "=internal/recent"},
	"manifests/offers":       {"=manifests", "=manifests/strict"},
	"manifests/heads":        {"=manifests/strict", "=manifests/tufrepo"},
	"manifests/csig":         {"=manifests/cms", "=manifests/otapkg", "=manifests/strict"},
	"manifests/shelf":        {"=manifests", "=manifests/strict", "=manifests/tufrepo"},
	"manifests/updaters":     {},
	"manifests/tally": {
		"=manifests/heads",
		"=manifests/report",
		"=manifests/report/envelope",
		"=manifests/strict",
		"=manifests/tufrepo",
	},
	"manifests/report":            {"=manifests/effect/probe"},
	"manifests/report/v1":         {"=manifests/report", "=manifests/effect/probe", "=manifests/strict"},
	"manifests/report/v2":         {"=manifests/report", "=manifests/effect/probe", "=manifests/strict"},
	"manifests/report/v3":         {"=manifests/report", "=manifests/report/v2", "=manifests/strict"},
	"manifests/evidence":          {"=internal/format", "=manifests/report", "=manifests/strict", "=manifests/tufrepo"},
	"manifests/report/envelope":   {"manifests/report", "=manifests/strict"},
	"signer":                      {"manifests", "signer", "internal"},
	"handset":                     {"manifests", "=handset/slots", "=internal/durable"},
	"handset/slots":               {"manifests/otapkg", "=internal/durable"},
	"handset/sim":                 {"manifests", "handset", "firmware-fixtures"},
	"handset/lab":                 {"manifests", "=handset/slots", "=firmware-fixtures/virtual"},
	"handset/otahandset":          {"=internal/cli", "=internal/durable", "manifests", "handset", "firmware-fixtures"},
	"handset/otasim":              {"=internal/cli", "=internal/durable", "manifests", "handset", "firmware-fixtures"},
	"handset/cmd":                 {"handset"},
	"handset/cmd/tufclient":       {"=handset", "=handset/slots", "=manifests", "=manifests/effect/probe"}, // a tool of tests
	"firmware-fixtures":           {},
	"firmware-fixtures/virtual":   {"=manifests/effect/probe"},
	"firmware-fixtures/mkfixture": {"=firmware-fixtures", "internal"},
	"firmware-fixtures/cmd":       {"=firmware-fixtures/mkfixture"},
	"web":                         {},
	"server":                      {"manifests", "server", "web"},  // server.go is the map of the house
	"server/cluster":              {"server/fleet", "server/repo"}, // what several servers on one database agree on
	"server/datadir": {"=internal/durable", "=manifests/otapkg", "manifests/tufrepo", "server/auth", "server/fleet",
		"server/seal", "server/store"},
	"server/httplimit": {},
	"server/headroom":  {"server/fleet"},
	"server/metrics":   {},
	"server/span":      {},
	"server/traces":    {"=server/span"},
	"server/fleet":     {"manifests", "=internal/format"},
	"server/reasons":   {"server/fleet"},
	"server/rollout":   {"=manifests/offers", "server/fleet", "server/reasons", "=internal/format"},
	"server/evidence":  {"manifests", "server/fleet", "server/published"},
	"server/history":   {"=manifests/effect", "=manifests/report", "server/fleet", "=server/rollout"},
	"server/grounds":   {"server/evidence", "server/fleet", "server/rollout"},
	"server/proposals": {"server/fleet"},
	"server/uptime":    {"=manifests/tufrepo", "server/fleet"},
	"server/offering":  {"manifests", "server/fleet"}, // pure: the offers document, and nothing of how it is published
	"server/published": {"=internal/recent", "manifests", "server/fleet"},
	"server/repo": {"=internal/durable", "=manifests", "=manifests/shelf", "manifests/tufrepo", "server/fleet", "=server/blob",
		"=server/span"}, // it knows no room above it
	"server/lineup":  {"manifests", "server/fleet"},
	"server/library": {"manifests", "server/fleet", "=server/blob", "server/published", "server/repo", "server/lineup"},
	"server/release": {"manifests", "=server/blob", "=server/device/everybody", "=server/device/legacy", "server/fleet", "=server/offering", "server/published", "server/repo",
		"server/rollout", "server/lineup"},
	"server/admission": {"=manifests/report", "server/fleet", "server/proposals"},
	"server/rollouts": {"manifests", "=server/device/legacy", "server/evidence", "server/fleet", "server/proposals", "server/grounds",
		"server/offering", "server/published", "server/reasons", "server/repo", "server/rollout", "server/lineup"},
	"server/trust": {"manifests/tufrepo", "server/fleet", "server/repo", "server/rollouts"},
	"server/restore": {"manifests", "server/fleet", "server/reasons", "server/repo", "server/rollout",
		"server/rollouts", "server/lineup"},
	"server/rooms": {"manifests", "server/evidence", "server/fleet", "=server/blob", "server/library",
		"server/proposals", "server/release", "server/repo", "server/restore", "server/rollouts", "=server/span", "server/trust", "server/lineup"},
	"server/servertest": {"manifests", "firmware-fixtures", "server/blob/disk", "server/fleet", "server/library",
		"server/repo", "server/rollouts", "server/rooms", "server/store"},
	"server/settle": {
		"manifests",
		"server/fleet",
	}, // pure: what reports change; intake stores it, a recount does without
	"server/recount": {"manifests", "=server/cells", "server/fleet", "server/published", "=server/rollout",
		"server/settle"}, // pure: what otactl counts again by
	"server/intake": {"manifests", "server/fleet", "server/published", "server/rollouts", "server/settle", "=server/span"},
	"server/retain": {"=manifests/report", "server/fleet", "server/seal"},
	"server/scrub":  {"server/blob", "server/repo"},
	"server/fsck": {
		"=internal/format",
		"=manifests/heads",
		"=manifests/tally",
		"=manifests/tufrepo",
		"=server/tallies",
		"server/blob",
		"server/fleet",
		"server/intake",
		"server/published",
		"server/repo",
		"server/seal",
		"server/store",
	},
	"server/seal": {
		"=internal/durable",
		"=manifests/heads",
		"=manifests/report",
		"=manifests/tufrepo",
		"server/fleet",
	},
	"server/store":                 {"server/fleet", "=server/store/postgres", "=server/store/rows", "=server/store/sqlite"},
	"server/store/postgres":        {"server/fleet", "=server/store/rows"},
	"server/store/postgres/pgtest": {},
	"server/store/rows":            {"manifests", "server/fleet", "=server/store/compact"},
	"server/store/sqlite":          {"=internal/durable", "manifests", "server/fleet", "server/reasons", "=server/store/rows"},
	"server/store/compact":         {"=manifests/report/envelope"},
	"server/store/compact/mkdict":  {"=manifests/report", "=manifests/report/envelope", "server/fleet", "=server/store"},
	"server/store/storetest":       {"=server/store", "=server/store/postgres/pgtest", "manifests", "server/fleet"},
	"server/blob":                  {},
	"server/blob/disk":             {"=server/blob", "=internal/durable"},
	"server/blob/s3":               {"=server/blob"},
	"server/blob/blobtest":         {"=server/blob"},
	"server/auth":                  {"server/fleet", "server/render"},
	"server/render":                {"server/fleet"},
	"server/device/feed":           {"=server/blob", "server/render", "=manifests/shelf", "=manifests/tufrepo"},
	// Phones with the updaters of others: pure, files that follow from what is offered to everybody.
	"server/device/everybody":  {"=manifests", "=manifests/csig", "=manifests/otapkg", "=manifests/release", "=manifests/tufrepo", "server/fleet"},
	"server/device/lineageos":  {"=manifests/release", "=manifests/shelf", "=server/device/everybody"},
	"server/device/custota":    {"=manifests/otapkg", "=manifests/shelf", "=server/device/everybody"},
	"server/device/grapheneos": {"=manifests/otapkg", "=manifests/shelf", "=server/device/everybody"},
	"server/device/aospsample": {"=manifests/otapkg", "=manifests/shelf", "=server/device/everybody"},
	"server/device/legacy": {"=manifests", "=manifests/offers", "=manifests/release", "=manifests/shelf", "=server/device/aospsample",
		"=server/device/custota", "=server/device/everybody", "=server/device/grapheneos", "=server/device/lineageos", "server/fleet"},
	"server/device/native": {"manifests/report", "server/fleet", "server/intake", "server/render"},
	"server/console": {"manifests", "server/admission", "server/evidence", "server/fleet", "=server/known/book", "server/library",
		"server/proposals", "server/release", "server/retain", "server/rollout", "server/rollouts", "server/rooms", "server/repo", "server/trust", "server/auth", "server/reasons", "server/render", "server/lineup", "server/uptime"},
	"server/known":          {"=manifests/report", "=manifests/strict", "=server/fleet"}, // pure: what known issues explain
	"server/known/book":     {"=manifests/effect", "=server/fleet", "=server/known", "=server/published"},
	"server/support/naming": {},
	"server/cells":          {"=server/fleet"}, // pure: which small numbers may be shown
	"server/cells/keeper":   {"=manifests/effect", "=server/cells", "=server/fleet"},
	"server/tallies": {"=internal/durable", "=internal/format", "manifests", "server/fleet", "server/intake", "server/published",
		"server/recount", "server/seal", "server/settle"},
	"server/support/advice": {"=manifests/effect", "=manifests/offers", "=manifests/report"},
	"server/support/wall":   {"=manifests/report", "server/fleet", "server/reasons"}, // what the public pages may read
	"server/support": {"manifests", "=server/cells", "server/evidence", "server/fleet", "=server/history", "=server/known",
		"server/offering", "server/published",
		"server/reasons", "server/recount", "server/rollout", "server/render", "=server/support/advice", "=server/support/naming",
		"=server/support/wall", "web"},
	// A client of the server: of its code it knows nothing but how reports are settled and counted, which it counts again.
	"server/otactl":         {"internal", "manifests", "=server/otactl/adapter", "=server/otactl/client", "=server/otactl/verify"},
	"server/otactl/adapter": {"=manifests", "=manifests/release", "=manifests/shelf", "=manifests/tufrepo", "=manifests/updaters"},
	"server/otactl/verify":  {"=internal/durable", "=internal/format", "manifests", "=server/published", "=server/recount"},
	"server/otactl/client":  {"manifests"},
	"server/otad":           {"internal", "server"},
	"server/cmd":            {"=server/otad", "=server/otactl"},
	"demo": {"=internal/cli", "=demo/served", "manifests", "server", "signer", "handset",
		"firmware-fixtures"}, // where the three programs meet
	"demo/served": {"manifests"},
}

// testOnly folders are code that only tests import: conformance suites, and the kit of the server's rooms.
var testOnly = []string{
	"internal/race",
	"server/servertest",
	"server/store/storetest",
	"server/store/postgres/pgtest",
	"server/blob/blobtest",
}

// libraryHome names the only folders that may import an outside library.
var libraryHome = map[string][]string{
	"github.com/go-chi/chi/v5":                {"server"},
	"github.com/theupdateframework/go-tuf/v2": {"manifests/tufrepo", "server/servertest", "handset"},
	"github.com/secure-systems-lab/go-securesystemslib": {
		"manifests/tufrepo",
		"manifests/report",
		"manifests/evidence",
		"manifests/tally",
	},
	"github.com/prometheus/client_golang": {"server/metrics"},
	"go.opentelemetry.io/otel":            {"server/traces"},
	"modernc.org/sqlite":                  {"server/store/sqlite"},
	"github.com/jackc/pgx/v5":             {"server/store/postgres"},
	"github.com/minio/minio-go/v7":        {"server/blob/s3"},
	"github.com/google/go-cmp": {"server/store/storetest",
		"server/blob/blobtest"}, // a conformance suite is code that only tests import
	"github.com/transparency-dev/merkle": {"manifests/heads", "server/seal"},
	"filippo.io/age":                     {"signer/keys"},
	"github.com/spf13/cobra": {"internal/cli", "server/otad", "server/otactl", "signer/otasign",
		"handset/otahandset", "handset/otasim", "firmware-fixtures/mkfixture"},
	"github.com/spf13/pflag":            {"internal/cli"},
	"github.com/schollz/progressbar/v3": {"server/otactl"},
	"go.yaml.in/yaml/v3":                {"manifests", "server/otactl"},
	"golang.org/x/term":                 {"signer/otasign", "server/otactl"},
	"golang.org/x/text":                 {"web"},
	"cel.dev/cel-go":                    {"manifests/effect"},
	"google.golang.org/protobuf":        {"manifests/otapkg", "manifests/updaters", "firmware-fixtures"},
	"github.com/klauspost/compress":     {"manifests/otapkg", "server/store/compact", "server/support"},
}

// pure folders take time and randomness as arguments.
var pure = []string{
	"manifests", "server/device/everybody", "server/device/lineageos", "server/device/grapheneos", "server/device/aospsample",
	"server/device/custota",
	"server/device/legacy", "signer/ceremony", "server/fleet", "server/history", "server/offering", "server/reasons", "server/rollout",
	"server/support/advice",
	"server/support/naming", "server/cells", "server/known", "server/recount", "server/settle", "firmware-fixtures", "web",
}

// mustNotLink forbids standard packages however indirectly they would come in.
var mustNotLink = map[string][]string{
	"handset/cmd/otahandset": {"cel.dev/cel-go/cel"},                     // a handset answers; it does not judge
	"handset/cmd/otasim":     {"cel.dev/cel-go/cel"},                     // the truth is not told by conditions
	"signer/cmd/otasign":     {"net/http", "crypto/tls", "database/sql"}, // it runs on a machine without a network
	"server/fleet":           {"net/http", "database/sql", "log/slog", "os/exec"},
	"server/rollout":         {"net/http", "database/sql", "log/slog", "os/exec"},
	"server/device/legacy":   {"net/http", "database/sql", "log/slog", "os/exec"},
	"server/offering":        {"net/http", "database/sql", "log/slog", "os/exec"},
	"server/known":           {"net/http", "database/sql", "log/slog", "os/exec"},
	"server/settle":          {"net/http", "database/sql", "log/slog", "os/exec"},
	"server/recount":         {"net/http", "database/sql", "log/slog", "os/exec"},
	"server/otactl/verify":   {"database/sql"},
}

const (
	maxFileLines = 400
	maxFuncLines = 90
	maxColumns   = 140 // 120 is the aim; a tab counts as one
	maxMethods   = 25  // of one type
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
			if _, err := os.Stat(filepath.Join(p, "go.mod")); p != "." && (err == nil || strings.HasPrefix(d.Name(),
				".") || d.Name() == "testdata") {
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
			if own, ok := strings.CutPrefix(name, "landed/"); ok && slices.Contains(testOnly, own) &&
				!slices.Contains(testOnly, s.folder) {
				t.Errorf("%s: %s is for tests alone", s.name, own)
			}
			if own, ok := strings.CutPrefix(name, "landed/"); ok && !permitted(s.folder, own, allowed) {
				t.Errorf("%s: %s may not import %s; mayImport is the plan of the house", s.name, s.folder, own)
			}
			if strings.Contains(strings.SplitN(name, "/", 2)[0], ".") && !atHome(name, s.folder) {
				t.Errorf("%s: %s may not be imported in %s; libraryHome names where it lives", s.name, name, s.folder)
			}
		}
	}
}

// lookup finds what a folder may import. Below server, manifests and internal a new folder must get a line
// of its own.
func lookup(folder string) ([]string, bool) {
	entry := entryOf(folder)
	grouped := entry != "" && entry != "server" && entry != "manifests"
	return mayImport[entry], entry == folder || grouped
}

// entryOf is the longest folder of mayImport that holds folder.
func entryOf(folder string) string {
	for f := folder; ; f = path.Dir(f) {
		if f == "." {
			f = ""
		}
		if _, ok := mayImport[f]; ok {
			return f
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

// TestAllowancesAreNeeded: a plan that allows what nobody does tells a reader nothing.
func TestAllowancesAreNeeded(t *testing.T) {
	needed := map[string]map[string]bool{} // by the folder of the table, what is imported
	libraries := map[string][]string{}     // by the folder of the source
	for _, s := range sources(t) {
		entry := entryOf(s.folder)
		if needed[entry] == nil {
			needed[entry] = map[string]bool{}
		}
		for _, im := range s.file.Imports {
			name, _ := strconv.Unquote(im.Path.Value)
			if own, ok := strings.CutPrefix(name, "landed/"); ok && own != s.folder {
				needed[entry][own] = true
			}
			libraries[s.folder] = append(libraries[s.folder], name)
		}
	}
	for folder, allowed := range mayImport {
		if needed[folder] == nil {
			t.Errorf("mayImport has a line for %q, where no source is", folder)
		}
		for _, a := range allowed {
			used := func(to string) bool { return permitted("", to, []string{a}) }
			if !slices.ContainsFunc(slices.Collect(maps.Keys(needed[folder])), used) {
				t.Errorf("mayImport allows %q to import %q, and nobody does; take it out", folder, a)
			}
		}
	}
	for library, homes := range libraryHome {
		for _, home := range homes {
			if !usedIn(libraries, library, home) {
				t.Errorf("libraryHome lets %s live in %s, where nobody imports it; take it out", library, home)
			}
		}
	}
}

func usedIn(libraries map[string][]string, library, home string) bool {
	for folder, names := range libraries {
		if folder != home && !strings.HasPrefix(folder, home+"/") {
			continue
		}
		if slices.ContainsFunc(names, func(n string) bool { return n == library || strings.HasPrefix(n, library+"/") }) {
			return true
		}
	}
	return false
}

// TestColumns: lines that can be read side by side, and messages that wrap.
func TestColumns(t *testing.T) {
	for _, s := range sources(t) {
		for i, line := range strings.Split(s.text, "\n") {
			if n := utf8.RuneCountInString(line); n > maxColumns {
				t.Errorf("%s:%d has %d columns; the limit is %d, 120 is the aim; wrap messages with +", s.name, i+1, n, maxColumns)
			}
		}
	}
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

// TestMethods: a type that does everything is a package without walls.
func TestMethods(t *testing.T) {
	have := map[string]int{} // by folder and type
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
				have[s.folder+"."+receiver(fn.Recv.List[0].Type)]++
			}
		}
	}
	for name, n := range have {
		if n > maxMethods {
			t.Errorf("%s has %d methods; the limit is %d, make a type of those that belong together", name, n, maxMethods)
		}
	}
}

// receiver is the name of the type of a receiver, which may be a pointer, and have type parameters.
func receiver(of ast.Expr) string {
	switch x := of.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.ParenExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
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

// TestRolloutsChangeInOneRoom holds that nobody but the ledger of server/rollouts writes a rollout: there each change is
// checked, audited, logged and told. The store itself, and tests, are not asked.
func TestRolloutsChangeInOneRoom(t *testing.T) {
	for _, s := range sources(t) {
		if s.folder == "server/rollouts" || s.folder == "server/store" || slices.Contains(testOnly, s.folder) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			write, ok := n.(*ast.SelectorExpr)
			if !ok || write.Sel.Name != "Save" && write.Sel.Name != "Create" {
				return true
			}
			call, ok := write.X.(*ast.CallExpr)
			if !ok {
				return true
			}
			if of, ok := call.Fun.(*ast.SelectorExpr); ok && of.Sel.Name == "Rollouts" {
				t.Errorf("%s: a rollout is written past the ledger of server/rollouts", s.set.Position(n.Pos()))
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

// TestWhatIsAlone: what .ci/run tests without the race detector because it has one goroutine begins no other, nor do its tests.
func TestWhatIsAlone(t *testing.T) {
	script, err := os.ReadFile(".ci/run")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(script), "\nalone='")
	list, _, ok := strings.Cut(list, "'\n")
	if !ok {
		t.Fatal(".ci/run has no line alone='FOLDER ...'")
	}
	for _, folder := range strings.Fields(list) {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Errorf(".ci/run names %s, which has no Go files: %v", folder, err)
		}
		for _, name := range files {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if begins(n) {
					t.Errorf("%s begins a goroutine; take %s out of alone in .ci/run", set.Position(n.Pos()), folder)
				}
				return true
			})
		}
	}
}

// begins says if something begins a goroutine: a statement, or what usually has one for its caller.
func begins(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		return true
	case *ast.SelectorExpr:
		return slices.Contains([]string{"Go", "Parallel", "RunParallel", "AfterFunc", "NewServer", "Serve"}, n.Sel.Name)
	}
	return false
}
