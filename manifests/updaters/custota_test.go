// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/csig"
)

var (
	from = strings.Repeat("c1", 32)
	info = `{"version":2,"full":{"location_ota":"https://ota.example/a.zip","location_csig":"nuwa/a.csig"},"incremental":{"` + from +
		`":{"location_ota":"/b.zip","location_csig":"nuwa/b.csig"}},"more":[]}`
	entered = "https://ota.example/legacy/custota/stable"
)

// custota is the reader, for a phone in which people entered an address.
func custota(a Answer, p Phone) ([]Offer, []Fault) {
	if p.Base == "" {
		p.Base = entered
	}
	return Custota(a, p)
}

func TestCustota(t *testing.T) {
	good := Answer{URL: entered + "/nuwa.json", Status: 200, Type: "text/html", Body: []byte(info)}
	judge(t, custota, good, 1, []mutation{
		{"an error", status(404), []string{"404", "the check failed"}, 0},
		{"a redirect to another protocol", status(302), []string{"redirect"}, 0},
		{"plain http", address("http://ota.example/nuwa.json"), []string{"plain http", "asks all the same"}, 1},
		{"a page", body("<html>"), []string{"no object"}, 0},
		{"more behind it", body(info + "x"), []string{"no object"}, 0},
		{"no version", swap(`"version":2,`, ``), []string{"version is missing"}, 0},
		{"version 1", swap(`"version":2`, `"version":1`), []string{"version is 1"}, 0},
		{"version 3", swap(`"version":2`, `"version":3`), []string{"version is 3, wanted 2"}, 0},
		{"version in words", swap(`"version":2`, `"version":"2"`), []string{"a number"}, 0},
		{"no full package", swap(`"full"`, `"Full"`), []string{"full is missing"}, 0},
		{"full is a place", swap(`{"location_ota":"https://ota.example/a.zip","location_csig":"nuwa/a.csig"}`, `"a.zip"`),
			[]string{"full is no object"}, 0},
		{"no package", swap(`"location_ota":"https://ota.example/a.zip",`, ``), []string{"full.location_ota is missing"}, 0},
		{"no csig", swap(`,"location_csig":"nuwa/a.csig"`, ``), []string{"full.location_csig is missing"}, 0},
		{"no csig of another", swap(`,"location_csig":"nuwa/b.csig"`, ``), []string{"incremental." + from + ".location_csig is missing"}, 0},
		{"null", swap(`"incremental":{`, `"incremental":null,"x":{`), []string{"incremental is no object"}, 0},
		{"another protocol", swap(`https://ota.example/a.zip`, `ftp://ota.example/a.zip`), []string{"not to an address of https"}, 0},
		{"a protocol in capitals", swap(`https://ota.example/a.zip`, `HTTPS://ota.example/a.zip`), []string{"lower case"}, 0},
		{"a space", swap(`nuwa/a.csig`, `nuwa/a b.csig`), []string{"no URI"}, 0},
		{"half a byte", swap(`nuwa/a.csig`, `nuwa/%a.csig`), []string{"full.location_csig is", "%a."}, 0},
		{"a package over http", swap(`https://ota.example/a.zip`, `http://ota.example/a.zip`), []string{"plain http"}, 1},
		{"a digest in capitals", swap(from, strings.ToUpper(from)), []string{"no phone runs a build of this digest"}, 1},
		{"no incremental", swap(`"incremental"`, `"inc"`), nil, 1},
		{"another build", as(func(p *Phone) { p.VBMeta = digits }), nil, 1},
		{"a channel of its own host", as(func(p *Phone) { p.Base = "https://beta.example/" }), nil, 1},
	})
	for vbmeta, want := range map[string]Offer{
		"": {Name: "a.zip", URL: "https://ota.example/a.zip", Csig: entered + "/nuwa/a.csig", Installs: true},
		from: {Name: "b.zip", URL: "https://ota.example/b.zip", Csig: entered + "/nuwa/b.csig", Installs: true,
			incremental: true},
	} {
		offers, found := custota(good, Phone{Device: "nuwa", VBMeta: vbmeta})
		if len(found) > 0 || len(offers) != 1 || !reflect.DeepEqual(offers[0], want) {
			t.Errorf("a phone that runs %q: %+v, %v", vbmeta, offers, found)
		}
	}
}

