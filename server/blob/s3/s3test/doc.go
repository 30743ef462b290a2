// SPDX-License-Identifier: Apache-2.0

// Package s3test runs the contract of package blobtest on blob/s3 against a real S3 server, versitygw,
// which it starts inside the test. It is a module of its own, so that the hundreds of packages of that
// server never become dependencies of the product:
//
//	cd server/blob/s3/s3test && go test ./...
//
// The first run compiles the server, which takes some minutes; later ones take seconds. It needs a
// file system with user extended attributes for the folder of temporary files, where versitygw keeps
// its metadata. The package promises nothing and holds only tests.
package s3test
