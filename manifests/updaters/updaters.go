// SPDX-License-Identifier: Apache-2.0

// Package updaters reads what phones with the updaters of others read, by the rules of their apps: LineageOS in both forms,
// GrapheneOS, Custota, and apps made from AOSP's SystemUpdaterSample.
//
// Parties: whoever plays such a phone, against a deployment or in a test. It promises one reader per protocol, written from
// what the apps do and not from what a server writes: each gives the packages that a phone would go on with, and each fault
// with what a phone does about it, all at once. It refuses to be kinder than an app: a field that an app demands and does not
// find is a fault, also where another reader would do without. It asks nobody, and has no clock.
//
// The rules are those of the sources of the LineageOS Updater (Utils.java at d66cf2d for v1; NetworkUpdate.kt and
// UpdatesNetworkDataSource.kt at 0cb7bb4 for v2), of GrapheneOS's Updater, of Custota 6 (UpdaterThread.kt at 5c281ee, with
// BouncyCastle's SignerInformation for its csig), and of updater_sample in AOSP's recovery.
package updaters

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Phone is what a phone knows of itself when it asks.
type Phone struct {
	Device  string // what it asks for
	Channel string // GrapheneOS
	Kind    string // ro.lineage.releasetype
	Version string // ro.lineage.build.version; "" if it is not known
	Build   string // ro.build.version.incremental of what it runs; "" if it is not known
	UTC     int64  // ro.build.date.utc of what it runs

	Base        string // address that people entered, Custota
	VBMeta      string // ro.boot.vbmeta.digest of what it runs, Custota; "" if it is not known
	Fingerprint string // of what it runs, Custota; "" if it is not known
	PatchLevel  string // ro.build.version.security_patch, Custota; "" if it is not known
}

// Answer is what a server answered to its request, after the redirects that its app follows.
type Answer struct {
	URL    string // that was asked for last
	Status int
	Type   string // Content-Type
	Body   []byte // one byte more than MaxList is enough
}

// Offer is a package that a phone would go on with.
type Offer struct {
	Name     string // file name, or the name that people see
	URL      string
	Size     int64  // bytes; 0 where the protocol does not say it
	SHA256   string // "" where the protocol does not say it
	UTC      int64  // build time afterwards; 0 where the protocol does not say it
	Build    string // label afterwards, GrapheneOS
	From     string // label that an incremental starts from, GrapheneOS
	Installs bool   // false: the app shows it and has no button for it
	Parts    []Part // that are streamed
	Csig     string // address of what is signed about the package, Custota
	VBMeta   string // vbmeta digest afterwards, as signed, Custota; "" if it does not say it

	device      string // that the package must be for; "" if the app does not look
	strict      bool   // it holds what the package says against what was announced
	incremental bool   // it was found by what the phone runs, Custota
}

// Part is where a file of a package lies in its bytes.
type Part struct {
	Name         string
	Offset, Size int64
	SHA256       string // hex; "" where the protocol does not say it
}

// Fault is something that an app does not take.
type Fault struct {
	Found string `json:"found"` // and what was wanted
	Phone string `json:"phone"` // what a phone does then
}

// String is the fault in one line.
func (f Fault) String() string { return f.Found + ": " + f.Phone }

// faults collects.
type faults []Fault

func (f *faults) add(phone, format string, args ...any) {
	*f = append(*f, Fault{fmt.Sprintf(format, args...), phone})
}

// What phones do, in words.
const (
	failsCheck  = "the app takes the check for failed, and shows its last list"
	skipsEntry  = "the app skips this entry, so phones are not offered the build"
	dropsList   = "the app drops the whole list, so phones are offered nothing"
	fetchesNone = "the phone cannot fetch the package"
	refusesZip  = "the phone fetches the package and then refuses it"
	noUpdate    = "phones see no update"
)

// begin says if an app goes on with the answer to a request for what it polls: overHTTP is what it does about plain http.
func (a Answer) begin(what, overHTTP, phone string) (f faults, ok bool) {
	if !secure(a.URL) {
		f.add(overHTTP, "%s is asked for at %.100q, of plain http, wanted https", what, a.URL)
	}
	ok = a.ok(&f, phone)
	return f, ok
}

// ok says if an app goes on with an answer.
func (a Answer) ok(f *faults, phone string) bool {
	switch {
	case a.Status/100 == 3:
		f.add(phone, "the answer is %d, a redirect that the app does not follow", a.Status)
	case a.Status/100 != 2:
		f.add(phone, "the answer is %d, wanted 200", a.Status)
	}
	return a.Status/100 == 2
}

// secure says if a phone would ask for an address at all: since Android 9 apps fetch nothing over plain HTTP. An address of
// the very machine is let pass: what stands before it is not played.
func secure(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback())
}

// link is the fault of the address of a package, "" if there is none.
func link(address string) string {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Sprintf("url is %.100q, wanted a whole address of https", address)
	}
	if !secure(address) {
		return fmt.Sprintf("url is %.100q, of plain http", address)
	}
	return ""
}

// Follows is the fault of a redirect on the way to a list or a package, nil if an app follows it: it changes neither https to
// http nor the other way.
func Follows(from, to string) *Fault {
	a, err := url.Parse(from)
	b, err2 := url.Parse(to)
	if err != nil || err2 != nil || a.Scheme != b.Scheme {
		return &Fault{fmt.Sprintf("%.200q redirects to %.200q, another protocol", from, to), "the app does not follow it: " + fetchesNone}
	}
	return nil
}

// below is the address of a file beside another.
func below(address, name string) string {
	return address[:strings.LastIndexByte(address, '/')+1] + url.PathEscape(name)
}