// signedPackage is an A/B package of the fixtures, and what its maker signs about it.
type signedPackage struct {
	zip   []byte
	info  csig.Info
	der   []byte
	key   fixtures.Key
	other fixtures.Key
	build fixtures.Build
}

func newSigned(t testing.TB) (p signedPackage) {
	t.Helper()
	var err error
	check := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p.key = fixtures.TestKey()
	p.other, err = fixtures.NewKey(rand.Reader)
	check()
	p.build, err = fixtures.BuildOf("fuxi", fixtures.Patched)
	check()
	p.zip, err = fixtures.Bytes(p.build, p.key)
	check()
	p.info = csig.Info{Version: csig.Version, VBMetaDigest: strings.Repeat("b1", 32)}
	p.info.Files, err = csig.Files(bytes.NewReader(p.zip), int64(len(p.zip)), nil)
	check()
	p.der, err = csig.Sign(p.info, p.key.Private, p.key.Cert)
	check()
	return p
}

// holding is the same CMS with other content, signed as well: a maker whose tool writes what it should not.
func (p signedPackage) holding(t *testing.T, old, with string) []byte {
	t.Helper()
	text := string(mustContent(t, p.der))
	if !strings.Contains(text, old) {
		t.Fatalf("nothing to change: %s in %s", old, text)
	}
	return cmsOf(t, p.key, strings.Replace(text, old, with, 1), nil)
}

func mustContent(t *testing.T, der []byte) []byte {
	t.Helper()
	data, err := signedData(der)
	if err != nil {
		t.Fatal(err)
	}
	return data.in(2, 1, 0).body
}

// tlv is DER of a tag and what is in it.
func tlv(tag byte, in ...[]byte) []byte {
	body := bytes.Join(in, nil)
	text, err := asn1.Marshal(asn1.RawValue{Class: int(tag >> 6), Tag: int(tag & 0x1f), IsCompound: tag&0x20 != 0, Bytes: body})
	if err != nil {
		panic(err)
	}
	return text
}

func id(dots string) []byte {
	var oid asn1.ObjectIdentifier
	for word := range strings.SplitSeq(dots, ".") {
		var n int
		_, _ = fmt.Sscan(word, &n)
		oid = append(oid, n)
	}
	text, err := asn1.Marshal(oid)
	if err != nil {
		panic(err)
	}
	return text
}

const idData, idSHA256 = "1.2.840.113549.1.7.1", "2.16.840.1.101.3.4.2.1"

// cmsOf is CMS of one signer without a certificate, in DER, written value by value. change, which may be nil, changes the attributes.
func cmsOf(t *testing.T, key fixtures.Key, content string, change func([][]byte) [][]byte) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(content))
	attrs := [][]byte{tlv(0x30, id(idContentType), tlv(0x31, id(idData))), tlv(0x30, id(idMessageDigest), tlv(0x31, tlv(4, sum[:])))}
	if change != nil {
		attrs = change(attrs)
	}
	over := sha256.Sum256(tlv(0x31, attrs...))
	if attrs == nil {
		over = sum
	}
	signature, err := key.Private.Sign(nil, over[:], digests[idSHA256].hash)
	if err != nil {
		t.Fatal(err)
	}
	signed := tlv(0xa0, attrs...)
	if attrs == nil {
		signed = nil
	}
	hash := tlv(0x30, id(idSHA256))
	signer := tlv(0x30, tlv(2, []byte{1}), tlv(0x30, tlv(0x30), tlv(2, []byte{9})), hash, signed, tlv(0x30, id(idRSA)), tlv(4, signature))
	return tlv(0x30, id(idSignedData), tlv(0xa0, tlv(0x30, tlv(2, []byte{1}), tlv(0x31, hash),
		tlv(0x30, id(idData), tlv(0xa0, tlv(4, []byte(content)))), tlv(0x31, signer))))
}

