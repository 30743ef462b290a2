// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"archive/zip"
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type reader func(Answer, Phone) ([]Offer, []Fault)

// The four documents are those of the official servers and of AOSP's tests in form, with made-up content.
var (
	digits = strings.Repeat("0f", 32)
	asker  = Phone{Device: "nuwa", Channel: "stable", Kind: "NIGHTLY", Version: "22.2", Build: "41", UTC: 1_700_000_000}

	entry1 = `{"datetime":1780000001,"filename":"a.zip","id":"` + digits + `","romtype":"nightly","size":5000,` +
		`"url":"https://ota.example/a.zip","version":"22.2"}`
	parts      = "payload_metadata.bin:41:827,payload.bin:41:1392,payload_properties.txt:1485:147,metadata:1809:29"
	build2json = `{"datetime":1780000001,"files":[{"filename":"a.zip","os_patch_level":"2026-06-01","os_sdk_level":36,` +
		`"ota_property_files":"` + parts + `","sha256":"` + digits + `","size":5000,"url":"https://ota.example/a.zip"}],` +
		`"type":"nightly","version":"22.2"}`
	config = `{"name":"nuwa 42","url":"https://ota.example/a.zip","ab_install_type":"STREAMING","ab_config":{"force_switch_slot":true,` +
		`"verify_payload_metadata":false,"property_files":[{"filename":"payload_metadata.bin","offset":41,"size":827},` +
		`{"filename":"payload.bin","offset":41,"size":1392},{"filename":"payload_properties.txt","offset":1485,"size":147}]}}`
)

// mutation changes a good answer or phone; wants are words of the fault and of what the phone does, and how many offers are left.
type mutation struct {
	name   string
	change func(*Answer, *Phone)
	wants  []string // none: it is no fault
	left   int
}

// swap puts other text into the body.
func swap(old, with string) func(*Answer, *Phone) {
	return func(a *Answer, _ *Phone) {
		if !bytes.Contains(a.Body, []byte(old)) {
			panic("nothing to change: " + old)
		}
		a.Body = bytes.ReplaceAll(a.Body, []byte(old), []byte(with))
	}
}

// status and address change what stands around the body.
func status(code int) func(*Answer, *Phone)    { return func(a *Answer, _ *Phone) { a.Status = code } }
func address(url string) func(*Answer, *Phone) { return func(a *Answer, _ *Phone) { a.URL = url } }
func body(text string) func(*Answer, *Phone) {
	return func(a *Answer, _ *Phone) { a.Body = []byte(text) }
}
func as(change func(*Phone)) func(*Answer, *Phone) { return func(_ *Answer, p *Phone) { change(p) } }

// judge holds a reader against a good answer, and each change of it.
func judge(t *testing.T, read reader, good Answer, offers int, all []mutation) {
	t.Helper()
	if got, found := read(good, asker); len(found) > 0 || len(got) != offers {
		t.Fatalf("a good answer: %d offers, %v", len(got), found)
	}
	refused := 0
	for _, tt := range all {
		a, p := good, asker
		a.Body = slices.Clone(a.Body)
		tt.change(&a, &p)
		got, found := read(a, p)
		words := fmt.Sprint(found)
		for _, want := range tt.wants {
			if !strings.Contains(words, want) {
				t.Errorf("%s: %s\nwanted words about %q", tt.name, words, want)
			}
		}
		if (len(found) == 0) != (len(tt.wants) == 0) || len(got) != tt.left {
			t.Errorf("%s: %d offers, wanted %d; %s", tt.name, len(got), tt.left, words)
		}
		for _, f := range found {
			if f.Found == "" || f.Phone == "" {
				t.Errorf("%s: half a fault: %+v", tt.name, f)
			}
		}
		if len(tt.wants) > 0 {
			refused++
		}
	}
	if refused < 12 {
		t.Errorf("only %d changes are refused", refused)
	}
}

