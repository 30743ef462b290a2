// SPDX-License-Identifier: Apache-2.0

package otapkg

// The zip itself.
const (
	ZipNot      Code = "ZIP-NOT"      // no zip directory at the end of the file
	ZipFastboot Code = "ZIP-FASTBOOT" // an image set for flashing by cable
	ZipTwoDir   Code = "ZIP-TWODIR"   // a second zip directory inside the comment
	ZipPrefix   Code = "ZIP-PREFIX"   // bytes before the first entry
	ZipTrail    Code = "ZIP-TRAIL"    // bytes after the archive
	ZipDup      Code = "ZIP-DUP"      // a name occurs twice, also in another spelling of case or path
	ZipMismatch Code = "ZIP-MISMATCH" // the directory and an entry's own header or content disagree
	ZipOverlap  Code = "ZIP-OVERLAP"  // two entries share bytes
	ZipGap      Code = "ZIP-GAP"      // bytes that belong to nothing
	ZipPath     Code = "ZIP-PATH"     // a name or link that could leave the package
	ZipBomb     Code = "ZIP-BOMB"     // more content than the limits allow
	ZipStream   Code = "ZIP-STREAM"   // written as a stream; refused if recovery could not read it
	ZipMethod   Code = "ZIP-METHOD"   // encryption, several disks, or a method other than stored and deflated
)

// The whole-file signature.
const (
	SigNone    Code = "SIG-NONE"    // no whole-file signature
	SigJarOnly Code = "SIG-JARONLY" // entries signed, file not
	SigBad     Code = "SIG-BAD"     // the signature does not fit the content
	SigKey     Code = "SIG-KEY"     // good, but by a key that is not pinned
	SigPublic  Code = "SIG-PUBLIC"  // by a key whose private half is published
	SigAlg     Code = "SIG-ALG"     // recovery cannot check this kind of key, or takes another hash from the pinned certificate
	SigSHA1    Code = "SIG-SHA1"    // SHA-1 where the model could do better
	SigCert    Code = "SIG-CERT"    // the certificates in the package are not that of the signer
	SigSize    Code = "SIG-SIZE"    // footer and directory disagree, or not exactly one signer
)

// Metadata and the devices it names.
const (
	MetaMissing Code = "META-MISSING" // a key without which nobody can tell whom the package is for
	MetaSplit   Code = "META-SPLIT"   // text and protobuf, two lines, or metadata and the image disagree
	MetaType    Code = "META-TYPE"    // ota-type contradicts the content, or erases the device
	MetaSerial  Code = "META-SERIAL"  // restricted to serial numbers
	MetaFP      Code = "META-FP"      // a fingerprint that cannot be read or is no release build
	DevUnknown  Code = "DEV-UNKNOWN"  // a device that is not in the catalogue
	DevModel    Code = "DEV-MODEL"    // not for the model that the caller expects
	DevAssert   Code = "DEV-ASSERT"   // the script accepts other devices than the metadata, or any, or cannot be understood
	DevName     Code = "DEV-NAME"     // the file name speaks of another device or version
	NameMD5     Code = "NAME-MD5"     // the file name promises another MD5
)

// Versions and effects on the phone.
const (
	VerSame     Code = "VER-SAME"     // judged by the server: a known version that leads to other bytes, or may
	VerOld      Code = "VER-OLD"      // judged by the server: older than the channel's newest
	VerFuture   Code = "VER-FUTURE"   // built later than tomorrow; the server refuses it outside the lab
	DownFlag    Code = "DOWN-FLAG"    // says that it moves phones back
	DownUnpatch Code = "DOWN-UNPATCH" // judged by the server: would undo the patch
	Wipe        Code = "WIPE"         // erases user data; refused if the package contradicts itself about it
	BootWrite   Code = "BOOT-WRITE"   // writes bootloader, modem or recovery
	DataWrite   Code = "DATA-WRITE"   // writes into user data or runs programs of its own; approve if nobody can read where it writes
	IncSource   Code = "INC-SOURCE"   // an incremental whose source build cannot be right
	IncAlone    Code = "INC-ALONE"    // judged by the server: an incremental without a full package of its build
)

// A/B packages, block-based packages, and what is neither.
const (
	ABStored   Code = "AB-STORED"   // streamed entries are compressed
	ABOrder    Code = "AB-ORDER"    // a data descriptor lies before payload.bin
	ABMagic    Code = "AB-MAGIC"    // payload.bin is no payload, or its manifest cannot be read
	ABMajor    Code = "AB-MAJOR"    // payload format other than 2
	ABMinor    Code = "AB-MINOR"    // minor version and operations disagree
	ABNewer    Code = "AB-NEWER"    // uses what not every update_engine knows; approve if this program does not know it
	ABPartial  Code = "AB-PARTIAL"  // updates some partitions only; refused without a source build
	ABHash     Code = "AB-HASH"     // stated hashes or sizes are not those of the payload
	ABSig      Code = "AB-SIG"      // payload or metadata signature missing or by another key
	ABProps    Code = "AB-PROPS"    // stated offsets are not the real ones
	ABKeys     Code = "AB-KEYS"     // a payload property that a package may not set
	ABTime     Code = "AB-TIME"     // payload and metadata disagree about build time or patch level
	ABRange    Code = "AB-RANGE"    // operation data or partitions out of range
	BlkList    Code = "BLK-LIST"    // reserved for block-based packages
	FamBlock   Code = "FAM-BLOCK"   // block-based packages are not supported yet
	FamUnknown Code = "FAM-UNKNOWN" // neither payload.bin, transfer lists, nor a script with files
)

// usualLevel is the level of a finding of this code unless the case at hand makes it worse or better.
func usualLevel(c Code) Level {
	switch c {
	case ZipStream, SigSHA1, DevName, NameMD5, VerFuture, DataWrite, IncAlone, ABOrder, ABNewer, ABPartial:
		return Warn
	case DownFlag, Wipe, BootWrite:
		return Approve
	}
	return Refuse
}