// TestSigned: what a maker signs is read, and everything else is refused.
func TestSigned(t *testing.T) {
	p := newSigned(t)
	text := string(mustContent(t, p.der))
	trusted := []*x509.Certificate{p.other.Cert, p.key.Cert}
	with := func(change func([][]byte) [][]byte) []byte { return cmsOf(t, p.key, text, change) }
	at := func(when time.Time) []byte {
		stamp, err := asn1.Marshal(when.UTC())
		if err != nil {
			t.Fatal(err)
		}
		return with(func(a [][]byte) [][]byte { return append(a, tlv(0x30, id(idSigningTime), tlv(0x31, stamp))) })
	}
	broken := bytes.Clone(p.der)
	broken[len(broken)-1] ^= 1
	refused := 0
	for _, tt := range []struct {
		name    string
		der     []byte
		trusted []*x509.Certificate
		wants   string // "" if it is read
	}{
		{"as it is", p.der, trusted, ""},
		{"of the test's own writer", with(nil), trusted, ""},
		{"without attributes", with(func([][]byte) [][]byte { return nil }), trusted, ""},
		{"signed in time", at(p.key.Cert.NotBefore.Add(time.Hour)), trusted, ""},
		{"of version 1", p.holding(t, `"version":2`, `"version":1,"x":1`), trusted, "version 1 knows no vbmeta_digest"},
		{"a digest that is null", p.holding(t, `"`+p.info.VBMetaDigest+`"`, "null"), trusted, ""},
		{"a member that is not known", p.holding(t, `"version":2`, `"version":2,"x":[1]`), trusted, ""},
		{"nobody is trusted", p.der, nil, "not signed by a key that phones trust"},
		{"another key", p.der, []*x509.Certificate{p.other.Cert}, "not signed by a key that phones trust"},
		{"a broken signature", broken, trusted, "not signed by a key"},
		{"changed content", bytes.Replace(p.der, []byte(`"version":2`), []byte(`"version":1`), 1), trusted, "another content than was signed"},
		{"no CMS", []byte(text), trusted, "no CMS"},
		{"two of them", append(bytes.Clone(p.der), p.der...), trusted, "no CMS"},
		{"nothing", nil, trusted, "no CMS"},
		{"a page", []byte("<html>"), trusted, "no CMS"},
		{"too long", make([]byte, MaxCsig+1), trusted, "three KiB"},
		{"signed too late", at(p.key.Cert.NotAfter.Add(time.Hour)), trusted, "when its certificate did not hold"},
		{"signed too early", at(p.key.Cert.NotBefore.Add(-time.Hour)), trusted, "when its certificate did not hold"},
		{"no digest", with(func(a [][]byte) [][]byte { return a[:1] }), trusted, "another content"},
		{"two digests", with(func(a [][]byte) [][]byte { return append(a, a[1]) }), trusted, "another content"},
		{"no type", with(func(a [][]byte) [][]byte { return a[1:] }), trusted, "another type"},
		{"version 3", p.holding(t, `"version":2`, `"version":3`), trusted, "version is 3"},
		{"no version", p.holding(t, `"version":2,`, ``), trusted, "version is missing"},
		{"no files", p.holding(t, `"files"`, `"parts"`), trusted, "files is missing"},
		{"no offset", p.holding(t, `"offset"`, `"at"`), trusted, "offset is missing"},
		{"an offset in words", p.holding(t, `"offset":`, `"offset":"1","x":`), trusted, "wanted a number"},
		{"no size", p.holding(t, `"size"`, `"length"`), trusted, "size is missing"},
		{"no digest of a part", p.holding(t, `"digest":"`, `"digest":null,"x":"`), trusted, "digest is missing"},
		{"a short digest", p.holding(t, `"digest":"`, `"digest":"00`), trusted, "64 hex digits"},
		{"no metadata", p.holding(t, `"metadata.pb"`, `"metadata.px"`), trusted, "metadata.pb is not among"},
		{"no payload", p.holding(t, `"payload.bin"`, `"payload"`), trusted, "payload.bin is not among"},
		{"a vbmeta digest in capitals", p.holding(t, p.info.VBMetaDigest, strings.ToUpper(p.info.VBMetaDigest)), trusted, "letter by letter"},
		{"no JSON", cmsOf(t, p.key, text[1:], nil), trusted, "no object"},
	} {
		o, found := Offer{URL: "x"}.Signed(Answer{Status: 200, Body: tt.der}, tt.trusted)
		words := fmt.Sprint(found)
		if (len(found) == 0) != (tt.wants == "") || !strings.Contains(words, tt.wants) {
			t.Errorf("%s: %s, wanted words about %q", tt.name, words, tt.wants)
		}
		if got := len(o.Parts) > 0; got != (tt.wants == "" || strings.Contains(words, "letter by letter")) || got && len(o.Parts) != len(p.info.Files) {
			t.Errorf("%s: %d parts", tt.name, len(o.Parts))
		}
		if tt.wants != "" {
			refused++
		}
	}
	if refused < 12 {
		t.Errorf("only %d changes are refused", refused)
	}
	if _, found := (Offer{}).Signed(Answer{Status: 404}, trusted); !strings.Contains(fmt.Sprint(found), "404") {
		t.Errorf("a csig that is not there: %v", found)
	}
}

