// SPDX-License-Identifier: Apache-2.0

package mkfixture

import (
	"bufio"
	"context"
	"crypto/md5" // part of the maker's file names; proves nothing
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	fixtures "landed/firmware-fixtures"
	"landed/internal/durable"
)

// writeWhole writes a file that appears whole or not at all. If out is a folder, the file gets the name that name
// makes of its MD5. It returns where the file is.
func writeWhole(
	ctx context.Context, out string, name func(md5 string) string, write func(io.Writer) error,
) (path string, err error) {
	dir, base := filepath.Split(out)
	info, statErr := os.Stat(out)
	inFolder := statErr == nil && info.IsDir()
	if inFolder {
		dir = out
	}
	file, err := durable.Create(filepath.Clean(dir), 0o644)
	if err != nil {
		return "", err
	}
	defer file.Discard()
	sum := md5.New()
	buf := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<20)
	if err := errors.Join(write(&interruptible{ctx, buf}), buf.Flush()); err != nil {
		return "", err
	}
	if inFolder {
		base = name(fmt.Sprintf("%x", sum.Sum(nil)))
	}
	if err := file.Replace(base); err != nil {
		return "", err
	}
	return filepath.Join(dir, base), file.SyncFolder()
}

// interruptible stops writing once ctx ends, so that Ctrl-C leaves no temporary file.
type interruptible struct {
	ctx context.Context
	w   io.Writer
}

func (i *interruptible) Write(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, fmt.Errorf("interrupted, nothing written: %w", err)
	}
	return i.w.Write(p)
}

func keyCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "key -o DIR",
		Short: "Make a fresh RSA-2048 OTA key and its certificate",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := fixtures.NewKey(nil)
			if err != nil {
				return err
			}
			private, err := k.KeyPEM()
			if err != nil {
				return err
			}
			if err := os.MkdirAll(out, 0o700); err != nil {
				return err
			}
			keyPath, certPath := filepath.Join(out, "ota.key.pem"), filepath.Join(out, "ota.cert.pem")
			if err := writeNew(keyPath, private, 0o600); err != nil {
				return err
			}
			if err := writeNew(certPath, k.CertPEM(), 0o644); err != nil {
				return errors.Join(err, os.Remove(keyPath))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n", keyPath, certPath)
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "folder; made if it is not there")
	cobra.CheckErr(cmd.MarkFlagRequired("output"))
	return cmd
}

// writeNew writes a file that must not exist yet.
func writeNew(path string, data []byte, mode os.FileMode) error {
	err := durable.WriteNew(path, data, mode)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists; a key is never overwritten", path)
	}
	return err
}