func TestLineageOS1(t *testing.T) {
	good := Answer{URL: "https://ota.example/api/v1/nuwa/nightly/x", Status: 200, Type: "text/html", Body: []byte(`{"response":[` + entry1 +
		`],"more":1}`)}
	judge(t, LineageOS1, good, 1, []mutation{
		{"an error", status(404), []string{"404", "check for failed"}, 0},
		{"a redirect", status(302), []string{"redirect"}, 0},
		{"plain http", address("http://ota.example/x"), []string{"plain http"}, 1},
		{"an array", body("[" + entry1 + "]"), []string{"is no object"}, 0},
		{"no response", swap(`"response"`, `"builds"`), []string{"response is missing"}, 0},
		{"a page", body("<html>"), []string{"no {\"response\""}, 0},
		{"no datetime", swap(`"datetime":1780000001,`, ""), []string{"response[0].datetime is missing", "skips"}, 0},
		{"datetime as text", swap(`1780000001`, `"1780000001"`), []string{"datetime is \"1780000001\"", "a number"}, 0},
		{"no filename", swap(`"filename"`, `"name"`), []string{"filename is missing"}, 0},
		{"no id", swap(`"id"`, `"sha256"`), []string{"id is missing"}, 0},
		{"no romtype", swap(`"romtype"`, `"type"`), []string{"romtype is missing"}, 0},
		{"no size", swap(`"size":5000`, `"size":null`), []string{"size is missing"}, 0},
		{"size 0", swap(`5000`, `0`), []string{"size is 0"}, 0},
		{"no url", swap(`"url"`, `"link"`), []string{"url is missing"}, 0},
		{"half an address", swap(`https://ota.example/a.zip`, `/a.zip`), []string{"url is \"/a.zip\""}, 0},
		{"a package over http", swap(`https://ota.example/a.zip`, `http://ota.example/a.zip`), []string{"plain http"}, 0},
		{"version as a number", swap(`"22.2"`, `22.2`), []string{"version is 22.2, wanted a string"}, 0},
		{"all at once", swap(`"url":"https://ota.example/a.zip","version":"22.2"`, `"x":1`), []string{"url is missing",
			"version is missing"}, 0},
		{"of another type", swap(`nightly`, `unofficial`), []string{"type \"unofficial\"", "NIGHTLY"}, 0},
		{"lesser as a text", as(func(p *Phone) { p.Version = "9.0" }), []string{"lesser as a text"}, 0},
		{"one of two", swap(`[{`, `[{"datetime":1},{`), []string{"response[0]", "skips"}, 1},
		{"twice", body(`{"response":[` + entry1 + "," + entry1 + `]}`), []string{"entry before it"}, 1},
		{"nothing", body(`{"response":[]}`), nil, 0},
		{"older than what runs", as(func(p *Phone) { p.UTC = 1780000001 }), nil, 0},
		{"of an older version", as(func(p *Phone) { p.Version = "23.0" }), nil, 0},
	})
	offers, _ := LineageOS1(good, Phone{Device: "nuwa", Kind: "nightly", Version: "21.0"})
	want := Offer{Name: "a.zip", URL: "https://ota.example/a.zip", Size: 5000, SHA256: digits, UTC: 1780000001, device: "nuwa"}
	if len(offers) != 1 || !reflect.DeepEqual(offers[0], want) {
		t.Errorf("for a phone of another version: %+v, wanted it shown and not to be installed", offers)
	}
}

