// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"landed/firmware-fixtures/virtual"
	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
)

// Fetch takes the newest whole package that a feed offers to a model on a channel, whatever share it goes to, as a TUF
// client that trusts root and whose clock says now. server is the address below which /tuf/ lies.
func Fetch(now time.Time, server string, root []byte, device, channel string) (Build, error) {
	dir, err := os.MkdirTemp("", "lab")
	if err != nil {
		return Build{}, err
	}
	defer os.RemoveAll(dir)
	up, err := client(strings.TrimSuffix(server, "/")+"/tuf", root, dir, now)
	if err != nil {
		return Build{}, err
	}
	role := manifests.Model{Device: device}.Role()
	text, err := target(up, tufrepo.OffersPath(role, channel))
	if err != nil {
		return Build{}, fmt.Errorf("the offers of %s on %s: %w", device, channel, err)
	}
	doc, err := offers.Parse(text)
	if err != nil {
		return Build{}, err
	}
	at := slices.IndexFunc(doc.Offers, func(o offers.Offer) bool { return len(o.PreBuilds) == 0 })
	if doc.Needs != "" || at < 0 {
		return Build{}, fmt.Errorf("the feed offers no whole package to %s on %s", device, channel)
	}
	offer := doc.Offers[at]
	if text, err = target(up, offer.Package.Path); err != nil {
		return Build{}, fmt.Errorf("the package of %s: %w", device, err)
	}
	if digestOf(text) != offer.Package.SHA256 {
		return Build{}, errors.New("the offers name another package than the one that people signed")
	}
	img, err := imageOf(text)
	return Build{img, offer.Custom.Release, offer.Package.SHA256}, err
}

func client(url string, root []byte, dir string, now time.Time) (*updater.Updater, error) {
	cfg, err := config.New(url+"/metadata", root)
	if err != nil {
		return nil, err
	}
	cfg.LocalMetadataDir, cfg.LocalTargetsDir = dir, filepath.Join(dir, "targets")
	cfg.RemoteTargetsURL, cfg.PrefixTargetsWithHash = url+"/targets", true
	up, err := updater.New(cfg)
	if err != nil {
		return nil, err
	}
	up.UnsafeSetRefTime(now)
	return up, up.Refresh()
}

func target(up *updater.Updater, path string) ([]byte, error) {
	info, err := up.GetTargetInfo(path)
	if err != nil {
		return nil, err
	}
	_, body, err := up.DownloadTarget(info, "", "")
	return body, err
}

// imageOf is the system that a package brings.
func imageOf(text []byte) (*virtual.Image, error) {
	files, err := slots.Files(slots.Package{Reader: bytes.NewReader(text), Size: int64(len(text)), SHA256: digestOf(text)})
	if err != nil {
		return nil, err
	}
	return Image(files)
}
