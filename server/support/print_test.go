// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// printed gives a page as Chromium prints it on A4.
func printed(t *testing.T, ctx context.Context, url string) []byte {
	t.Helper()
	var pdf []byte
	err := chromedp.Do(ctx, chromedp.Navigate(url), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		got, err := chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{PaperWidth: 8.27, PaperHeight: 11.69})
		pdf = got.Data
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	return pdf
}

var pdfPage = regexp.MustCompile(`/Type\s*/Page\b[^s]`)

// TestPrint: the summary of seven models goes into a folder as two sheets, and the report of a release as a few.
func TestPrint(t *testing.T) {
	h := folded(t)
	ctx, url := browser(t), h.serve()
	for _, tt := range []struct {
		name, path string
		most       int
	}{{"status", "/", 2}, {"folder", "/releases/" + releaseName + "/report", 4}} {
		pdf := printed(t, ctx, url+tt.path)
		if *shots != "" {
			if err := os.WriteFile(filepath.Join(*shots, tt.name+".pdf"), pdf, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(pdfPage.FindAll(pdf, -1)); n < 1 || n > tt.most {
			t.Errorf("%s of seven models takes %d sheets; %d at most", tt.path, n, tt.most)
		}
	}
}