func TestLineageOS2(t *testing.T) {
	good := Answer{URL: "https://ota.example/api/v2/devices/nuwa/builds", Status: 200, Type: "application/json; charset=utf-8",
		Body: []byte("[" + build2json + "]")}
	judge(t, LineageOS2, good, 1, []mutation{
		{"an error", status(500), []string{"500"}, 0},
		{"a redirect", status(301), []string{"redirect that the app does not follow"}, 0},
		{"plain http", address("http://ota.example/x"), []string{"wanted https"}, 0},
		{"a page's type", func(a *Answer, _ *Phone) { a.Type = "text/html" }, []string{"Content-Type is \"text/html\""}, 0},
		{"no type", func(a *Answer, _ *Phone) { a.Type = "" }, []string{"Content-Type"}, 0},
		{"too long", func(a *Answer, _ *Phone) { a.Body = append(a.Body, bytes.Repeat([]byte(" "), MaxList)...) }, []string{"32768"}, 0},
		{"as v1", body(`{"response":[]}`), []string{"no array"}, 0},
		{"null", body(`null`), []string{"no array"}, 0},
		{"no type of build", swap(`"type"`, `"romtype"`), []string{"[0].type is missing", "whole list"}, 0},
		{"one of two", swap(`[{"datetime"`, `[{"type":"nightly"},{"datetime"`), []string{"whole list"}, 0},
		{"no files", swap(`"files":[`, `"files":[],"x":[`), []string{"files is empty"}, 0},
		{"no sdk", swap(`"os_sdk_level":36,`, ""), []string{"os_sdk_level is missing"}, 0},
		{"sdk of the build", swap(`"os_sdk_level":36,`, `"x":1,`), []string{"os_sdk_level"}, 0},
		{"a patch level in words", swap(`2026-06-01`, `June`), []string{"YYYY-MM-DD"}, 0},
		{"no digest", swap(digits, "abc"), []string{"64 hex digits"}, 0},
		{"a broken token", swap(`payload.bin:41:1392`, `payload.bin:41`), []string{"name:offset:size"}, 0},
		{"a negative offset", swap(`payload.bin:41:`, `payload.bin:-41:`), []string{"name:offset:size"}, 0},
		{"behind the end", swap(`payload.bin:41:1392`, `payload.bin:41:5000`), []string{"behind the end"}, 0},
		{"no properties", swap(`payload_properties.txt`, `care_map.pb`), []string{"payload_properties.txt is not among"}, 0},
		{"a package over http", swap(`https://ota.example/a.zip`, `http://ota.example/a.zip`), []string{"plain http"}, 0},
		{"of another type", swap(`"type":"nightly"`, `"type":"user"`), []string{"type \"user\""}, 0},
		{"not streamed", swap(`"ota_property_files":"`+parts+`",`, ""), nil, 1},
		{"levels of the build", func(a *Answer, p *Phone) {
			swap(`"os_sdk_level":36,`, "")(a, p)
			swap(`"type":"nightly"`, `"os_sdk_level":36,"type":"nightly"`)(a, p)
		}, nil, 1},
		{"nothing", body(`[]`), nil, 0},
	})
}

func TestGrapheneOS(t *testing.T) {
	good := Answer{URL: "https://ota.example/nuwa-stable", Status: 200, Body: []byte("42 1780000001 nuwa stable\n")}
	judge(t, GrapheneOS, good, 2, []mutation{
		{"an error", status(404), []string{"404", "asks again"}, 0},
		{"a redirect", status(302), []string{"redirect"}, 0},
		{"plain http", address("http://ota.example/nuwa-stable"), []string{"plain http"}, 0},
		{"a page", body("<html>\n"), []string{"four words"}, 0},
		{"two lines", body("42 1780000001 nuwa stable\n43 1780000002 nuwa stable\n"), []string{"passes over"}, 2},
		{"five words", body("42 1780000001 nuwa stable x\n"), []string{"no more"}, 2},
		{"of DOS", body("42 1780000001 nuwa stable\r\n"), []string{"passes over"}, 2},
		{"three words", body("42 1780000001 nuwa\n"), []string{"four words"}, 0},
		{"two spaces", body("42  1780000001 nuwa stable\n"), []string{"build time"}, 0},
		{"no time", body("42 now nuwa stable\n"), []string{"build time"}, 0},
		{"a negative time", body("42 -1 nuwa stable\n"), []string{"build time"}, 0},
		{"a folder", body("../42 1780000001 nuwa stable\n"), []string{"name of a file"}, 0},
		{"another device", body("42 1780000001 fuxi stable\n"), []string{"\"fuxi\"", "refused"}, 0},
		{"another channel", body("42 1780000001 nuwa beta\n"), []string{"channel \"beta\""}, 0},
		{"no end", body("42 1780000001 nuwa stable"), nil, 2},
		{"the label of what runs, built later", as(func(p *Phone) { p.Build = "42" }), nil, 2},
		{"older than what runs", as(func(p *Phone) { p.UTC = 1780000001 }), nil, 0},
		{"a phone of which nothing is known", as(func(p *Phone) { p.Build = "" }), nil, 1},
	})
	offers, _ := GrapheneOS(good, asker)
	if offers[0].URL != "https://ota.example/nuwa-incremental-41-42.zip" || offers[1].URL != "https://ota.example/nuwa-ota_update-42.zip" {
		t.Errorf("it asks for %s and %s", offers[0].URL, offers[1].URL)
	}
}

