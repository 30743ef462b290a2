// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"landed/server/blob"
)

func TestValidateNamesAllFaults(t *testing.T) {
	good := Config{Endpoint: "127.0.0.1:7070", Bucket: "packages", Prefix: "landed/blobs/", AccessKey: "a", SecretKey: "s", TempDir: t.TempDir()}
	if err := good.Validate(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"nothing given":   {func(c *Config) { *c = Config{} }, []string{"endpoint", "bucket", "access key", "secret key"}},
		"scheme":          {func(c *Config) { c.Endpoint = "https://s3.example" }, []string{"without a scheme"}},
		"path":            {func(c *Config) { c.Endpoint = "s3.example/packages" }, []string{"nothing else"}},
		"no port":         {func(c *Config) { c.Endpoint = "s3.example:" }, []string{"1 to 65535"}},
		"upper case":      {func(c *Config) { c.Bucket = "Packages" }, []string{"lower-case"}},
		"open prefix":     {func(c *Config) { c.Prefix = "landed" }, []string{"slash at its end"}},
		"leading slash":   {func(c *Config) { c.Prefix = "/landed/" }, []string{`the part ""`}},
		"way up":          {func(c *Config) { c.Prefix = "landed/../" }, []string{`the part ".."`}},
		"missing folder":  {func(c *Config) { c.TempDir += "/missing" }, []string{"folder for drafts"}},
		"several at once": {func(c *Config) { c.Bucket, c.Prefix = "x", "y" }, []string{"bucket", "prefix"}},
	} {
		cfg := good
		c.change(&cfg)
		err := cfg.Validate()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, wanted it to say %q", name, err, want)
			}
		}
		if err != nil && strings.Count(err.Error(), "\n")+1 != len(c.want) {
			t.Errorf("%s: %v, wanted %d faults", name, err, len(c.want))
		}
	}
}

func TestTranslateByCode(t *testing.T) {
	for _, c := range []struct {
		answer minio.ErrorResponse
		want   error
	}{
		{minio.ErrorResponse{Code: "NoSuchKey", StatusCode: 404}, blob.ErrNotFound},
		{minio.ErrorResponse{Code: "QuotaExceeded", StatusCode: 403}, blob.ErrNoSpace},
		{minio.ErrorResponse{Code: "XMinioStorageFull", StatusCode: 507}, blob.ErrNoSpace},
		{minio.ErrorResponse{Code: "Unheard", StatusCode: http.StatusInsufficientStorage}, blob.ErrNoSpace},
		{minio.ErrorResponse{Code: "NoSuchBucket", StatusCode: 404, Message: "NoSuchKey"}, nil},
		{minio.ErrorResponse{Code: "AccessDenied", StatusCode: 403}, nil},
	} {
		wrapped := fmt.Errorf("on the way: %w", c.answer)
		got := translate(wrapped)
		if _, ok := errors.AsType[minio.ErrorResponse](got); !ok {
			t.Errorf("%s: the cause is lost in %v", c.answer.Code, got)
		}
		for _, kind := range []error{blob.ErrNotFound, blob.ErrNoSpace} {
			if errors.Is(got, kind) != (kind == c.want) {
				t.Errorf("%s became %v, wanted %v", c.answer.Code, got, c.want)
			}
		}
	}
	if translate(nil) != nil {
		t.Error("no error became one")
	}
}

func TestPartLength(t *testing.T) {
	for _, size := range []int64{partSize + 1, 3 << 30, maxParts * partSize, maxParts*partSize + 1, 5 << 40} {
		n := partLength(size)
		if count := (size + n - 1) / n; n < partSize || count > maxParts {
			t.Errorf("%d bytes in %d parts of %d", size, count, n)
		}
	}
	if n := partLength(maxParts * partSize); n != partSize {
		t.Errorf("156 GiB in parts of %d, wanted %d", n, partSize)
	}
}