// TestCustotaPackage: the whole way of a phone through a package, and what it does not take on it.
func TestCustotaPackage(t *testing.T) {
	p := newSigned(t)
	pkg, err := ReadPackage(bytes.NewReader(p.zip), int64(len(p.zip)))
	if err != nil || !pkg.Signer.Equal(p.key.Cert) {
		t.Fatalf("%v, signed by %v", err, pkg.Signer)
	}
	o, found := Offer{}.Signed(Answer{Status: 200, Body: p.der}, []*x509.Certificate{pkg.Signer})
	if found = append(found, o.Against(pkg)...); len(found) > 0 {
		t.Fatal(found)
	}
	bytesOf := func(name string) []byte {
		part, _ := o.Part(name)
		return p.zip[part.Offset : part.Offset+part.Size]
	}
	for _, part := range o.Parts {
		got := Piece{206, fmt.Sprintf("bytes %d-%d/*", part.Offset, part.Offset+part.Size-1), part.Size, bytesOf(part.Name)}
		if found := part.Judge(got); len(found) > 0 {
			t.Errorf("%s: %v", part.Name, found)
		}
	}
	sold, err := fixtures.BuildOf("fuxi", fixtures.Unpatched)
	if err != nil {
		t.Fatal(err)
	}
	metadata := bytesOf(MetadataPB)
	phone := Phone{Device: "fuxi", Build: sold.Incremental, UTC: sold.UTC, Fingerprint: sold.Fingerprint, PatchLevel: "2016-01-01",
		VBMeta: from}
	for name, tt := range map[string]struct {
		change func(*Offer, *Phone, *[]byte)
		news   bool
		wants  string
	}{
		"as sold":             {func(*Offer, *Phone, *[]byte) {}, true, ""},
		"unknown":             {func(_ *Offer, p *Phone, _ *[]byte) { *p = Phone{Device: "fuxi"} }, true, ""},
		"patched, other keys": {func(_ *Offer, ph *Phone, _ *[]byte) { ph.Fingerprint = p.build.Fingerprint }, true, ""},
		"patched": {func(_ *Offer, ph *Phone, _ *[]byte) {
			ph.Fingerprint, ph.VBMeta = p.build.Fingerprint, p.info.VBMetaDigest
		}, false, ""},
		"patched, not said": {func(o *Offer, ph *Phone, _ *[]byte) { ph.Fingerprint, o.VBMeta = p.build.Fingerprint, "" }, false, ""},
		"another device":    {func(_ *Offer, ph *Phone, _ *[]byte) { ph.Device = "nuwa" }, false, "phones that ask for nuwa"},
		"newer":             {func(_ *Offer, ph *Phone, _ *[]byte) { ph.UTC = p.build.UTC + 1 }, false, "was built at"},
		"patched later":     {func(_ *Offer, ph *Phone, _ *[]byte) { ph.PatchLevel = "2099-01-01" }, false, "security patch level"},
		"no metadata":       {func(_ *Offer, _ *Phone, text *[]byte) { *text = nil }, false, "wanted 1, which is AB"},
		"no fingerprint":    {func(_ *Offer, _ *Phone, text *[]byte) { *text = nil }, false, "no fingerprint of the build afterwards"},
		"no parts":          {func(_ *Offer, _ *Phone, text *[]byte) { *text = nil }, false, "no ota-property-files"},
		"no protobuf":       {func(_ *Offer, _ *Phone, text *[]byte) { *text = []byte("<html>") }, false, "no OtaMetadata"},
		"another place":     {func(o *Offer, _ *Phone, _ *[]byte) { o.Parts[0].Offset++ }, false, "part 1 of the csig"},
		"another order":     {func(o *Offer, _ *Phone, _ *[]byte) { slices.Reverse(o.Parts) }, false, "part 1 of the csig"},
	} {
		o, ph, text := o, phone, bytes.Clone(metadata)
		o.Parts = slices.Clone(o.Parts)
		tt.change(&o, &ph, &text)
		news, found := o.Metadata(text, ph)
		if news != tt.news || (len(found) == 0) != (tt.wants == "") || !strings.Contains(fmt.Sprint(found), tt.wants) {
			t.Errorf("%s: news is %v, %v; wanted words about %q", name, news, found, tt.wants)
		}
	}
	if found := o.Properties(bytesOf(Properties)); len(found) > 0 {
		t.Error(found)
	}
	for _, text := range []string{"", "FILE_HASH=x\nFILE_SIZE=1\n", string(bytesOf(Properties)) + "FILE_SIZE=1\n", string(bytesOf(Properties)) + "x\n"} {
		if len(o.Properties([]byte(text))) == 0 {
			t.Errorf("%q is taken", text)
		}
	}
	moved := o
	moved.Parts = slices.Clone(o.Parts)
	moved.Parts[0].Offset++
	if len(moved.Against(pkg)) == 0 {
		t.Error("a part that lies elsewhere is taken")
	}
}

