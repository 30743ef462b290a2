// SPDX-License-Identifier: Apache-2.0

package native_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/device/native"
	"landed/server/fleet"
	"landed/server/httplimit"
	"landed/server/intake"
	"landed/server/store"
	"landed/server/store/storetest"
)

var ctx = context.Background()

// deviceServer is POST /v1/reports before a real intake on a real database, over HTTP.
type deviceServer struct {
	t   *testing.T
	dir string
	url string
	db  store.Database
	*intake.Intake
	log *record
}

// record is a log that may be read while the server writes it.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func newDeviceServer(t *testing.T, change ...func(*intake.Config)) *deviceServer {
	t.Helper()
	d := &deviceServer{t: t, dir: t.TempDir(), log: &record{}}
	var err error
	if d.db, err = store.Make(ctx, filepath.Join(d.dir, "landed.db"), now); err != nil {
		t.Fatal(err)
	}
	pkg := fleet.Package{
		SHA256: strings.Repeat("1", 64), Model: "armani", Variant: "armani", Channel: "stable", Family: "file",
		Build: manifests.Build{Fingerprint: "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys", Incremental: "JHCMIBH46.0",
			UTC: 1_407_600_000}, At: now(),
	}
	release := fleet.Release{
		Name: "one", Counter: 1, State: fleet.ReleasePublished, Packages: []fleet.PackageRef{pkg.Ref()},
		Source: []byte("schema: 1\nrelease: one\ncounter: 1\neffect: {name: cloud-messaging-opt-in, feature: 1, migration: switch_off, " +
			"prompt_day: \"2014-08-01\"}\nnotes: {en: x, zh-Hans: x, zh-Hant: x}\n"),
	}
	if err := d.db.Update(ctx, func(tx fleet.Tx) error {
		return errors.Join(tx.Packages().Put(ctx, pkg), tx.Releases().Create(ctx, release))
	}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := intake.Config{Store: d.db, Now: now, Log: log, Catalogue: manifests.DefaultCatalogue, Offers: func(context.Context) error { return nil }}
	for _, c := range change {
		c(&cfg)
	}
	d.Intake = intake.New(cfg)
	s := httptest.NewServer(native.Reports(log, d.Intake))
	d.url = s.URL
	t.Cleanup(func() {
		s.Close()
		d.Close()
		d.db.Close()
	})
	return d
}

func now() time.Time { return storetest.Now }

// answer is what came back: a receipt, or a problem.
type answer struct {
	Status     int    `json:"-"`
	Kind       string `json:"-"`
	RetryAfter string `json:"-"`
	ID         string `json:"id"`
	Stored     string `json:"stored"`
	Code       string `json:"code"`
	Detail     string `json:"detail"`
}

func (d *deviceServer) send(body io.Reader, header ...string) answer {
	d.t.Helper()
	r, err := http.NewRequest("POST", d.url, body)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.read(resp)
}

func (d *deviceServer) read(resp *http.Response) answer {
	d.t.Helper()
	defer resp.Body.Close()
	a := answer{Status: resp.StatusCode, Kind: resp.Header.Get("Content-Type"), RetryAfter: resp.Header.Get("Retry-After")}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		d.t.Fatalf("%s: %v", resp.Status, err)
	}
	if resp.Header.Get("Cache-Control") != "no-store" {
		d.t.Errorf("%d may be cached", resp.StatusCode)
	}
	return a
}

