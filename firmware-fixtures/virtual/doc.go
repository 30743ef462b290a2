// SPDX-License-Identifier: Apache-2.0

// Package virtual is the firmware of a simulated handset: what it does about Cloud Messaging, read out of
// the files that an installed image carries and nothing beside them: build.prop, etc/cloud_messaging.conf, and, if the
// image has an app backup, etc/app_backup.conf.
//
// Parties. A Phone runs an Image and keeps its userdata in a State, which survives an update and is wiped by
// a factory reset. Whatever a real handset would send to the maker's activation service goes to the Activation
// port; Observer is that service for a simulation, and the traffic capture of a laboratory at the same time.
// Answers is what the image says about itself, for a report: it answers by name what it
// is asked, and leaves out what it does not know; Truth is what is really so, for comparing.
//
// The behaviour follows two axes: whether a SIM is registered with the service (per slot, by itself or by the
// user), and the messaging switch (with who set it). Beside them stands one record of consent. The app backup is a
// service of its own, which sends the list of installed apps once a day.
//
// What is promised: no clock, no random source, no goroutine: the same events at the same times give the same
// state. Identifiers are kinds, never values: no number, IMEI or name exists anywhere in a simulation.
// What is refused: an image with unknown keys, or with keys missing, which a handset could not boot either.
//
// A Phone serves one goroutine; Observer serves many.
package virtual
