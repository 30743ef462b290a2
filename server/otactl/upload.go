// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"landed/manifests/otapkg"
	"landed/server/otactl/client"
)

func (a *app) uploadCommand() *cobra.Command {
	var channel, name string
	c := &cobra.Command{
		Use:   "upload FILE...",
		Short: "Upload packages and show every finding",
		Long: "Sends each package to the server, which reads it once and either keeps it or refuses\n" +
			"it. Every finding is shown. What is refused leaves nothing behind; the other files are\n" +
			"uploaded all the same.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if name != "" && len(files) > 1 {
				return fmt.Errorf("--name renames one file, and %d are given; upload them one by one", len(files))
			}
			return a.upload(cmd.Context(), files, channel, name)
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

func (a *app) upload(ctx context.Context, files []string, channel, name string) error {
	server, err := a.server()
	if err != nil {
		return err
	}
	if err := readable(files); err != nil {
		return err
	}
	all := []uploaded{}
	code := done
	for _, file := range files {
		p, err := a.uploadOne(ctx, server, file, channel, first(name, filepath.Base(file)))
		if err != nil {
			problem := explain(err)
			a.sayRefused(file, problem)
			all = append(all, uploaded{File: file, Error: problem.Error})
			code = max(code, exitCode(err))
			if !aboutPackage(err) {
				break // the next file would meet the same
			}
			continue
		}
		all = append(all, uploaded{File: file, Package: &p})
		if !a.json {
			a.sayUploaded(p)
		}
	}
	if a.json {
		err = a.printJSON(map[string]any{"uploads": all})
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

// aboutPackage says that err speaks of one package, not of the way to the server.
func aboutPackage(err error) bool {
	e, ok := errors.AsType[*client.Error](err)
	return ok && e.Status/100 == 4 && e.Status != 401 && e.Status != 403
}

func (a *app) uploadOne(
	ctx context.Context, server *client.Client, file, channel, name string,
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
	progress, end := a.bar(name, info.Size())
	defer end()
	return server.Upload(ctx, name, channel, f, info.Size(), progress)
}

// bar shows how much is gone, if somebody is there to see it.
func (a *app) bar(name string, size int64) (progress func(int64), end func()) {
	screen, ok := a.err.(interface {
		io.Writer
		Fd() uintptr
	})
	if !ok || !term.IsTerminal(int(screen.Fd())) {
		return nil, func() {}
	}
	b := progressbar.NewOptions64(size, progressbar.OptionSetWriter(screen), progressbar.OptionSetDescription(clean(name)),
		progressbar.OptionShowBytes(true), progressbar.OptionFullWidth(), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())
	// A bar that cannot be drawn must not end an upload.
	return func(sent int64) { _ = b.Set64(sent) }, func() { _ = b.Finish() }
}

func (a *app) sayUploaded(p client.Package) {
	a.say("%s", clean(p.Name))
	if p.Known {
		a.say("  already here, uploaded by %s on %s UTC; nothing was stored", clean(p.By), when(p.At))
	}
	a.say("  SHA-256  %s", clean(p.SHA256))
	for _, one := range append([]client.Package{p}, p.Also...) {
		a.say("  model    %s, image %s, channel %s", clean(one.Model), clean(one.Variant), clean(one.Channel))
	}
	a.say("  build    %s of %s", clean(p.Build.Incremental), when(time.Unix(p.Build.UTC, 0)))
	a.say("  size     %s (%d bytes)", size(p.Size), p.Size)
	if len(p.PreBuilds) > 0 {
		a.say("  from     %s", plural(len(p.PreBuilds), "source build"))
	}
	a.findings(a.out, p.Findings)
}

func (a *app) sayRefused(file string, p problem) {
	if len(p.Findings) == 0 || a.json {
		fmt.Fprintf(a.err, "otactl: %s: %s\n", clean(file), p.text())
		return
	}
	a.say("%s", clean(file))
	a.say("  REFUSED  nothing was stored")
	a.findings(a.out, p.Findings)
}

// findings prints each in words: "refuse SIG-KEY  sentence  What to do."
func (a *app) findings(w io.Writer, all otapkg.Findings) {
	for _, f := range all {
		fmt.Fprintf(w, "  %-8s %s: %s", clean(string(f.Level)), clean(string(f.Code)), clean(f.Message))
		if f.Fix != "" {
			fmt.Fprintf(w, " %s", clean(f.Fix))
		}
		fmt.Fprintln(w)
	}
}