func seal(t *testing.T, n int, seq int64, change ...func(*report.Report)) []byte {
	t.Helper()
	r, key := storetest.Report(n, seq)
	for _, c := range change {
		c(&r)
	}
	text, _, err := envelope.Seal(r, key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// stored counts the reports of an installation.
func (d *deviceServer) stored(n int) (count int) {
	d.t.Helper()
	_, key := storetest.Report(n, 1)
	if err := d.db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Reports().Of(ctx, report.ReferenceOf(key.Public().(ed25519.PublicKey)))
		count = len(all)
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return count
}

func TestReportsAreTakenIn(t *testing.T) {
	d := newDeviceServer(t)
	second, first := seal(t, 1, 2), seal(t, 1, 1)
	for _, step := range []struct {
		name, stored string
		body         []byte
		header       []string
	}{
		{"new", "new", second, nil},
		{"the same bytes again", "replayed", second, nil},
		{"an older one, late", "late", first, nil},
		{"the late one again", "replayed", first, nil},
		{"with a charset", "new", seal(t, 1, 3), []string{"Content-Type", "application/json; charset=utf-8"}},
		{"in capitals", "new", seal(t, 1, 4), []string{"Content-Type", "Application/JSON"}},
	} {
		got := d.send(bytes.NewReader(step.body), step.header...)
		if got.Status != 200 || got.Stored != step.stored || len(got.ID) != 64 || !strings.HasPrefix(got.Kind, "application/json") {
			t.Errorf("%s: %+v", step.name, got)
		}
	}
	// Without a length: whoever streams it says so with chunks.
	if got := d.send(io.MultiReader(bytes.NewReader(seal(t, 1, 5)))); got.Stored != "new" {
		t.Errorf("in chunks: %+v", got)
	}
	if n := d.stored(1); n != 5 {
		t.Errorf("%d reports are stored, wanted 5", n)
	}
}

func TestRefusedReportsLeaveNothing(t *testing.T) {
	d := newDeviceServer(t)
	good := seal(t, 1, 1)
	cut := func(envelope []byte) (payload, signature string) { // both in their one form
		payload, signature, ok := strings.Cut(string(envelope), `","signatures":`)
		if !ok {
			t.Fatalf("an envelope is %s", envelope)
		}
		return payload, `","signatures":` + signature
	}
	payload, signature := cut(good)
	later, _ := cut(seal(t, 1, 9))
	_, stranger := cut(seal(t, 2, 1))
	big := bytes.Repeat([]byte("x"), envelope.MaxBytes+1)
	for _, tt := range []struct {
		name   string
		body   io.Reader
		kind   string
		status int
		code   string
	}{
		{"empty", strings.NewReader(""), "application/json", 422, "envelope_malformed"},
		{"an empty object", strings.NewReader("{}"), "application/json", 422, "envelope_malformed"},
		{"null", strings.NewReader("null"), "application/json", 422, "envelope_malformed"},
		{"half of it, as if that were all", bytes.NewReader(good[:len(good)/2]), "application/json", 422, "envelope_malformed"},
		{"something after it", bytes.NewReader(append(bytes.Clone(good), "{}"...)), "application/json", 422, "envelope_malformed"},
		{"an unknown field", strings.NewReader(strings.Replace(string(good), "{", `{"imei":"860123021234567",`, 1)), "application/json", 422,
			"envelope_malformed"},
		{"one byte too many, and it says so", bytes.NewReader(big), "application/json", 413, "too_large"},
		{"one byte too many, in chunks", io.MultiReader(bytes.NewReader(big)), "application/json", 413, "too_large"},
		{"no content type", bytes.NewReader(good), "", 422, "content_type"},
		{"a form", bytes.NewReader(good), "application/x-www-form-urlencoded", 422, "content_type"},
		{"text", bytes.NewReader(good), "text/plain", 422, "content_type"},
		{"a content type that is none", bytes.NewReader(good), "application/json; =", 422, "content_type"},
		{"signed by another", strings.NewReader(payload + stranger), "application/json", 403, "report_forged"},
		{"other words under this signature", strings.NewReader(later + signature), "application/json", 403, "report_forged"},
		{"indented", strings.NewReader(strings.Replace(string(good), ",", ", ", 1)), "application/json", 422, "report_malformed"},
		{"a model that there is none", bytes.NewReader(seal(t, 1, 1, func(r *report.Report) { r.Model = "nexus" })), "application/json",
			422, "model_unknown"},
		{"a release that there is none", bytes.NewReader(seal(t, 1, 1, func(r *report.Report) { r.Release = "two" })), "application/json",
			422, "release_unknown"},
	} {
		got := d.send(tt.body, "Content-Type", tt.kind)
		if got.Status != tt.status || got.Code != tt.code || got.Kind != "application/problem+json" || !strings.HasSuffix(got.Detail, ".") {
			t.Errorf("%s: %+v; wanted %d %s", tt.name, got, tt.status, tt.code)
		}
	}
	if n := d.stored(1) + d.stored(2); n != 0 {
		t.Errorf("%d reports are stored", n)
	}
	if got := d.send(bytes.NewReader(good)); got.Stored != "new" {
		t.Errorf("the right one after all the wrong ones: %+v", got)
	}
}

// A sender that breaks off in the middle is told so, if it still listens.
func TestTruncatedOnTheWay(t *testing.T) {
	d := newDeviceServer(t)
	good := seal(t, 1, 1)
	for name, framing := range map[string]string{
		"less than it promised": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(good), good[:len(good)-10]),
		"chunks without an end": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(good), good),
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s", framing)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := d.read(resp); got.Status != 422 || got.Code != "truncated" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if n := d.stored(1); n != 0 {
		t.Errorf("%d reports are stored", n)
	}
}

// When more arrive than can be stored some are sent away, are told when to come again, and lose nothing.
func TestBusy(t *testing.T) {
	d := newDeviceServer(t, func(c *intake.Config) { c.Queue, c.Batch = 1, 1 })
	held, let, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- d.db.UpdateReports(ctx, func(fleet.Tx) error {
			close(held)
			<-let
			return nil
		})
	}()
	<-held
	const senders = 3 // one waits for the database, one in the queue, one is too many
	answers := make(chan answer, senders)
	for n := range senders {
		body := seal(t, n, 1)
		go func() { answers <- d.send(bytes.NewReader(body)) }()
	}
	first := <-answers
	close(let)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if first.Status != 503 || first.Code != "queue_full" || first.RetryAfter == "" {
		t.Errorf("got %+v, wanted queue_full and a time to come again", first)
	}
	for range senders - 1 {
		if got := <-answers; got.Status != 200 && got.Status != 503 {
			t.Errorf("another sender got %+v", got)
		}
	}
	for n := range senders {
		if got := d.send(bytes.NewReader(seal(t, n, 1))); got.Status != 200 || d.stored(n) != 1 {
			t.Errorf("sender %d, coming again: %+v, %d stored", n, got, d.stored(n))
		}
	}
	d.Close()
	if got := d.send(bytes.NewReader(seal(t, 9, 1))); got.Status != 503 || got.Code != "closing" || got.RetryAfter == "" {
		t.Errorf("a server that ends: %+v", got)
	}
}

