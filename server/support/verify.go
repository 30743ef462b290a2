// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"net/http"

	"landed/web"
)

// verifyPage says how somebody outside checks the figures. There is nothing on it that moves.
type verifyPage struct {
	respond *responder
	locale  *web.Locale
	open    bool // everybody is given the reports
	least   int64
}

// verifyView is what the page reads.
type verifyView struct {
	Open  bool
	Least int64 // how few installations are not told of; 0: every number is shown
	title string
}

// Doc is the title of the page in the browser.
func (v verifyView) Doc() string { return v.title }

func (p verifyPage) show(w http.ResponseWriter, _ *http.Request) error {
	v := verifyView{p.open, p.least, p.locale.Say("verify.title", nil)}
	var out bytes.Buffer
	all := shown{Notice: p.respond.notice, Languages: p.respond.inOthers("/verify"), View: v}
	if err := p.respond.pages.Render(&out, "verify", all); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Language", p.locale.Tag)
	send(w, http.StatusOK, "text/html; charset=utf-8", out.Bytes())
	return nil
}
