// SPDX-License-Identifier: Apache-2.0

// Package publish takes a fix from the engineer's upload to the feed.
//
// Parties: release engineers upload packages and write releases; offline signers receive a
// request and send back signatures; package intake asks for new offers when a rollout moves;
// handsets read the folder that is written here.
//
// It promises that what is refused leaves nothing behind, and that all findings come at once;
// that versions come from the database, in the transaction that records the change, and are
// never used twice; that the whole workflow of a client is run over a staged state before it
// is published; that payloads are written before roles, roles before the snapshot, and the
// timestamp last, so that a listed file is never missing. The database is the truth: what a
// crash left unwritten in the folder is written at the next start.
//
// It refuses to hold an offline key, to count one key twice, and to offer a build that the
// offline role of its model does not list.
package publish
