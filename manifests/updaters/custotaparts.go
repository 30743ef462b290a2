// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The parts that Custota fetches, in this order.
const (
	MetadataPB      = "metadata.pb"          // when it looks for updates
	PayloadMetadata = "payload_metadata.bin" // when it installs, as the next
	CareMap         = "care_map.pb"          // there need be none
	Properties      = "payload_properties.txt"
	Payload         = "payload.bin" // update_engine fetches it, by the same range
)

// Piece is what a server answered to a request for a part of a package, whose Range is that of [Part.Header], and which took
// gzip, as Android's client does unasked.
type Piece struct {
	Status int
	Range  string // Content-Range
	Length int64  // Content-Length; -1 if it was not said, or if the answer is compressed
	Bytes  []byte // all of them; nil if they were not fetched
}

// Header is the value of Range by which a part is asked for.
func (p Part) Header() string { return Span{From: p.Offset, To: p.Offset + p.Size - 1}.Header() }

// Judge says what Custota does not take of an answer to a request for a part: by its status, its Content-Range, of which
// the length of the whole is nothing to it, its Content-Length, and the digest that is signed, if the bytes were fetched.
func (p Part) Judge(got Piece) (found []Fault) {
	var f faults
	want := "bytes " + strings.TrimPrefix(p.Header(), "bytes=")
	span, _, _ := strings.Cut(got.Range, "/")
	switch {
	case got.Status/100 != 2:
		f.add(partFails, "the part %s (%s) is answered with %d, wanted 206", p.Name, p.Header(), got.Status)
	case got.Range == "":
		f.add(partFails, "the part %s (%s) is answered with %d and no Content-Range: no byte ranges are served here", p.Name, p.Header(),
			got.Status)
	case span != want:
		f.add(partFails, "the part %s is answered with the Content-Range %.100q, wanted %q", p.Name, got.Range, want+"/…")
	case got.Length < 0:
		f.add(partFails, "the part %s comes without a Content-Length, or compressed; wanted %d bytes as they are", p.Name, p.Size)
	case got.Length != p.Size:
		f.add(partFails, "the part %s comes with the Content-Length %d, wanted %d", p.Name, got.Length, p.Size)
	case got.Bytes == nil:
	case int64(len(got.Bytes)) != p.Size:
		f.add(partFails, "the part %s brought %d bytes, wanted %d", p.Name, len(got.Bytes), p.Size)
	default:
		if sum := sha256.Sum256(got.Bytes); hex.EncodeToString(sum[:]) != p.SHA256 {
			f.add(partFails, "the part %s has the SHA-256 %x, and %s is signed: the csig is of another package, or the package was changed",
				p.Name, sum, p.SHA256)
		}
	}
	return f
}

// Part finds a part that is signed, by its name.
func (o Offer) Part(name string) (Part, bool) { return partOf(o.Parts, name) }

// Metadata reads metadata.pb, which Custota fetches to find out if a package is for the phone. news is false for a phone that
// has what it says, and no fault then.
func (o Offer) Metadata(text []byte, p Phone) (news bool, found []Fault) {
	var f faults
	m, err := readMetadata(text)
	if err != nil {
		f.add(checkFails, "metadata.pb is no OtaMetadata: %v", err)
		return false, f
	}
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			f.add(checkFails, format, args...)
		}
	}
	refuse(m.kind != 1, "the package is of the type %d, wanted 1, which is AB", m.kind)
	refuse(!slices.Contains(m.before.devices, p.Device), "the package is for %q, and phones that ask for %s are offered it",
		m.before.devices, p.Device)
	refuse(m.after.level == "" || m.after.level < p.PatchLevel, "the package has the security patch level %q, and the phone %q",
		m.after.level, p.PatchLevel)
	refuse(m.after.utc <= 0 || m.after.utc < p.UTC, "the package was built at %d, and what runs at %d", m.after.utc, p.UTC)
	from := slices.Clone(m.before.builds)
	if m.before.incremental != "" {
		from = append(from, m.before.incremental)
	}
	refuse(!o.incremental && len(from) > 0, "the full package starts from the build %q, and phones of other builds are offered it", from)
	refuse(o.incremental && m.before.incremental != "" && p.Build != "" && m.before.incremental != p.Build,
		"the incremental starts from the build %q, and the phone runs %q", m.before.incremental, p.Build)
	refuse(o.incremental && len(m.before.builds) > 0 && p.Fingerprint != "" && !slices.Contains(m.before.builds, p.Fingerprint),
		"the incremental starts from the build %q, and the phone runs %q", m.before.builds, p.Fingerprint)
	refuse(len(m.after.builds) == 0, "metadata.pb has no fingerprint of the build afterwards")
	o.stated(m.files, refuse)
	if len(f) > 0 {
		return false, f
	}
	runs := p.Fingerprint != "" && slices.Contains(m.after.builds, p.Fingerprint)
	return o.incremental || !runs || o.VBMeta != "" && o.VBMeta != p.VBMeta, nil
}

