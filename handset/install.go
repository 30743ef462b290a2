// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"

	"landed/handset/slots"
	"landed/manifests/offers"
	"landed/manifests/otapkg"
	"landed/manifests/report"
)

// verify looks at the package itself, after its hash: model, counter and build time against what runs, and
// otapkg against the OTA keys of the firmware. What it says of itself must be what was signed for.
func (c *Client) verify() error {
	img, err := c.cfg.Slots.Image()
	if err != nil {
		return err
	}
	o := c.mem.Offer
	if err := c.recheck(*o, img.Build); err != nil {
		return err
	}
	file, err := os.Open(c.path(downloadFile))
	if err != nil {
		return &Refusal{ClassHandset, report.PhaseVerify, codeWrite, err}
	}
	defer file.Close()
	facts, findings, err := c.cfg.Inspect(file, o.Package.Length, o.Package.SHA256, otapkg.Policy{
		Model: img.Build.Model, Pins: c.cfg.Keys, Channel: c.cfg.Channel, Now: c.Time(),
	})
	if err != nil {
		return &Refusal{ClassHandset, report.PhaseVerify, codeWrite, err}
	}
	if err := c.judge(facts, findings, img.Build.Fingerprint); err != nil {
		c.discard()
		return err
	}
	c.enter(Installing, c.cfg.Now())
	return nil
}

// recheck repeats the decision on what was downloaded: another build may run by now.
func (c *Client) recheck(o offers.Offer, b slots.Build) error {
	switch {
	case o.Custom.Model != b.Model || o.Custom.Variant != b.Variant:
		return refuse(ClassHardware, report.PhaseVerify, codeRecoveryWrong, "the package is for %s (%s), this handset is a "+
			"%s (%s)", o.Custom.Model, o.Custom.Variant, b.Model, b.Variant)
	case o.Custom.Counter < c.mem.Counter:
		return refuse(ClassRollback, report.PhaseVerify, codeTimestamp, "release counter %d, this handset has run %d",
			o.Custom.Counter, c.mem.Counter)
	case o.Custom.Build.UTC < b.UTC:
		return refuse(ClassRollback, report.PhaseVerify, codeTimestamp, "the package's build is older than the running one")
	}
	return nil
}

// judge holds what a package is against what was signed for, and an incremental against the build that runs: what the
// offers say of that is signed online only.
func (c *Client) judge(facts otapkg.Facts, findings otapkg.Findings, running string) error {
	o := c.mem.Offer
	if findings.Refused() {
		var words []string
		for _, f := range findings {
			if f.Level == otapkg.Refuse {
				words = append(words, string(f.Code)+" "+f.Message)
			}
		}
		code := slots.CodeScript
		if slices.ContainsFunc(findings.Codes(), func(c otapkg.Code) bool { return strings.HasPrefix(string(c), "SIG-") }) {
			code = codeRecoverySig
			if c.cfg.Slots.Style() == slots.AB {
				code = codePayloadKey
			}
		}
		return refuse(ClassPackage, report.PhaseVerify, code, "the package is refused: %s", strings.Join(words, "; "))
	}
	if facts.SHA256 != o.Package.SHA256 {
		return refuse(ClassHash, report.PhaseVerify, codePayloadHash, "the package changed on the disk")
	}
	if len(facts.PostBuild) > 0 && !slices.Contains(facts.PostBuild, o.Custom.Build.Fingerprint) {
		return refuse(ClassDisagree, report.PhaseVerify, codeExcluded, "the package leads to another build than the "+
			"one that was signed for")
	}
	if from := facts.PreBuild; len(from) > 0 && !slices.Contains(from, running) {
		return refuse(ClassPackage, report.PhaseVerify, codeExcluded, "the package is an incremental from another build than "+
			"the one that runs")
	}
	if facts.PostTimestamp != 0 && facts.PostTimestamp != o.Custom.Build.UTC {
		return refuse(ClassDisagree, report.PhaseVerify, codeTimestamp, "the package says it was built at %d, signed "+
			"for is %d", facts.PostTimestamp, o.Custom.Build.UTC)
	}
	return nil
}

// install writes the package: into the other slot, or for the recovery.
func (c *Client) install() error {
	file, err := os.Open(c.path(downloadFile))
	if err != nil {
		return &Refusal{ClassHandset, report.PhaseInstall, codeWrite, err}
	}
	defer file.Close()
	want := c.mem.Offer.Package
	p := slots.Package{Reader: file, Size: want.Length, SHA256: want.SHA256, Path: c.path(downloadFile)}
	if err := c.cfg.Slots.Install(p); err != nil {
		return installRefusal(err)
	}
	c.progress(report.ProgressInstalled, nil)
	c.enter(Rebooting, c.cfg.Now())
	return nil
}

// reboot starts the new system, at most as often as its slot allows, and takes what comes up.
func (c *Client) reboot() error {
	want := c.mem.Offer.Package.SHA256
	var last error
	for range slots.BootAttempts + 2 {
		img, err := c.cfg.Slots.Boot()
		if err != nil {
			return c.bootOld(installRefusal(err))
		}
		if err := c.cfg.System.Boot(img); err != nil {
			last = err
			continue
		}
		if img.Package != want {
			return &Refusal{ClassInstall, report.PhaseBoot, slots.CodeBootedOldSlot,
				errors.Join(errors.New("the new system did not come up; the old one runs"), last)}
		}
		return c.bootSucceeded(img.Build)
	}
	return refuse(ClassInstall, report.PhaseBoot, slots.CodeBootedOldSlot, "no system came up: %w", last)
}

// installRefusal tells a disk that is full or cannot be written from a package that cannot be installed.
func installRefusal(err error) *Refusal {
	switch _, own := errors.AsType[syscall.Errno](err); {
	case errors.Is(err, syscall.ENOSPC):
		return &Refusal{ClassHandset, report.PhaseInstall, codeNoSpace, err}
	case own:
		return &Refusal{ClassHandset, report.PhaseInstall, codeWrite, err}
	}
	return &Refusal{ClassInstall, report.PhaseInstall, slots.CodeOf(err), err}
}

// bootOld starts the system that is still there after the recovery refused the package.
func (c *Client) bootOld(r *Refusal) error {
	img, err := c.cfg.Slots.Boot()
	if err == nil {
		err = c.cfg.System.Boot(img)
	}
	r.Err = errors.Join(r.Err, err)
	return r
}

// bootSucceeded keeps the new system and begins to observe it.
func (c *Client) bootSucceeded(b slots.Build) error {
	if err := c.cfg.Slots.MarkSuccessful(); err != nil {
		return &Refusal{ClassHandset, report.PhaseBoot, codeWrite, err}
	}
	o := *c.mem.Offer
	c.mem.Previous, c.mem.Running, c.mem.Named, c.mem.Shown = c.mem.Leaving, b.Fingerprint, b.Fingerprint, 0
	c.mem.Counter = max(c.mem.Counter, o.Custom.Counter)
	c.mem.Release, c.mem.Effect, c.mem.Begun, c.mem.Tries = o.Custom.Release, o.Custom.Effect, "", 0
	c.mem.Tried, c.mem.Installs = "", 0
	c.discard()
	c.mem.Reason = ""
	c.progress(report.ProgressRunning, nil)
	c.enter(Observing, c.cfg.Now().Add(c.jitter(c.cfg.Poll, 10)))
	return nil
}