// Nothing of where a report came from, or of who carried it, is on the disk or in the log.
func TestSendersAreNotRemembered(t *testing.T) {
	d := newDeviceServer(t)
	marks := []string{"203.0.113.77", "x-marked-agent", "x-marked-cookie", "x-marked-referer", "x-marked-account", "127.0.0.1"}
	header := []string{
		"X-Forwarded-For", marks[0], "X-Real-Ip", marks[0], "Forwarded", "for=" + marks[0], "User-Agent", marks[1], "Cookie", "id=" + marks[2],
		"Referer", "http://" + marks[3], "Authorization", "Bearer " + marks[4], "X-Request-Id", marks[4] + "-1234",
	}
	for _, body := range [][]byte{seal(t, 1, 1), seal(t, 1, 1), []byte("{}"), nil,
		seal(t, 2, 1, func(r *report.Report) { r.Model = "nexus" })} {
		d.send(bytes.NewReader(body), header...)
	}
	if n := d.stored(1); n != 1 {
		t.Fatalf("%d reports are stored", n)
	}
	if err := d.db.Close(); err != nil { // from here on every report is a fault of the server, and logged
		t.Fatal(err)
	}
	body := seal(t, 3, 1)
	if got := d.send(bytes.NewReader(body), header...); got.Status != 500 || got.Code != "internal" {
		t.Errorf("without a database: %+v", got)
	}
	places := map[string]string{"the log": d.log.String()}
	if !strings.Contains(places["the log"], "request failed") {
		t.Errorf("the fault is not in the log: %s", places["the log"])
	}
	files, err := os.ReadDir(d.dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(d.dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		places[f.Name()] = string(content)
	}
	_, key := storetest.Report(3, 1)
	marks = append(marks, string(report.ReferenceOf(key.Public().(ed25519.PublicKey))))
	for where, content := range places {
		for _, mark := range marks {
			if strings.Contains(content, mark) {
				t.Errorf("%s holds %q", where, mark)
			}
		}
	}
	if !strings.Contains(places["landed.db"], "JHCMIBH46.0") {
		t.Error("the database holds nothing at all: does this test look into the right files?")
	}
}

// A network that brought enough new installations is told to come later; those that are known, and other networks, are
// not met by it.
func TestNewcomersOfOneNetwork(t *testing.T) {
	proxies, err := httplimit.ParseProxies([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	bound := httplimit.NewNewcomers(2, proxies, now)
	d := newDeviceServer(t, func(c *intake.Config) { c.Newcomers = bound })
	s := httptest.NewServer(bound.Door(native.Reports(slog.New(slog.DiscardHandler), d.Intake)))
	defer s.Close()
	d.url = s.URL
	for _, tt := range []struct {
		name       string
		n, seq     int
		from, code string
	}{
		{"the first", 1, 1, "192.0.2.1", ""},
		{"it again is not a new one", 1, 1, "192.0.2.1", ""},
		{"the second", 2, 1, "192.0.2.77", ""},
		{"the third", 3, 1, "192.0.2.1", intake.CodeNewcomers},
		{"the first, with more to say", 1, 2, "192.0.2.1", ""},
		{"a replay", 1, 1, "192.0.2.1", ""},
		{"the third, by another network", 3, 1, "192.0.3.1", ""},
		{"the machine itself", 4, 1, "127.0.0.1", ""},
	} {
		got := d.send(bytes.NewReader(seal(t, tt.n, int64(tt.seq))), "X-Forwarded-For", tt.from)
		if got.Code != tt.code || tt.code == "" && got.Status != 200 || tt.code != "" && (got.Status != 503 || got.RetryAfter != "1800") {
			t.Errorf("%s: %+v, wanted %q", tt.name, got, tt.code)
		}
	}
}

// Who does not count is told 202 while there is no room for him, and keeps his copy.
func TestProvisional(t *testing.T) {
	var room atomic.Int64
	d := newDeviceServer(t, func(c *intake.Config) { c.Share.Reports = room.Load })
	for _, want := range []struct {
		room   int64
		status int
		stored string
	}{{0, 202, "provisional"}, {0, 202, "provisional"}, {1, 200, "new"}, {0, 200, "replayed"}} {
		room.Store(want.room)
		text := seal(t, 1, 1)
		if got := d.send(bytes.NewReader(text)); got.Status != want.status || got.Stored != want.stored || got.ID == "" {
			t.Errorf("with room for %d: %+v, want %+v", want.room, got, want)
		}
	}
}
