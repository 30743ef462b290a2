// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// Config says where the bucket is and who asks.
type Config struct {
	Endpoint string // host or host:port, without a scheme: "s3.eu-central-1.amazonaws.com", "127.0.0.1:7070"
	Bucket   string // 3 to 63 characters
	Prefix   string // put before every key: empty, or names that each end with a slash: "landed/blobs/"
	Region   string // empty: the store is asked for it

	AccessKey string
	SecretKey string

	// TLS is HTTPS. Without it the keys are still never sent, but contents go in the clear.
	TLS bool

	// TempDir holds drafts until they are committed, and needs room for the largest packages that
	// are uploaded at one time. Empty: the system's folder for temporary files, which is often
	// memory.
	TempDir string

	// CreateBucket makes the bucket if it is missing. Without it a missing bucket is an error: in
	// production a bucket is made by the person who decides on its place, access and backup, and a
	// slip in its name should not become a second bucket.
	CreateBucket bool
}

// Validate finds all faults that can be seen without asking the store, joined.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("s3: "+format, args...)) }

	if err := checkEndpoint(c.Endpoint); err != nil {
		fault("endpoint %q: %w", c.Endpoint, err)
	}
	if n := len(c.Bucket); n < 3 || n > 63 || strings.Trim(c.Bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		fault("bucket %q: wanted 3 to 63 lower-case letters, digits, dots and hyphens", c.Bucket)
	}
	if err := checkPrefix(c.Prefix); err != nil {
		fault("prefix %q: %w", c.Prefix, err)
	}
	if c.AccessKey == "" {
		fault("access key is missing")
	}
	if c.SecretKey == "" {
		fault("secret key is missing")
	}
	if c.TempDir != "" {
		if fi, err := os.Stat(c.TempDir); err != nil {
			fault("folder for drafts: %w", err)
		} else if !fi.IsDir() {
			fault("folder for drafts: %s is a file", c.TempDir)
		}
	}
	return errors.Join(faults...)
}

func checkEndpoint(endpoint string) error {
	switch {
	case endpoint == "":
		return errors.New("missing; wanted host or host:port")
	case strings.Contains(endpoint, "://"):
		return errors.New("wanted host or host:port without a scheme; TLS chooses between https and http")
	case strings.ContainsAny(endpoint, "/?#@ "):
		return errors.New("wanted host or host:port and nothing else")
	case !strings.Contains(endpoint, ":"):
		return nil
	}
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		return err
	}
	if n, err := strconv.ParseUint(port, 10, 16); host == "" || err != nil || n == 0 {
		return errors.New("wanted a host and a port from 1 to 65535")
	}
	return nil
}

func checkPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	names, ok := strings.CutSuffix(prefix, "/")
	if !ok {
		return errors.New("wanted a slash at its end")
	}
	for name := range strings.SplitSeq(names, "/") {
		if name == "" || name == "." || name == ".." {
			return fmt.Errorf("it has the part %q; wanted names", name)
		}
	}
	if len(prefix) > 512 {
		return fmt.Errorf("%d bytes; wanted at most 512", len(prefix))
	}
	return nil
}
