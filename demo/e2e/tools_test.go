// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/manifests/tufrepo"
)

// patience is how long anything is waited for: long enough for a machine that is busy with other tests.
const patience = 90 * time.Second

// poll calls done until it says yes, and ends the script when patience does.
func poll(ts *testscript.TestScript, what string, done func() bool) {
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("waited for %s until now: %s", patience, what)
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}

// up FILE: waits until the server whose address is written to FILE answers, and sets OTACTL_URL. It need not be ready: one
// whose clock is wrong is not. The file is removed, so that the next server's is not taken for it.
func up(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: up FILE")
	}
	file := ts.MkAbs(args[0])
	poll(ts, "otad answers", func() bool {
		text, err := os.ReadFile(file)
		if err != nil || !strings.HasSuffix(string(text), "\n") {
			return false
		}
		url := "http://" + firstLine(string(text))
		resp, err := http.Get(url + "/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		ts.Setenv("OTACTL_URL", url)
		return resp.StatusCode == http.StatusOK
	})
	ts.Check(os.Remove(file))
}

// until PATTERN PROGRAM ARGS...: runs the program again and again until its output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN PROGRAM ARGS...")
	}
	want := regexp.MustCompile("(?m)" + args[0])
	poll(ts, args[0], func() bool {
		_ = ts.Exec(args[1], args[2:]...) // its output decides
		return want.MatchString(ts.ReadFile("stdout"))
	})
}

// get [-status N | -until PATTERN] PATH FILE: what the server answers to GET PATH, 200 unless another status is wanted. It waits
// first, because a page may be a second old; a server with much to do is asked again. With a pattern it is asked until the answer
// has that: where what the page says comes in by itself.
func get(ts *testscript.TestScript, neg bool, args []string) {
	status, want := http.StatusOK, regexp.MustCompile("")
	if len(args) == 4 && args[0] == "-status" {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		status, args = n, args[2:]
	} else if len(args) == 4 && args[0] == "-until" {
		want, args = regexp.MustCompile(args[1]), args[2:]
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: get [-status N | -until PATTERN] PATH FILE")
	}
	again := want.String() != ""
	for end := time.Now().Add(patience); ; {
		time.Sleep(1100 * time.Millisecond)
		got, body, err := answered(ts.Getenv("OTACTL_URL") + args[0])
		switch {
		case err == nil && got == status && want.Match(body):
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), body, 0o644))
			return
		case time.Now().After(end) || !again && err == nil && got != http.StatusServiceUnavailable:
			ts.Fatalf("GET %s: %d, %v, wanted %d and %q\n%s", args[0], got, err, status, want, body)
		}
	}
}

func answered(url string) (status int, body []byte, err error) {
	resp, err := http.Get(url)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// envfield NAME FILE FIELD...: sets a variable to a field of a JSON file; a number among the fields is an index.
// FILE may be stdout.
func envField(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: envfield NAME FILE FIELD...")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &v))
	for _, field := range args[2:] {
		switch at := v.(type) {
		case map[string]any:
			v = at[field]
		case []any:
			i, err := strconv.Atoi(field)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: no element %s among %d", args[1], field, len(at))
			}
			v = at[i]
		}
	}
	if v == nil {
		ts.Fatalf("%s: no field %s", args[1], strings.Join(args[2:], "."))
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// fileserver FOLDER NAME: serves the folder below /tuf/ as any web server would, until the script ends, and sets the
// variable NAME to its address.
func fileServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fileserver FOLDER NAME")
	}
	s := httptest.NewServer(http.StripPrefix("/tuf", http.FileServer(http.Dir(ts.MkAbs(args[0])))))
	ts.Defer(s.Close)
	ts.Setenv(args[1], s.URL)
}

// mark FOLDER: notes which files are there, for await-new.
func mark(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mark FOLDER")
	}
	stateOf(ts).marked = files(ts.MkAbs(args[0]))
}

// await-new FOLDER: waits until a file appears in the folder or below it that was not there at mark.
func awaitNew(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await-new FOLDER")
	}
	before := stateOf(ts).marked
	poll(ts, "a new file in "+args[0], func() bool {
		for name := range files(ts.MkAbs(args[0])) {
			if !before[name] {
				return true
			}
		}
		return false
	})
}

// etag PATH FILE: the ETag of a page, which is the same as long as its figures are.
func etag(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: etag PATH FILE")
	}
	resp, err := http.Get(ts.Getenv("OTACTL_URL") + args[0])
	ts.Check(err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("ETag") == "" {
		ts.Fatalf("GET %s: %s, ETag %q", args[0], resp.Status, resp.Header.Get("ETag"))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(resp.Header.Get("ETag")), 0o644))
}

func files(dir string) map[string]bool {
	found := map[string]bool{}
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found[path] = true
		}
		return nil // files come and go while they are listed
	})
	return found
}

// saveRoot writes root.json, which handsets are sold with, from the ceremony.
func saveRoot(ts *testscript.TestScript) {
	b, err := tufrepo.ParseBundle([]byte(ts.ReadFile("ceremony/trust.json")))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("root.json"), b.Files[tufrepo.MetadataFile(tufrepo.Root, 1)], 0o644))
}
