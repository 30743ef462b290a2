// SPDX-License-Identifier: Apache-2.0

package otasim

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestForge(t *testing.T) {
	for _, kind := range []string{"proven", "leak", "failure"} {
		server, _ := feed(t)
		var out, errs bytes.Buffer
		if code := Main([]string{"--server", server.URL, "-forge", kind, "-n", "7", "--models", "armani", "--speed", "0"}, nil, &out,
			&errs); code != 0 {
			t.Fatalf("exit code %d: %s", code, &errs)
		}
		var got struct {
			Forgery               string
			Installations, Struck int
			Reports               map[string]int
		}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Forgery != kind || got.Installations != 7 || got.Struck != 7 || got.Reports["200"] != 14 || len(got.Reports) != 1 {
			t.Errorf("%s", &out)
		}
	}
}

func TestForgeRefuses(t *testing.T) {
	server, _ := feed(t)
	for name, args := range map[string][]string{
		"what":     {"-forge", "everything"},
		"nobody":   {"-forge", "leak", "-n", "0"},
		"haste":    {"-forge", "leak", "-patient", "-1"},
		"no model": {"-forge", "leak", "--models", "dior"},
	} {
		var out, errs bytes.Buffer
		if code := Main(append(args, "--server", server.URL, "--speed", "0", "--days", "1"), nil, &out, &errs); code != 2 ||
			!strings.HasPrefix(errs.String(), "otasim: ") {
			t.Errorf("%s: exit code %d: %s", name, code, &errs)
		}
	}
}
