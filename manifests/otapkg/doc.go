// SPDX-License-Identifier: Apache-2.0

// Package otapkg reads an Android OTA package and says what it is and what is wrong with it.
//
// Parties. The server inspects what a release engineer uploads, the signer inspects its own copy before
// a person signs, the handset inspects what it downloaded before it installs. All three get the same
// [Facts] and [Findings] from the same bytes.
//
// Promises. Every finding is reported, not the first one; the bytes are never altered; each byte is
// hashed in one sequential pass, and each compressed entry unpacked to its end beside it; memory stays
// below 64 MiB whatever the package claims, and the work within what its size allows. A package is
// taken for hostile: no size, count or offset in it is believed before it is compared with the file,
// every structure has a cap, and the zip directory is read strictly from the raw bytes, because
// archive/zip accepts archives that other readers understand differently.
//
// Refusals. A package signed by a key that was never pinned, or by a key that the world has; a zip that
// two readers could read as two packages; metadata that says one thing in text and another in protobuf;
// a payload, the first or another, whose hashes, offsets or signatures are not those that the package states, or
// the data of whose operations are not those of its manifest. Block-based packages (Android 5 and later without
// A/B slots) are recognised and refused as not supported yet.
//
// What is not known here is never called impossible: types of operations and minor versions of a payload that are
// newer than this program ask for a second person's agreement. What the data of a payload unpack to is left to the
// phone, which compares it before it switches slots.
//
// Not judged here, because it takes more than the file and a [Policy]: what the server already holds
// (VER-SAME, VER-OLD, INC-ALONE, DOWN-UNPATCH, a source build that is not in the catalogue of builds).
// Their codes are defined here all the same, so that every code has one home.
//
// The reader passed in must not change while it is inspected.
package otapkg
