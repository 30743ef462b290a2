// SPDX-License-Identifier: Apache-2.0

package otapkg

import "strings"

// HelpPage is the page of the documentation that has a row for each code. It is written by
//
//	go test ./manifests/otapkg -run TestFindingsPage -update
//
// out of the constants with their comments, their usual levels, and what stands here.
const HelpPage = "docs/operate/findings.md"

// Help is the place of the row of c, below the root of the project.
func (c Code) Help() string { return HelpPage + "#" + c.anchor() }

func (c Code) anchor() string { return strings.ToLower(string(c)) }

// remedies says what to do about each code. A finding's own Fix is about the case at hand.
var remedies = map[Code]string{
	ZipNot:      "Upload the whole file; compare its length and SHA-256 with those of the build machine.",
	ZipFastboot: "Upload the OTA package of the build; an image set for a cable is no OTA.",
	ZipTwoDir:   "Build and sign the package again. If you did not make it: somebody hid an archive in another.",
	ZipPrefix:   "Build the package again; nothing may stand before its first entry.",
	ZipTrail:    "Download or copy the file again; something was appended to it.",
	ZipDup:      "Rename one of the two; phones do not agree on which of them counts.",
	ZipMismatch: "Build the package again with the release tools; something changed it after it was packed.",
	ZipOverlap:  "Build the package again. No tool packs so: ask where the file comes from.",
	ZipGap:      "Pack it again without the bytes that belong to no entry (after aligning or patching: sign it again).",
	ZipPath:     "Rename the entry, or leave it out.",
	ZipBomb:     "Leave out what is too large, or split it; the finding names the limit.",
	ZipMethod:   "Pack it with stored and deflated entries, not encrypted, as one file.",

	SigNone:    "Sign the whole file: `signapk -w`.",
	SigJarOnly: "Sign the whole file: `signapk -w`. `jarsigner` and `apksigner` do not.",
	SigBad:     "Upload the file as it was signed, or sign it again; nothing may change it afterwards.",
	SigKey:     "Sign with the release key of the channel, or have its certificate pinned for the channel.",
	SigPublic:  "Sign with a key that only you have. Channel `lab` takes published keys, with a warning.",
	SigAlg:     "Sign with the very certificate that phones pin; its own signature decides the hash.",
	SigSHA1:    "Sign with a certificate that is signed over SHA-256.",
	SigCert:    "Sign the package again with `signapk`, which puts the right certificate into both places.",
	SigSize:    "Sign the package again with one key.",

	MetaMissing: "Build the package with the release tools, which write the key.",
	MetaSplit:   "Build the package again; do not edit one half of its metadata.",
	MetaType:    "Choose the package that the updater of the model installs. One that erases the phone is never taken.",
	MetaSerial:  "Build it without serial numbers; a release is for every phone of a model.",
	MetaFP:      "Build with release keys and as `user`; give one fingerprint for each device.",
	DevUnknown:  "Correct `pre-device`, or add the model: `otactl model add FILE`.",
	DevModel:    "Choose the package of the model.",
	DevAssert: "Let the script assert `ro.product.device` for exactly the devices of `pre-device`; where it accepts a name " +
		"that nobody here knows, a second person agrees that it is another name of the same phones.",
	DevName: "Check that this is the package that you meant.",
	NameMD5: "Compare the file with the one that the build made: it was renamed or damaged.",

	VerSame: "Build all packages of a version from the same target files; a changed build gets a new version. What is here " +
		"and in no release can be removed: `otactl package remove`.",
	VerOld:      "Upload the newer build, or choose another channel.",
	VerFuture:   "Check the clock of the build machine.",
	DownFlag:    "A second person agrees. It needs `pre-build`, or recovery refuses it.",
	DownUnpatch: "Build it again from the patched tree.",
	Wipe:        "A second person agrees; if the parts of the package contradict each other, build it again.",
	BootWrite:   "A second person agrees: recovery cannot undo a failure there.",
	DataWrite:   "Read what it writes or runs, and tell the signers; where nobody can read that, a second person agrees.",
	IncSource:   "Build the incremental from the build that phones run.",
	IncAlone:    "Upload the full package of the same build before the release is made.",

	ABStored:   "Store the entry (`zip -0`), as the release tools do.",
	ABOrder:    "Put stored entries first, as `signapk` does.",
	ABMagic:    "Build the payload again; the entry was damaged or is something else.",
	ABMajor:    "Build it with the release tools of Android 7 or later.",
	ABMinor:    "Build it with one set of release tools, for the phones' version of update_engine.",
	ABHash:     "Build the package again; payload and properties are of two builds, or damaged.",
	ABSig:      "Sign the payload and then the zip, with one key.",
	ABProps:    "Let the release tools write the offsets after everything else is in place.",
	ABKeys:     "Leave the property out; it would change how every phone downloads.",
	ABTime:     "Build the package again; payload and metadata are of two builds.",
	ABRange:    "Build the payload again; it was damaged or made to write where it must not.",
	BlkList:    "Nothing yet: no finding has this code.",
	FamBlock:   "None of the models here installs it yet; keep it with its own updater.",
	FamUnknown: "Upload the OTA package itself.",

	"ZIP-STREAM": "Pack it with a tool that knows the sizes beforehand, such as `signapk`, if recovery is to read it.",
	"AB-NEWER":   "Make sure that the phones' version of update_engine knows it; a second person agrees if this program does not.",
	"AB-PARTIAL": "Name the source build (`pre-build`); a partial update fits no other.",
}
