// SPDX-License-Identifier: Apache-2.0

package landed

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	docLink    = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]*))?\)`)
	docHeading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// TestLinks: what a page links to within the house is there, to the heading: who reads how to run this shall not end at nothing.
func TestLinks(t *testing.T) {
	links := 0
	if err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		for _, link := range docLink.FindAllStringSubmatch(read(t, path), -1) {
			if strings.Contains(link[1], ":") { // an address elsewhere
				continue
			}
			links++
			to := path
			if link[1] != "" {
				to = filepath.Join(filepath.Dir(path), link[1])
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which is not there", path, link[1])
			} else if link[2] != "" && filepath.Ext(to) == ".md" && !slices.Contains(slugs(read(t, to)), link[2]) {
				t.Errorf("%s links to %s, which has no heading %q", path, to, link[2])
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if links < 100 {
		t.Errorf("%d links were found; they are not looked for rightly", links)
	}
}

// slugs are the names of a page's headings as links say them: GitHub's.
func slugs(page string) (all []string) {
	for _, h := range docHeading.FindAllStringSubmatch(page, -1) {
		all = append(all, strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
