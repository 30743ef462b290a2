// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/firmware-fixtures/virtual"
	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/updaters"
)

// poller is a phone with the updater of others. It knows the address of one file, the maker's OTA key, and its firmware.
type poller struct {
	protocol manifests.Protocol
	list     string // below the file server
	read     func(updaters.Answer, updaters.Phone) ([]updaters.Offer, []updaters.Fault)
	files    *files
	http     *http.Client
	pins     []otapkg.Pin
	trusted  []*x509.Certificate // of its otacerts.zip
	sold     fixtures.Build
	phone    *virtual.Phone
}

// pollersOf are the protocols that are played, and the file that each asks for: with {device} and {type} put in by hand, as an
// overlay of the firmware does.
func pollersOf(device string) map[manifests.Protocol]poller {
	return map[manifests.Protocol]poller{
		manifests.LineageOS1: {list: "/legacy/lineageos/stable/api/v1/" + device + "/nightly.json", read: updaters.LineageOS1},
		manifests.LineageOS2: {list: "/legacy/lineageos/stable/api/v2/devices/" + device + "/builds.json", read: updaters.LineageOS2},
		manifests.GrapheneOS: {list: "/legacy/grapheneos/" + device + "-stable", read: updaters.GrapheneOS},
		manifests.AOSPSample: {list: "/legacy/aosp-sample/stable/" + device + ".json", read: updaters.AOSPSample},
		manifests.Custota:    {list: "/legacy/custota/stable/" + device + ".json", read: updaters.Custota},
	}
}

// newPoller is a phone as it is sold, which believes the maker of packages.
func newPoller(protocol manifests.Protocol, f *files, maker *x509.Certificate, sold fixtures.Build, now time.Time) (*poller, error) {
	p := pollersOf(sold.Model)[protocol]
	pin, err := otapkg.PinOf(maker)
	if err != nil {
		return nil, err
	}
	p.protocol, p.files, p.http, p.sold = protocol, f, f.client(), sold
	p.pins, p.trusted = []otapkg.Pin{pin}, []*x509.Certificate{maker}
	p.phone = virtual.NewPhone(string(protocol), 1, &virtual.Observer{})
	return &p, p.boot(sold.SystemFiles(), now)
}

func (p *poller) boot(system map[string][]byte, now time.Time) error {
	files := fstest.MapFS{}
	for name, text := range system {
		files[name] = &fstest.MapFile{Data: text, Mode: 0o644}
	}
	img, err := virtual.Load(files)
	if err == nil {
		p.phone.Boot(img, now)
	}
	return err
}

// offered asks for the list. A file that is not there is nothing.
func (p *poller) offered(ctx context.Context) ([]updaters.Offer, error) {
	resp, body, err := p.get(ctx, p.files.url+p.list, "")
	if err != nil || resp.StatusCode == http.StatusNotFound {
		return nil, err
	}
	offers, faults := p.read(updaters.Answer{URL: p.files.url + p.list, Status: resp.StatusCode, Type: resp.Header.Get("Content-Type"),
		Body: body}, p.asks())
	if len(faults) > 0 {
		return nil, fmt.Errorf("%s: %v", p.protocol, faults)
	}
	if p.protocol == manifests.Custota && len(offers) == 1 {
		if offers, err = p.signed(ctx, offers[0]); err != nil {
			return nil, fmt.Errorf("%s: %w", p.protocol, err)
		}
	}
	return offers, nil
}