func TestAOSPSample(t *testing.T) {
	good := Answer{URL: "https://ota.example/nuwa.json", Status: 200, Body: []byte(config)}
	judge(t, AOSPSample, good, 1, []mutation{
		{"an error", status(403), []string{"403"}, 0},
		{"plain http", address("http://ota.example/nuwa.json"), []string{"plain http"}, 1},
		{"an array", body("[" + config + "]"), []string{"no object"}, 0},
		{"no name", swap(`"name":"nuwa 42",`, ""), []string{"name is missing"}, 0},
		{"no url", swap(`"url"`, `"link"`), []string{"url is missing"}, 0},
		{"no install type", swap(`"ab_install_type":"STREAMING",`, ""), []string{"ab_install_type is missing"}, 0},
		{"an unknown type", swap(`"STREAMING"`, `"LATER"`), []string{"wanted STREAMING"}, 0},
		{"not streamed, from afar", swap(`"STREAMING"`, `"NON_STREAMING"`), []string{"file://"}, 0},
		{"the outdated form", swap(`"ab_config"`, `"ab_streaming_metadata"`), []string{"ab_config is missing"}, 0},
		{"no word on the slot", swap(`"force_switch_slot":true,`, ""), []string{"force_switch_slot is missing"}, 0},
		{"no word on the head", swap(`"verify_payload_metadata":false,`, ""), []string{"verify_payload_metadata is missing"}, 0},
		{"a word for true", swap(`true`, `"yes"`), []string{"wanted true or false"}, 0},
		{"no parts", swap(`"property_files"`, `"files"`), []string{"property_files is missing"}, 0},
		{"an offset as text", swap(`"offset":1485`, `"offset":"1485"`), []string{"offset is \"1485\""}, 0},
		{"no size", swap(`,"size":147`, ""), []string{"size is missing"}, 0},
		{"no payload", swap(`"payload.bin"`, `"payload"`), []string{"payload.bin is not among"}, 0},
		{"more", swap(`"name"`, `"__":"made by a tool","name"`), nil, 1},
	})
}

