// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	fixtures "landed/firmware-fixtures"
)

// send FORM NAME SEQ ANSWER: posts report SEQ of installation NAME in a form, and wants an answer: new, replayed, late,
// or the code of a refusal.
func send(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 || forms[args[0]] == nil {
		ts.Fatalf("usage: send FORM NAME SEQ ANSWER")
	}
	seq, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	got, err := post(ts.Getenv("OTACTL_URL"), forms[args[0]](args[1], seq))
	ts.Check(err)
	if got != args[3] {
		ts.Fatalf("a report that is %s is answered %q, wanted %q", args[0], got, args[3])
	}
}

// post sends an envelope; the answer is what became of it, or the code of a refusal.
func post(url string, envelope []byte) (string, error) {
	resp, err := http.Post(url+"/v1/reports", "application/json", bytes.NewReader(envelope))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var answer struct{ Stored, Code string }
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", fmt.Errorf("%s: %s", resp.Status, text)
	}
	if (resp.StatusCode == http.StatusOK) != (answer.Stored != "") || strings.Contains(string(text), "490154203237518") {
		return "", fmt.Errorf("%s: %s", resp.Status, text)
	}
	return answer.Stored + answer.Code, nil
}

// shots are reports under way.
type shots struct {
	sync.Mutex
	acknowledged [][]byte
	refused      string // an answer that was not "new"
	senders      sync.WaitGroup
}

// barrage N: many installations send reports until the server is gone; the script goes on when N are acknowledged.
// barrage check: every report that was acknowledged is known to the server that answers now.
func barrage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: barrage N | barrage check")
	}
	s, url := stateOf(ts), ts.Getenv("OTACTL_URL")
	if args[0] == "check" {
		s.barrage.senders.Wait()
		if s.barrage.refused != "" {
			ts.Fatalf("a report was answered %q", s.barrage.refused)
		}
		for _, text := range s.barrage.acknowledged {
			if got, err := post(url, text); err != nil || got != "replayed" {
				ts.Fatalf("a report that was acknowledged before is answered %q, %v", got, err)
			}
		}
		ts.Logf("%d reports were acknowledged and are there", len(s.barrage.acknowledged))
		return
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	shots := &shots{}
	s.barrage = shots
	for i := range 8 {
		shots.senders.Go(func() {
			for seq := int64(1); ; seq++ {
				text := sealed(fmt.Sprint("barrage ", i, " ", seq/20), seq%20+1, asIs)
				got, err := post(url, text)
				if err != nil {
					return // the server is gone
				}
				shots.Lock()
				if shots.acknowledged = append(shots.acknowledged, text); got != "new" {
					shots.refused = got
				}
				shots.Unlock()
			}
		})
	}
	poll(ts, args[0]+" reports are acknowledged", func() bool {
		shots.Lock()
		defer shots.Unlock()
		return len(shots.acknowledged) >= n || shots.refused != ""
	})
}

// upload FILE: begins an upload and leaves it in the middle, when the server has written a part of it.
func beginUpload(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: upload FILE")
	}
	content, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	r, w := io.Pipe()
	req, err := http.NewRequest(http.MethodPost, ts.Getenv("OTACTL_URL")+"/v1/packages?channel=stable&name=half.zip", r)
	ts.Check(err)
	req.ContentLength = int64(len(content))
	req.Header.Set("Authorization", "Bearer "+ts.Getenv("OTACTL_TOKEN"))
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		r.CloseWithError(io.ErrClosedPipe)
	}()
	_, err = w.Write(content[:len(content)/2])
	ts.Check(err)
	poll(ts, "a part of the upload is on the disk", func() bool {
		for name := range files(ts.MkAbs("data/blobs")) {
			if info, err := os.Stat(name); err == nil && info.Size() > int64(len(content)/4) {
				return true
			}
		}
		return false
	})
}

// leftToPeople are hostile packages that a server takes in with a finding, for the signers to judge; and one that is a
// good package of another model, which handsets refuse; and one that is no package by its name already.
var leftToPeople = map[string]bool{
	"dev-file-name": true, "name-md5": true, "wipe-flag": true, "boot-write-bootloader": true, "boot-write-modem": true,
	"ab-order": true, "dev-other-model": true, "zip-fastboot": true,
}

// hostile: every hostile package that mkfixture knows gets the finding that it is made for, and is refused.
func hostile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: hostile")
	}
	for _, h := range fixtures.Hostile() {
		if leftToPeople[h.Name] {
			continue
		}
		run(ts, "mkfixture", "hostile", h.Name,
			"--key", "maker/ota.key.pem", "--cert", "maker/ota.cert.pem", "-o", "hostile.zip")
		err := ts.Exec("otactl", "upload", "--json", "--name", cmp.Or(h.File, h.Name+".zip"), "hostile.zip")
		if found := ts.ReadFile("stdout"); err == nil || !strings.Contains(found, h.Want[0]) {
			ts.Fatalf("%s was not refused for %s:\n%s", h.Name, h.Want[0], found)
		}
	}
}

// canMount says if a tmpfs can be mounted here. That needs root, and in most containers even root may not.
var canMount = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "mount-")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	return exec.Command("mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", dir).Run() == nil &&
		exec.Command("umount", "-l", dir).Run() == nil
})

// tmpfs DIR SIZE: a small disk of its own, until the script ends.
func tmpfs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tmpfs DIR SIZE")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	run(ts, "mount", "-t", "tmpfs", "-o", "size="+args[1], "tmpfs", dir)
	ts.Defer(func() { _ = exec.Command("umount", "-l", dir).Run() })
}
