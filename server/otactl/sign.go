// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/server/otactl/client"
)

// signing are the commands that carry files between the server and its signers.
type signing struct {
	server *connection
	out    *printer
}

func (g *signing) requestCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "sign-request RELEASE -o FILE",
		Short: "Fetch what the signers have to sign",
		Long: "Stages the release if that was not done yet, and writes the request that is carried\n" +
			"to the signers, each of whom reviews and signs it with otasign.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.request(cmd.Context(), args[0], first(out, requestName(args[0])))
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`file` to write (default RELEASE.request.json)")
	return c
}

func (g *signing) request(ctx context.Context, release, out string) error {
	server, err := g.server.client()
	if err != nil {
		return err
	}
	change, err := stagedChange(ctx, server, release)
	if err != nil {
		return err
	}
	text, err := server.Changes().Request(ctx, change.ID)
	if err != nil {
		return err
	}
	parsed, err := tufrepo.ParseRequest(text)
	if err != nil {
		return fmt.Errorf("the server gave a request that no signer would take: %w", err)
	}
	if err := writeNew(out, text, 0o644); err != nil {
		return err
	}
	answer := struct {
		File   string        `json:"file"`
		Change client.Change `json:"change"`
	}{out, change}
	return g.out.answer(answer, func() {
		g.out.say("%s: %s, change %s", out, parsed.Title, change.ID)
		g.out.lines("  ", parsed.Summary...)
		g.out.lines("", changeWords(change)...)
		g.out.say("Next, each signer: otasign sign %s --trust trust.json --packages DIR --ota-key CERT.pem --key FILE",
			out)
		g.out.say("Then you: otactl sign-response RESPONSE.json...")
	})
}

// stagedChange is the open change of a release; it stages the release if there is none.
func stagedChange(ctx context.Context, server *client.Client, release string) (client.Change, error) {
	r, err := server.Releases().Get(ctx, release)
	if err != nil {
		return client.Change{}, err
	}
	if r.State == client.Staged {
		if change, err := server.Changes().Get(ctx, r.Change); err != nil || change.State == client.Open {
			return change, err
		}
	}
	return server.Releases().Stage(ctx, release) // refuses, in its own words, what is published already
}

func (g *signing) responseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sign-response FILE...",
		Short: "Hand in what the signers sent back",
		Long: "Hands in each response and tells how many signatures there are. With the last one\n" +
			"that is needed the server publishes the release.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error { return g.respond(cmd.Context(), files) },
	}
}

// signed is what became of one response, for programs.
type signed struct {
	File   string         `json:"file"`
	Change *client.Change `json:"change,omitempty"`
	Spare  bool           `json:"spare,omitempty"` // the change had all its signatures already
	Error  *client.Error  `json:"error,omitempty"`
}

func (g *signing) respond(ctx context.Context, files []string) error {
	responses, err := readResponses(files)
	if err != nil {
		return err
	}
	server, err := g.server.client()
	if err != nil {
		return err
	}
	all := []signed{}
	code := done
	for i, file := range files {
		one := signed{File: file}
		change, err := server.Changes().Respond(ctx, responses[i].Request, responses[i].Bytes())
		if e, ok := errors.AsType[*client.Error](err); ok && e.Code == "change_closed" {
			// Two of three had to sign, and all three did: nothing is wrong with the third.
			if now, nerr := server.Changes().Get(ctx, responses[i].Request); nerr == nil && now.State == client.Published {
				change, err, one.Spare = now, nil, true
			}
		}
		if err != nil {
			p := explain(err)
			one.Error = p.Error
			g.out.complain("%s: %s", file, p.text())
			code = max(code, exitCode(err))
		} else {
			one.Change = &change
			if !g.out.json {
				g.sayResponse(one)
			}
		}
		all = append(all, one)
		if err != nil && !aboutPackage(err) {
			break
		}
	}
	if g.out.json {
		err = g.out.value(map[string]any{"responses": all})
	}
	if code != done {
		return told(code)
	}
	return err
}

func (g *signing) sayResponse(s signed) {
	if s.Spare {
		g.out.say("%s: not needed, the change is published already", s.File)
		return
	}
	g.out.lines(s.File+": ", changeWords(*s.Change)...)
}

// readResponses reads all files, and names all that cannot be read, before any is handed in.
func readResponses(files []string) ([]tufrepo.Response, error) {
	var all []tufrepo.Response
	var faults []error
	for _, file := range files {
		text, err := readFile(file, 1<<20)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		r, err := tufrepo.ParseResponse(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", file, err))
		}
		all = append(all, r)
	}
	return all, errors.Join(faults...)
}