// stated holds the parts that are signed against ota-property-files, one after the other, as far as both go.
func (o Offer) stated(files map[string]string, refuse func(bad bool, format string, args ...any)) {
	text, is := files["ota-property-files"]
	if !is {
		refuse(true, "metadata.pb has no ota-property-files")
		return
	}
	for i, one := range strings.Split(text, ",") {
		one = strings.TrimRight(one, " ")
		if !token.MatchString(one) {
			refuse(true, "ota-property-files of metadata.pb has %.80q, wanted name:offset:size", one)
			return
		}
		if i < len(o.Parts) {
			said := fmt.Sprintf("%s:%d:%d", o.Parts[i].Name, o.Parts[i].Offset, o.Parts[i].Size)
			refuse(said != one, "part %d of the csig is %s, and of ota-property-files %s", i+1, said, one)
		}
	}
}

// Properties reads payload_properties.txt, which the app hands to update_engine with the place of the payload: a line KEY=VALUE
// each, no key twice, no comments.
func (o Offer) Properties(text []byte) (found []Fault) {
	var f faults
	have := map[string]string{}
	for line := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == '\n' || r == '\r' }) {
		key, value, is := strings.Cut(line, "=")
		if _, twice := have[key]; !is || twice {
			f.add(partFails, "payload_properties.txt has the line %.80q, wanted KEY=VALUE, each key once", line)
		}
		have[key] = value
	}
	payload, _ := o.Part(Payload)
	sum, _ := hex.DecodeString(payload.SHA256)
	if want := base64.StdEncoding.EncodeToString(sum); have["FILE_HASH"] != want {
		f.add("update_engine fetches the payload and then refuses it", "payload_properties.txt has the FILE_HASH %.60q, and the csig of the "+
			"payload %s: one of them is of another package", have["FILE_HASH"], want)
	}
	if have["FILE_SIZE"] != strconv.FormatInt(payload.Size, 10) {
		f.add("update_engine fetches the payload and then refuses it", "payload_properties.txt has the FILE_SIZE %.30q, and the csig %d",
			have["FILE_SIZE"], payload.Size)
	}
	return f
}

// otaMetadata is OtaMetadata of AOSP build/tools/releasetools/ota_metadata.proto, as far as the app reads it.
type otaMetadata struct {
	kind          uint64
	files         map[string]string
	before, after deviceState
}

type deviceState struct {
	devices, builds    []string
	incremental, level string
	utc                int64
}

func readMetadata(text []byte) (m otaMetadata, err error) {
	m.files = map[string]string{}
	return m, eachField(text, func(n protowire.Number, number uint64, text []byte) error {
		switch {
		case n == 1 && text == nil:
			m.kind = number
		case n == 4 && text != nil:
			var key, value string
			err := eachField(text, func(n protowire.Number, _ uint64, text []byte) error {
				switch n {
				case 1:
					key = string(text)
				case 2:
					value = string(text)
				}
				return nil
			})
			m.files[key] = value
			return err
		case n == 5 && text != nil:
			return m.before.read(text)
		case n == 6 && text != nil:
			return m.after.read(text)
		}
		return nil
	})
}

func (s *deviceState) read(text []byte) error {
	return eachField(text, func(n protowire.Number, number uint64, text []byte) error {
		switch {
		case n == 1 && text != nil:
			s.devices = append(s.devices, string(text))
		case n == 2 && text != nil:
			s.builds = append(s.builds, string(text))
		case n == 3 && text != nil:
			s.incremental = string(text)
		case n == 4 && text == nil:
			s.utc = int64(number)
		case n == 6 && text != nil:
			s.level = string(text)
		}
		return nil
	})
}

// eachField visits the fields of a message that are numbers, for which text is nil, or have a length.
func eachField(message []byte, visit func(n protowire.Number, number uint64, text []byte) error) error {
	for len(message) > 0 {
		n, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return protowire.ParseError(size)
		}
		message = message[size:]
		var err error
		switch kind {
		case protowire.VarintType:
			var number uint64
			if number, size = protowire.ConsumeVarint(message); size >= 0 {
				err = visit(n, number, nil)
			}
		case protowire.BytesType:
			var text []byte
			if text, size = protowire.ConsumeBytes(message); size >= 0 {
				err = visit(n, 0, text[:len(text):len(text)])
			}
		default:
			size = protowire.ConsumeFieldValue(n, kind, message)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		if err != nil {
			return err
		}
		message = message[size:]
	}
	return nil
}
