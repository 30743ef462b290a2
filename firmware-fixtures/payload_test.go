// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// fields splits a message into its length-delimited fields by number; integers come as decimal text.
func fields(t *testing.T, m []byte) map[int][][]byte {
	t.Helper()
	out := map[int][][]byte{}
	for len(m) > 0 {
		num, typ, n := protowire.ConsumeTag(m)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		m = m[n:]
		switch typ {
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(m)
			out[int(num)], m = append(out[int(num)], []byte(strconv.FormatUint(v, 10))), m[n:]
		case protowire.Fixed32Type:
			v, n := protowire.ConsumeFixed32(m)
			out[int(num)], m = append(out[int(num)], []byte(fmt.Sprint(v))), m[n:]
		default:
			v, n := protowire.ConsumeBytes(m)
			if n < 0 {
				t.Fatal(protowire.ParseError(n))
			}
			out[int(num)], m = append(out[int(num)], v), m[n:]
		}
	}
	return out
}

func number(t *testing.T, m map[int][][]byte, field int) int {
	t.Helper()
	if len(m[field]) != 1 {
		return 0
	}
	n, err := strconv.Atoi(string(m[field][0]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// parts is an A/B package taken apart by the offsets that it states itself.
type parts struct {
	payload, head, blobs []byte
	manifest             map[int][][]byte
	metaSig, dataSig     []byte
	properties           map[string]string
}

func takeApart(t *testing.T, data []byte) parts {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	meta, err := z.Open(nameMetadata)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(meta)
	at := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimRight(line, " \n"), "=")
		if key != "ota-property-files" {
			continue
		}
		for token := range strings.SplitSeq(value, ",") {
			f := strings.Split(token, ":")
			off, _ := strconv.Atoi(f[1])
			size, _ := strconv.Atoi(f[2])
			at[f[0]] = data[off : off+size]
		}
	}
	if string(at["metadata"]) != string(text) {
		t.Fatalf("the property string does not lead to the metadata")
	}
	p := parts{payload: at["payload.bin"], properties: map[string]string{}}
	for line := range strings.Lines(string(at["payload_properties.txt"])) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		p.properties[key] = value
	}
	size, sig := int(binary.BigEndian.Uint64(p.payload[12:])), int(binary.BigEndian.Uint32(p.payload[20:]))
	if got := len(at["payload_metadata.bin"]); got != 24+size+sig {
		t.Errorf("payload_metadata.bin has %d bytes, wanted %d", got, 24+size+sig)
	}
	p.head = p.payload[:24+size]
	p.manifest = fields(t, p.head[24:])
	p.metaSig = p.payload[24+size : 24+size+sig]
	rest := p.payload[24+size+sig:]
	n := number(t, p.manifest, 4)
	p.blobs, p.dataSig = rest[:n], rest[n:]
	return p
}

// TestPayload reads the payload by offsets and numbers alone and checks every digest and both signatures.
func TestPayload(t *testing.T) {
	for _, key := range []struct {
		name string
		key  Key
		alg  x509.SignatureAlgorithm
	}{{"RSA", TestKey(), x509.SHA256WithRSA}, {"P-256", embeddedKey("ec", "ec"), x509.ECDSAWithSHA256}} {
		t.Run(key.name, func(t *testing.T) {
			b, _ := BuildOf("fuxi", Patched)
			p := takeApart(t, mustBytes(t, b, key.key))
			if string(p.payload[:4]) != "CrAU" || binary.BigEndian.Uint64(p.payload[4:]) != 2 {
				t.Fatalf("header % x", p.payload[:12])
			}
			want := map[string]string{
				"FILE_HASH": digestOf(p.payload), "FILE_SIZE": fmt.Sprint(len(p.payload)),
				"METADATA_HASH": digestOf(p.head), "METADATA_SIZE": fmt.Sprint(len(p.head)),
			}
			if diff := cmp.Diff(want, p.properties); diff != "" {
				t.Error(diff)
			}
			for name, s := range map[string]struct{ sig, over []byte }{
				"metadata": {p.metaSig, p.head}, "payload": {p.dataSig, append(bytes.Clone(p.head), p.blobs...)},
			} {
				one := fields(t, fields(t, s.sig)[1][0])
				sig := one[2][0][:number(t, one, 3)]
				if err := key.key.Cert.CheckSignature(key.alg, s.over, sig); err != nil {
					t.Errorf("%s signature: %v", name, err)
				}
			}
			for _, part := range p.manifest[13] {
				rebuild(t, fields(t, part), p.blobs)
			}
		})
	}
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// rebuild applies the operations of a partition and compares with the hash that the manifest promises.
func rebuild(t *testing.T, part map[int][][]byte, blobs []byte) []byte {
	t.Helper()
	info := fields(t, part[7][0])
	image := make([]byte, number(t, info, 1))
	for _, raw := range part[8] {
		op := fields(t, raw)
		ext := fields(t, op[6][0])
		if number(t, op, 1) == opZero {
			continue
		}
		data := blobs[number(t, op, 2):][:number(t, op, 3)]
		if sum := sha256.Sum256(data); !bytes.Equal(sum[:], op[8][0]) {
			t.Errorf("%s: operation hash differs", part[1][0])
		}
		copy(image[number(t, ext, 1)*blockSize:][:number(t, ext, 2)*blockSize], data)
	}
	if sum := sha256.Sum256(image); !bytes.Equal(sum[:], info[2][0]) {
		t.Errorf("%s: partition hash differs", part[1][0])
	}
	return image
}

// TestSystemPartition: any tar reader finds the files in the image.
func TestSystemPartition(t *testing.T) {
	b, _ := BuildOf("fuxi", Bad)
	p := takeApart(t, mustBytes(t, b, TestKey()))
	part := fields(t, p.manifest[13][0])
	if string(part[1][0]) != "system" {
		t.Fatalf("first partition is %s", part[1][0])
	}
	got := map[string][]byte{}
	r := tar.NewReader(bytes.NewReader(rebuild(t, part, p.blobs)))
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if got[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(b.SystemFiles(), got); diff != "" {
		t.Error(diff)
	}
}

// TestPadding: the padded file has the size asked for, is the same on every run, and the archive still reads.
func TestPadding(t *testing.T) {
	const want = 5 << 20
	for _, m := range []string{"armani", "fuxi"} {
		b, _ := BuildOf(m, Unpatched)
		var one, two bytes.Buffer
		for _, w := range []io.Writer{&one, &two} {
			if err := Write(w, b, TestKey(), Options{PadTo: want}); err != nil {
				t.Fatal(err)
			}
		}
		if n := one.Len(); n < want || n > want+1<<20 {
			t.Errorf("%s: %d bytes, wanted %d and at most 1 MiB more", m, n, want)
		}
		if !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("%s: two runs differ", m)
		}
		z, err := zip.NewReader(bytes.NewReader(one.Bytes()), int64(one.Len()))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				t.Errorf("%s: %s: %v", m, f.Name, err)
			}
		}
	}
}
