// SPDX-License-Identifier: Apache-2.0

// Package virtual is the firmware of a simulated handset: what it does about Cloud Messaging, read out of
// the two files that an installed image carries (build.prop, etc/cloud_messaging.conf) and nothing beside them.
//
// Parties. A Phone runs an Image and keeps its userdata in a State, which survives an update and is wiped by
// a factory reset. Whatever a real handset would send to the maker's activation service goes to the Activation
// port; Observer is that service for a simulation, and the traffic capture of a laboratory at the same time.
// Observe is what the image says about itself, for a report; Truth is what is really so, for comparing.
//
// The behaviour follows two axes: whether a SIM is registered with the service (per slot, by itself or by the
// user), and the messaging switch (with who set it). Beside them stands one record of consent.
//
// What is promised: no clock, no random source, no goroutine: the same events at the same times give the same
// state. Identifiers are kinds, never values: no number, IMEI or name exists anywhere in a simulation.
// What is refused: an image with unknown keys, or with keys missing, which a handset could not boot either.
//
// A Phone serves one goroutine; Observer serves many.
package virtual
