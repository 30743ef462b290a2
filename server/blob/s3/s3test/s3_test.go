// SPDX-License-Identifier: Apache-2.0

package s3test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"

	"landed/server/blob"
	"landed/server/blob/blobtest"
	"landed/server/blob/s3"
)

const (
	access = "test-access"
	secret = "test-secret-of-some-length"
	region = "us-east-1"
)

// The gateway that all tests share: versitygw allows one in a process.
var (
	endpoint   string
	gatewayDir string
)

func TestMain(m *testing.M) {
	code, err := withGateway(m.Run)
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

func withGateway(run func() int) (int, error) {
	var err error
	if gatewayDir, err = folder(); err != nil {
		return 0, err
	}
	defer os.RemoveAll(gatewayDir)
	backend, err := posix.New(gatewayDir, meta.XattrMeta{}, posix.PosixOpts{})
	if err != nil {
		return 0, err
	}
	if endpoint, err = freeAddress(); err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
			RootUserAccess: access, RootUserSecret: secret, Region: region,
			Ports: []string{endpoint}, Quiet: true,
			MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10000,
		})
	}()
	if err := answering(endpoint, ended); err != nil {
		stop()
		return 0, err
	}
	code := run()
	stop()
	return code, <-ended
}

// folder makes one where files can have extended attributes, which the gateway needs: a /tmp in
// memory may have none.
func folder() (string, error) {
	var faults error
	for _, parent := range []string{os.TempDir(), "/var/tmp", "."} {
		dir, err := os.MkdirTemp(parent, "s3test-*")
		if err == nil {
			if err = (meta.XattrMeta{}).Test(dir); err == nil {
				return filepath.Abs(dir)
			}
			err = errors.Join(err, os.RemoveAll(dir))
		}
		faults = errors.Join(faults, fmt.Errorf("%s: %w", parent, err))
	}
	return "", fmt.Errorf("nowhere can files have extended attributes; set TMPDIR to a folder where they can: %w", faults)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// answering waits until the gateway takes connections, or has ended.
func answering(addr string, ended <-chan error) error {
	deadline := time.After(time.Minute)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		if c, err := net.Dial("tcp", addr); err == nil {
			return c.Close()
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the gateway ended at once: %w", err)
		case <-deadline:
			return errors.New("the gateway does not answer")
		case <-again.C:
		}
	}
}

var buckets atomic.Int64

// config names a bucket that does not exist yet.
func config() s3.Config {
	return s3.Config{
		Endpoint: endpoint, Region: region, AccessKey: access, SecretKey: secret,
		Bucket: fmt.Sprintf("bucket-%d", buckets.Add(1)), CreateBucket: true,
	}
}

func open(t *testing.T, cfg s3.Config) *s3.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	for _, prefix := range []string{"", "landed/blobs/"} {
		t.Run("prefix="+prefix, func(t *testing.T) {
			blobtest.Run(t, func(t *testing.T) func(t *testing.T) blob.Store {
				cfg := config()
				cfg.Prefix = prefix
				cfg.TempDir = t.TempDir()
				t.Cleanup(func() {
					if left, err := os.ReadDir(cfg.TempDir); err != nil || len(left) != 0 {
						t.Errorf("%v left in the folder for drafts, %v", left, err)
					}
				})
				return func(t *testing.T) blob.Store { return open(t, cfg) }
			})
		})
	}
}

// One bucket for two stores, and for somebody else's objects.
func TestPrefixesAreApart(t *testing.T) {
	cfg := config()
	cfg.Prefix = "a/"
	a := open(t, cfg)
	cfg.Prefix = "a/b/"
	b := open(t, cfg)
	ref := blobtest.Put(t, a, []byte("in a"))
	blobtest.Put(t, b, []byte("in b"))
	if err := os.WriteFile(filepath.Join(gatewayDir, cfg.Bucket, "a", "README"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []blob.Ref
	for info, err := range a.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, info.Ref)
	}
	if len(got) != 1 || got[0] != ref {
		t.Errorf("List of a: %v, wanted %s alone", got, ref)
	}
	if _, err := b.Stat(t.Context(), ref); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("content of a looked up in b: %v", err)
	}
}

// The client asks for at most 1,000 names at a time.
func TestListOfSeveralPages(t *testing.T) {
	cfg := config()
	s := open(t, cfg)
	const n = 1_050
	for i := range n { // written behind the gateway's back, which is quicker
		ref := blobtest.RefOf(fmt.Append(nil, i))
		if err := os.WriteFile(filepath.Join(gatewayDir, cfg.Bucket, string(ref)), fmt.Append(nil, i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var last blob.Ref
	found := 0
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if info.Ref <= last {
			t.Errorf("%s after %s", info.Ref, last)
		}
		last = info.Ref
		found++
	}
	if found != n {
		t.Errorf("%d contents, wanted %d", found, n)
	}
}

// Two stores are past the first look and send the same content: the condition on the upload decides,
// for one request and for several parts.
func TestUploadIsConditional(t *testing.T) {
	for _, size := range []int{5000, 17 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			cfg := config()
			first := open(t, cfg)
			b := blobtest.Bytes(1, size)
			ref := blobtest.RefOf(b)
			cfg.Endpoint = blindProxy(t, "/"+cfg.Bucket+"/"+string(ref))
			late := open(t, cfg)
			d, err := late.Create(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer d.Abort()
			if _, err := d.Write(blobtest.Bytes(2, size)); err != nil {
				t.Fatal(err)
			}
			blobtest.Put(t, first, b)
			if _, err := d.Commit(t.Context(), ref); err != nil {
				t.Errorf("Commit of what exists by then: %v", err)
			}
			if err := blob.Verify(t.Context(), first, ref); err != nil {
				t.Errorf("the old bytes were replaced: %v", err)
			}
		})
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	missing := config()
	missing.CreateBucket = false
	wrongKey := config()
	wrongKey.SecretKey = "not the secret"
	for what, c := range map[string]struct {
		cfg  s3.Config
		want string
	}{
		"missing bucket": {missing, "does not exist; make it, or correct its name"},
		"wrong secret":   {wrongKey, "bucket " + wrongKey.Bucket},
	} {
		if _, err := s3.Open(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, wanted it to say %q", what, err, c.want)
		}
	}
	cfg := config()
	open(t, cfg)
	open(t, cfg) // it exists by now
}