// zipOf is a package whose payload is stored.
func zipOf(t *testing.T, method uint16, metadata, payload string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range [][2]string{{metadataEntry, metadata}, {"payload.bin", payload}, {"payload_properties.txt", "FILE_SIZE=9\n"}} {
		one, err := w.CreateHeader(&zip.FileHeader{Name: f[0], Method: method})
		if err == nil {
			_, err = one.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPackages: what was announced of a package is held against the package.
func TestPackages(t *testing.T) {
	metadata := "ota-type=AB\npost-timestamp=1780000001\npre-device=nuwa\n"
	at := int64(0)
	for range 2 { // where the payload lies stands before it, in as many digits
		text := zipOf(t, zip.Store, fmt.Sprintf("%sota-streaming-property-files=payload.bin:%04d:9,metadata:1:2  \n", metadata, at), "CrAU.....")
		at = int64(bytes.Index(text, []byte("CrAU")))
	}
	properties := fmt.Sprintf("ota-streaming-property-files=payload.bin:%04d:9,metadata:1:2  \n", at)
	text := zipOf(t, zip.Store, metadata+properties, "CrAU.....")
	read := func(text []byte) Package {
		t.Helper()
		p, err := ReadPackage(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	props := int64(bytes.Index(text, []byte("FILE_SIZE")))
	good := Offer{Size: int64(len(text)), UTC: 1780000001, device: "nuwa", Parts: []Part{{"payload_metadata.bin", at, 5, ""},
		{"payload.bin", at, 9, ""}, {"payload_properties.txt", props, 12, ""}, {"care_map.pb", 1, 1, ""}}}
	strict := good
	strict.strict = true
	for _, o := range []Offer{good, strict} {
		if found := o.Against(read(text)); len(found) > 0 {
			t.Errorf("a good package: %v", found)
		}
	}
	for name, tt := range map[string]struct {
		offer  Offer
		change func(*Offer)
		text   []byte
		wants  string
	}{
		"another length":      {good, func(o *Offer) { o.Size++ }, text, "were announced"},
		"a moved payload":     {good, func(o *Offer) { o.Parts[1].Offset++ }, text, "payload.bin is said to lie"},
		"a long payload":      {good, func(o *Offer) { o.Parts[1].Size++ }, text, "payload.bin is said to lie"},
		"a moved head":        {good, func(o *Offer) { o.Parts[0].Offset-- }, text, "payload_metadata.bin is said to lie"},
		"a head that is more": {good, func(o *Offer) { o.Parts[0].Size = 10 }, text, "payload_metadata.bin is said to lie"},
		"a moved list":        {good, func(o *Offer) { o.Parts[2].Offset++ }, text, "payload_properties.txt is said to lie"},
		"compressed":          {good, nil, zipOf(t, zip.Deflate, metadata, "CrAU....."), "no payload.bin that is stored"},
		"no payload":          {good, nil, zipOf(t, zip.Store, metadata+properties, "UArC....."), "wanted CrAU"},
		"announced too new":   {good, func(o *Offer) { o.UTC++ }, text, "again and again"},
		"another device":      {good, nil, zipOf(t, zip.Store, "pre-device=fuxi|armani\n", "CrAU....."), "for \"fuxi|armani\""},
		"announced too old":   {strict, func(o *Offer) { o.UTC-- }, text, "was announced"},
		"two devices":         {strict, nil, zipOf(t, zip.Store, "pre-device=nuwa|fuxi\n", "CrAU....."), "wanted nuwa alone"},
		"no offsets":          {strict, nil, zipOf(t, zip.Store, metadata, "CrAU....."), "no ota-streaming-property-files"},
		"wrong offsets": {strict, nil, zipOf(t, zip.Store, metadata+"ota-streaming-property-files=payload.bin:7:9\n", "CrAU....."),
			"says that payload.bin lies at 7"},
		"no A/B":         {strict, nil, zipOf(t, zip.Store, "ota-type=BLOCK\n", "CrAU....."), "wanted AB"},
		"serial numbers": {strict, nil, zipOf(t, zip.Store, metadata+"serialno=1|2\n", "CrAU....."), "serial numbers"},
		"an incremental": {strict, nil, zipOf(t, zip.Store, metadata+"pre-build-incremental=41\n", "CrAU....."),
			"full package starts from"},
		"another source": {strict, func(o *Offer) { o.From = "40" }, zipOf(t, zip.Store, metadata+"pre-build-incremental=41\n",
			"CrAU....."), "from \"40\" was asked for"},
		"another fingerprint": {strict, func(o *Offer) { o.From = "40" }, zipOf(t, zip.Store, metadata+"pre-build=a/b/nuwa:16/X/41:user/x\n",
			"CrAU....."), "from \"40\" was asked for"},
	} {
		o := tt.offer
		o.Parts = slices.Clone(o.Parts)
		if tt.change != nil {
			tt.change(&o)
		}
		if found := o.Against(read(tt.text)); !strings.Contains(fmt.Sprint(found), tt.wants) {
			t.Errorf("%s: %v, wanted words about %q", name, found, tt.wants)
		}
	}
	if _, err := ReadPackage(bytes.NewReader(text[:200]), 200); err == nil {
		t.Error("half a package is read")
	}
}

func TestSpans(t *testing.T) {
	s := Span{100, 199, 5_000}
	for name, tt := range map[string]struct {
		status int
		says   string
		came   int64
		wants  string
	}{
		"good":         {206, "bytes 100-199/5000", 100, ""},
		"all of it":    {200, "", 5_000, "streams"},
		"refused":      {416, "bytes */5000", 0, "wanted 206"},
		"another part": {206, "bytes 0-99/5000", 100, "Content-Range"},
		"no length":    {206, "bytes 100-199/*", 100, "Content-Range"},
		"none":         {206, "", 100, "Content-Range"},
		"cut":          {206, "bytes 100-199/5000", 60, "60 bytes, wanted 100"},
	} {
		found := fmt.Sprint(s.Judge(tt.status, tt.says, tt.came))
		if tt.wants == "streams" {
			tt.wants = "none can stream"
		}
		if (found == "[]") != (tt.wants == "") || !strings.Contains(found, tt.wants) {
			t.Errorf("%s: %s, wanted words about %q", name, found, tt.wants)
		}
	}
	if s.Header() != "bytes=100-199" {
		t.Error(s.Header())
	}
	if Follows("https://a/x", "https://b/y") != nil || Follows("https://a/x", "http://a/x") == nil || Follows("https://a/x", "\x00") == nil {
		t.Error("redirects are judged by more or less than the protocol")
	}
}

// fuzz holds of any body that a reader gives no offer that a phone could not fetch, and reads it the same twice.
func fuzz(f *testing.F, read reader, url, kind string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
		f.Add([]byte(strings.Replace(s, "1780000001", "1e9", 1)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a := Answer{URL: url, Status: 200, Type: kind, Body: text}
		offers, found := read(a, asker)
		for _, o := range offers {
			if link(o.URL) != "" && !strings.HasPrefix(o.URL, "file://") || o.Name == "" || o.UTC < 0 || o.Size < 0 ||
				o.UTC != 0 && o.UTC <= asker.UTC {
				t.Errorf("offers %+v", o)
			}
			for _, p := range o.Parts {
				if p.Offset < 0 || p.Size < 0 || o.Size > 0 && p.Offset+p.Size > o.Size {
					t.Errorf("a part is %+v of %d", p, o.Size)
				}
			}
		}
		if again, also := read(a, asker); !reflect.DeepEqual(again, offers) || !reflect.DeepEqual(also, found) {
			t.Error("read twice, it is another")
		}
	})
}

func FuzzLineageOS1(f *testing.F) {
	fuzz(f, LineageOS1, "https://ota.example/x", "", `{"response":[`+entry1+`]}`, `{"response":[]}`, `null`)
}

func FuzzLineageOS2(f *testing.F) {
	fuzz(f, LineageOS2, "https://ota.example/x", "application/json", "["+build2json+"]", "[]", "null")
}

func FuzzGrapheneOS(f *testing.F) {
	fuzz(f, GrapheneOS, "https://ota.example/nuwa-stable", "", "42 1780000001 nuwa stable\n")
}

func FuzzAOSPSample(f *testing.F) {
	fuzz(f, AOSPSample, "https://ota.example/nuwa.json", "", config, "{}", `{"ab_config":null}`)
}

func FuzzPackage(f *testing.F) {
	var none testing.T
	f.Add(zipOf(&none, zip.Store, "ota-type=AB\n", "CrAU....."))
	f.Add(zipOf(&none, zip.Deflate, "a=b\n", "x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ReadPackage(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			return
		}
		for _, part := range p.Parts {
			if part.Offset < 0 || part.Size < 0 || part.Offset > p.Size-part.Size {
				t.Errorf("%+v of %d bytes", part, p.Size)
			}
		}
		Offer{strict: true, Parts: []Part{{"payload.bin", 1, 2, ""}}}.Against(p)
	})
}