func (p *poller) get(ctx context.Context, address, ranged string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	if ranged != "" {
		req.Header.Set("Range", ranged)
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

// part fetches a part of a package, and wants exactly that.
func (p *poller) part(ctx context.Context, address string, span updaters.Span) ([]byte, error) {
	resp, body, err := p.get(ctx, address, span.Header())
	if err != nil {
		return nil, err
	}
	if faults := span.Judge(resp.StatusCode, resp.Header.Get("Content-Range"), int64(len(body))); len(faults) > 0 {
		return nil, fmt.Errorf("%v", faults)
	}
	return body, nil
}

// errNotThere is of a package that the file server does not have.
var errNotThere = errors.New("there is no such package")

// download fetches the first half of a package, loses the connection, goes on from there, and compares what was announced.
func (p *poller) download(ctx context.Context, o updaters.Offer) ([]byte, error) {
	resp, whole, err := p.get(ctx, o.URL, "")
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusNotFound {
		return nil, errNotThere
	}
	half := int64(len(whole) / 2)
	rest, err := p.part(ctx, o.URL, updaters.Span{From: half, To: int64(len(whole)) - 1, Total: int64(len(whole))})
	if err != nil {
		return nil, err
	}
	zip := append(whole[:half:half], rest...)
	if sum := fmt.Sprintf("%x", sha256.Sum256(zip)); o.SHA256 != "" && sum != o.SHA256 {
		return nil, fmt.Errorf("%s has the SHA-256 %s, and %s was announced", o.Name, sum, o.SHA256)
	}
	read, err := updaters.ReadPackage(bytes.NewReader(zip), int64(len(zip)))
	if faults := o.Against(read); err == nil && len(faults) > 0 {
		err = fmt.Errorf("%v", faults)
	}
	return zip, err
}

// update does what the app does with what it is offered: the first package that is there, by the maker's signature alone.
func (p *poller) update(ctx context.Context, offers []updaters.Offer, now time.Time) (how string, err error) {
	for _, o := range offers {
		how, system, err := p.install(ctx, o)
		if errors.Is(err, errNotThere) {
			continue // an incremental that nobody made
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.protocol, err)
		}
		return how, p.boot(system, now)
	}
	return "", fmt.Errorf("%s: no package of %d offers is there", p.protocol, len(offers))
}

// install is the system that a package leaves, and the way in which it was had.
func (p *poller) install(ctx context.Context, o updaters.Offer) (how string, system map[string][]byte, err error) {
	if o.Csig != "" { // which holds what is signed of each part, so that nobody needs the whole
		system, err = stream(o, func(part updaters.Part) ([]byte, error) { return p.piece(ctx, o.URL, part) })
		return "streamed by the offsets that the maker signed", system, err
	}
	zip, err := p.download(ctx, o)
	if err == nil {
		err = judged(zip, p.pins)
	}
	if err != nil {
		return "", nil, err
	}
	total := int64(len(zip))
	if len(o.Parts) > 0 {
		system, err = stream(o, func(part updaters.Part) ([]byte, error) {
			return p.part(ctx, o.URL, updaters.Span{From: part.Offset, To: part.Offset + part.Size - 1, Total: total})
		})
		return "streamed by the offsets of its list", system, err
	}
	system, err = slots.Files(slots.Package{Reader: bytes.NewReader(zip), Size: total})
	return "installed from the whole package", system, err
}

// judged holds a package against the maker's key, and against all that makes it hostile.
func judged(zip []byte, pins []otapkg.Pin) error {
	facts, findings, err := otapkg.Inspect(bytes.NewReader(zip), int64(len(zip)), otapkg.Policy{Pins: pins, Channel: "stable"})
	if err != nil {
		return err
	}
	if findings.Refused() || facts.Signer == nil {
		return fmt.Errorf("the package is refused: %v", findings.Codes())
	}
	return nil
}

// stream installs as update_engine does: it fetches the parts by range, and writes the partition out of the payload.
func stream(o updaters.Offer, fetch func(updaters.Part) ([]byte, error)) (map[string][]byte, error) {
	got := map[string][]byte{}
	for _, part := range o.Parts {
		text, err := fetch(part)
		if err != nil {
			return nil, err
		}
		got[part.Name] = text
	}
	payload := got["payload.bin"]
	sum := sha256.Sum256(payload)
	if want := "FILE_HASH=" + base64.StdEncoding.EncodeToString(sum[:]); !slices.Contains(strings.Split(
		string(got["payload_properties.txt"]), "\n"), want) {
		return nil, fmt.Errorf("what lies at the offset of payload.bin is not what payload_properties.txt names: wanted %s", want)
	}
	if !bytes.HasPrefix(payload, got["payload_metadata.bin"]) {
		return nil, errors.New("payload_metadata.bin is not the beginning of payload.bin")
	}
	read, findings, err := otapkg.ReadPayload(bytes.NewReader(payload), int64(len(payload)))
	if err == nil && (read == nil || findings.Refused()) {
		err = fmt.Errorf("the payload is refused: %v", findings.Codes())
	}
	if err != nil {
		return nil, err
	}
	var image bytes.Buffer
	if err := read.WritePartition("system", &image); err != nil {
		return nil, err
	}
	return unpack(&image)
}

// unpack reads the system of a stand-in package, which is a tar where a file system would be.
func unpack(image io.Reader) (map[string][]byte, error) {
	system := map[string][]byte{}
	for r := tar.NewReader(image); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return system, nil
		}
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeReg {
			system[strings.TrimPrefix(h.Name, "./")] = text
		}
	}
}