// TestIncrementals: an incremental is for the build that it starts from, and a full package for any.
func TestIncrementals(t *testing.T) {
	b, err := fixtures.BuildOf("fuxi", fixtures.Patched)
	if err != nil {
		t.Fatal(err)
	}
	sold, err := fixtures.BuildOf("fuxi", fixtures.Unpatched)
	if err != nil {
		t.Fatal(err)
	}
	b.From = []string{sold.Fingerprint}
	zip, err := fixtures.Bytes(b, fixtures.TestKey())
	if err != nil {
		t.Fatal(err)
	}
	files, err := csig.Files(bytes.NewReader(zip), int64(len(zip)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var o Offer
	for _, f := range files {
		o.Parts = append(o.Parts, Part{f.Name, f.Offset, f.Size, f.Digest})
	}
	at, _ := o.Part(MetadataPB)
	text := zip[at.Offset : at.Offset+at.Size]
	if _, found := o.Metadata(text, Phone{Device: "fuxi"}); !strings.Contains(fmt.Sprint(found), "full package starts from the build") {
		t.Errorf("as a full package: %v", found)
	}
	o.incremental = true
	for fingerprint, wants := range map[string]string{"": "", sold.Fingerprint: "", "a/b/c:1/2/3:user/x": "the phone runs"} {
		news, found := o.Metadata(text, Phone{Device: "fuxi", Fingerprint: fingerprint})
		if news != (wants == "") || !strings.Contains(fmt.Sprint(found), wants) {
			t.Errorf("a phone that runs %q: %v, %v", fingerprint, news, found)
		}
	}
}

func TestPieces(t *testing.T) {
	sum := sha256.Sum256([]byte("landed"))
	p := Part{"metadata.pb", 100, 6, hex.EncodeToString(sum[:])}
	good := Piece{206, "bytes 100-105/5000", 6, []byte("landed")}
	for name, tt := range map[string]struct {
		change func(*Piece)
		wants  string
	}{
		"good":           {func(*Piece) {}, ""},
		"another whole":  {func(g *Piece) { g.Range = "bytes 100-105/*" }, ""},
		"200 and a part": {func(g *Piece) { g.Status = 200 }, ""}, // the app looks at Content-Range alone
		"not fetched":    {func(g *Piece) { g.Bytes = nil }, ""},
		"all of it":      {func(g *Piece) { g.Status, g.Range, g.Length = 200, "", 5000 }, "no byte ranges"},
		"refused":        {func(g *Piece) { g.Status = 416 }, "answered with 416"},
		"another part":   {func(g *Piece) { g.Range = "bytes 0-5/5000" }, "wanted \"bytes 100-105/"},
		"no length":      {func(g *Piece) { g.Length = -1 }, "without a Content-Length, or compressed"},
		"longer":         {func(g *Piece) { g.Length = 7 }, "Content-Length 7"},
		"cut":            {func(g *Piece) { g.Bytes = g.Bytes[:3] }, "brought 3 bytes"},
		"changed":        {func(g *Piece) { g.Bytes = []byte("Landed") }, "is signed"},
	} {
		got := good
		tt.change(&got)
		if found := p.Judge(got); (len(found) == 0) != (tt.wants == "") || !strings.Contains(fmt.Sprint(found), tt.wants) {
			t.Errorf("%s: %v, wanted words about %q", name, found, tt.wants)
		}
	}
	if p.Header() != "bytes=100-105" {
		t.Error(p.Header())
	}
}

func FuzzCustota(f *testing.F) {
	f.Add([]byte(info), from)
	f.Add([]byte(strings.Replace(info, "nuwa/b", "../../b", 1)), "")
	f.Add([]byte(`{"version":2,"full":null}`), "")
	f.Fuzz(func(t *testing.T, text []byte, vbmeta string) {
		offers, _ := custota(Answer{URL: entered + "/nuwa.json", Status: 200, Body: text}, Phone{Device: "nuwa", VBMeta: vbmeta})
		for _, o := range offers {
			for _, at := range []string{o.URL, o.Csig} {
				if !strings.HasPrefix(at, "https://") && !strings.HasPrefix(at, "http://") {
					t.Errorf("offers %+v", o)
				}
			}
			if o.Name == "" || strings.Contains(o.Name, "/") && o.Name != "/" {
				t.Errorf("offers %+v", o)
			}
		}
	})
}

func FuzzSigned(f *testing.F) {
	p := newSigned(f)
	f.Add(p.der)
	f.Add(p.der[:len(p.der)/2])
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) {
		o, found := Offer{}.Signed(Answer{Status: 200, Body: der}, []*x509.Certificate{p.key.Cert})
		if (len(o.Parts) > 0) != (len(found) == 0) {
			t.Errorf("%d parts, %v", len(o.Parts), found)
		}
		if len(found) == 0 && o.VBMeta != p.info.VBMetaDigest { // nobody signs without the key
			t.Errorf("%+v is believed", o)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	p := newSigned(f)
	o, _ := Offer{}.Signed(Answer{Status: 200, Body: p.der}, []*x509.Certificate{p.key.Cert})
	at, _ := o.Part(MetadataPB)
	f.Add(p.zip[at.Offset : at.Offset+at.Size])
	at, _ = o.Part(Properties)
	f.Add(p.zip[at.Offset : at.Offset+at.Size])
	f.Fuzz(func(t *testing.T, text []byte) {
		if news, found := o.Metadata(text, Phone{Device: "fuxi"}); news && len(found) > 0 {
			t.Errorf("news with %v", found)
		}
		o.Properties(text)
	})
}
