// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

func (g *packages) uploadCommand() *cobra.Command {
	var channel, name string
	c := &cobra.Command{
		Use:   "upload FILE...",
		Short: "Upload packages and show every finding",
		Long: "Sends each package to the server, which reads it once and either keeps it or refuses\n" +
			"it. Every finding is shown. What is refused leaves nothing behind; the other files are\n" +
			"uploaded all the same. A file of the size of one that is there is hashed first, and sent\n" +
			"only if it is another one.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if name != "" && len(files) > 1 {
				return fmt.Errorf("--name renames one file, and %d are given; upload them one by one", len(files))
			}
			return g.upload(cmd.Context(), files, channel, name)
		},
	}
	c.Flags().StringVar(&channel, "channel", "stable", "channel that the packages are for (otactl channel list)")
	c.Flags().StringVar(&name, "name", "", "file name to keep it under (default the name of FILE)")
	return c
}

// uploaded is what became of one file, for programs.
type uploaded struct {
	File    string          `json:"file"`
	Package *client.Package `json:"package,omitempty"`
	Error   *client.Error   `json:"error,omitempty"`
}

func (g *packages) upload(ctx context.Context, files []string, channel, name string) error {
	server, err := g.server.client()
	if err != nil {
		return err
	}
	if err := readable(files); err != nil {
		return err
	}
	here, err := server.Packages().List(ctx)
	if err != nil {
		return err
	}
	all := []uploaded{}
	code := done
	for _, file := range files {
		p, err := g.uploadOne(ctx, server.Packages(), here, file, channel, first(name, filepath.Base(file)))
		if err != nil {
			problem := explain(err)
			g.sayRefused(file, problem)
			all = append(all, uploaded{File: file, Error: problem.Error})
			code = max(code, exitCode(err))
			if !aboutPackage(err) {
				break // the next file would meet the same
			}
			continue
		}
		all = append(all, uploaded{File: file, Package: &p})
		if !g.out.json {
			g.sayStored(p)
		}
	}
	if g.out.json {
		err = g.out.value(map[string]any{"uploads": all})
	}
	if code != done {
		return told(code)
	}
	return err
}

// readable names every file that cannot be uploaded, before the first one is.
func readable(files []string) error {
	var faults []error
	for _, file := range files {
		info, err := os.Stat(file)
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s is no regular file; wanted an OTA package", file)
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

func (g *packages) uploadOne(
	ctx context.Context, all client.Packages, here []client.Package, file, channel, name string,
) (client.Package, error) {
	f, err := os.Open(file)
	if err != nil {
		return client.Package{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return client.Package{}, err
	}
	if slices.ContainsFunc(here, func(p client.Package) bool { return p.Size == info.Size() }) {
		digest, err := digestOf(f) // to read a file costs less than to send it
		if err != nil {
			return client.Package{}, err
		}
		all = all.Stating(digest)
	}
	progress, end := g.out.bar(name, info.Size())
	defer end()
	return all.Upload(ctx, name, channel, f, info.Size(), progress)
}

// digestOf is the SHA-256 of a file, which is read from its beginning again afterwards.
func digestOf(f *os.File) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	_, err := f.Seek(0, io.SeekStart)
	return hex.EncodeToString(sum.Sum(nil)), err
}

func (g *packages) sayStored(p client.Package) {
	g.out.say("%s", p.Name)
	if p.Known {
		g.out.say("  already here, uploaded by %s on %s UTC; nothing was stored", p.By, when(p.At))
	}
	g.out.say("  SHA-256  %s", p.SHA256)
	for _, one := range append([]client.Package{p}, p.Also...) {
		g.out.say("  model    %s, image %s, channel %s", one.Model, one.Variant, one.Channel)
	}
	g.out.say("  build    %s of %s", p.Build.Incremental, when(time.Unix(p.Build.UTC, 0)))
	g.out.say("  size     %s (%d bytes)", size(p.Size), p.Size)
	if len(p.PreBuilds) > 0 {
		g.out.say("  from     %s", plural(len(p.PreBuilds), "source build"))
	}
	g.out.lines("", findingWords(p.Findings)...)
}

func (g *packages) sayRefused(file string, p problem) {
	if len(p.Findings) == 0 || g.out.json {
		g.out.complain("%s: %s", file, p.text())
		return
	}
	g.out.say("%s", file)
	g.out.say("  REFUSED  nothing was stored")
	g.out.lines("", findingWords(p.Findings)...)
}
