// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// publishOthers is publish-others: a release for a model whose phones have the updaters of others, with what its maker signed
// for Custota, and its rollout to everybody.
func publishOthers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: publish-others")
	}
	ts.Check(os.MkdirAll(ts.MkAbs("packages"), 0o755))
	keys := []string{"--key", "maker/ota.key.pem", "--cert", "maker/ota.cert.pem", "-o"}
	run(ts, "mkfixture", append([]string{"write", "fuxi", "patched"}, append(keys, "packages/fuxi.zip")...)...)
	run(ts, "otasign", append([]string{"csig", "packages/fuxi.zip", "--vbmeta-digest", "none"}, append(keys, "fuxi.csig")...)...)
	run(ts, "otactl", "model", "add", "legacy-models.yaml")
	run(ts, "otactl", "trust", "import", "ceremony/trust.json")
	run(ts, "otactl", "upload", "packages/fuxi.zip")
	run(ts, "otactl", "release", "create", "legacy.yaml", "--all", "--csig", "fuxi.csig")
	run(ts, "otactl", "sign-request", "fix-for-all", "-o", "request.json")
	run(ts, "otasign", "sign", "request.json", "--yes", "--trust", "ceremony/trust.json", "--packages", "packages",
		"--ota-key", "maker/ota.cert.pem", "--key", "ceremony/keys/fuxi-ann.key,ceremony/keys/fuxi-bo.key", "--out", "response.json")
	run(ts, "otactl", "sign-response", "response.ann.json", "response.bo.json")
	run(ts, "otactl", "rollout", "start", "fix-for-all", "--all", "--stages", "stages.yaml")
}

// nginxFiles is nginx-files NAME: nginx gives the feed folder of "data" away at NAME, by the very lines that
// docs/operate/legacy.md has for a file server.
func nginxFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: nginx-files NAME")
	}
	guide, err := os.ReadFile("../../docs/operate/legacy.md")
	ts.Check(err)
	_, rest, found := strings.Cut(string(guide), "Any file server can give the files away without Landed")
	_, block, found2 := strings.Cut(rest, "```nginx\n")
	block, _, found3 := strings.Cut(block, "```")
	const name, folder = "server_name ota.example;", "/var/lib/landed"
	if !found || !found2 || !found3 || !strings.Contains(block, name) || !strings.Contains(block, folder) {
		ts.Fatalf("docs/operate/legacy.md has no lines for nginx as a file server any more")
	}
	dir, door := ts.MkAbs("nginx-"+args[0]), doorOf(ts, args[0])
	ts.Check(os.Mkdir(dir, 0o755))
	block = strings.NewReplacer(name, "listen "+door.Addr().String()+";", folder, ts.MkAbs("data")).Replace(block)
	runNginx(ts, door, dir, "error_log errors;\npid pid;\nevents {}\nhttp {\naccess_log off;\nclient_body_temp_path body;\n"+
		"proxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n"+block+"}\n")
}
