// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/server/otactl/client"
)

func (a *app) signRequestCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "sign-request RELEASE -o FILE",
		Short: "Fetch what the signers have to sign",
		Long: "Stages the release if that was not done yet, and writes the request that is carried\n" +
			"to the signers, each of whom reviews and signs it with otasign.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.signRequest(cmd.Context(), args[0], first(out, requestName(args[0])))
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`file` to write (default RELEASE.request.json)")
	return c
}

func (a *app) signRequest(ctx context.Context, release, out string) error {
	server, err := a.server()
	if err != nil {
		return err
	}
	change, err := stagedChange(ctx, server, release)
	if err != nil {
		return err
	}
	text, err := server.ChangeRequest(ctx, change.ID)
	if err != nil {
		return err
	}
	request, err := tufrepo.ParseRequest(text)
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
	return a.answer(answer, func() {
		a.say("%s: %s, change %s", clean(out), clean(request.Title), clean(change.ID))
		for _, line := range request.Summary {
			a.say("  %s", clean(line))
		}
		a.sayChange("", change)
		a.say("Next, each signer: otasign sign %s --trust trust.json --packages DIR --ota-key CERT.pem --key FILE",
			clean(out))
		a.say("Then you: otactl sign-response RESPONSE.json...")
	})
}

// stagedChange is the open change of a release; it stages the release if there is none.
func stagedChange(ctx context.Context, server *client.Client, release string) (client.Change, error) {
	r, err := server.Release(ctx, release)
	if err != nil {
		return client.Change{}, err
	}
	if r.State == client.Staged {
		if change, err := server.Change(ctx, r.Change); err != nil || change.State == client.Open {
			return change, err
		}
	}
	return server.Stage(ctx, release) // refuses, in its own words, what is published already
}

func (a *app) signResponseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sign-response FILE...",
		Short: "Hand in what the signers sent back",
		Long: "Hands in each response and tells how many signatures there are. With the last one\n" +
			"that is needed the server publishes the release.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error { return a.signResponse(cmd.Context(), files) },
	}
}

// signed is what became of one response, for programs.
type signed struct {
	File   string         `json:"file"`
	Change *client.Change `json:"change,omitempty"`
	Spare  bool           `json:"spare,omitempty"` // the change had all its signatures already
	Error  *client.Error  `json:"error,omitempty"`
}

func (a *app) signResponse(ctx context.Context, files []string) error {
	responses, err := readResponses(files)
	if err != nil {
		return err
	}
	server, err := a.server()
	if err != nil {
		return err
	}
	all := []signed{}
	code := done
	for i, file := range files {
		one := signed{File: file}
		change, err := server.SendResponse(ctx, responses[i].Request, responses[i].Bytes())
		if e, ok := errors.AsType[*client.Error](err); ok && e.Code == "change_closed" {
			// Two of three had to sign, and all three did: nothing is wrong with the third.
			if now, nerr := server.Change(ctx, responses[i].Request); nerr == nil && now.State == client.Published {
				change, err, one.Spare = now, nil, true
			}
		}
		if err != nil {
			p := explain(err)
			one.Error = p.Error
			fmt.Fprintf(a.err, "otactl: %s: %s\n", clean(file), p.text())
			code = max(code, exitCode(err))
		} else {
			one.Change = &change
			if !a.json {
				a.sayResponse(one)
			}
		}
		all = append(all, one)
		if err != nil && !aboutPackage(err) {
			break
		}
	}
	if a.json {
		err = a.printJSON(map[string]any{"responses": all})
	}
	if code != done {
		return told(code)
	}
	return err
}

func (a *app) sayResponse(s signed) {
	if s.Spare {
		a.say("%s: not needed, the change is published already", clean(s.File))
		return
	}
	a.sayChange(clean(s.File)+": ", *s.Change)
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

// sayChange tells how far the signing is, a line per role.
func (a *app) sayChange(before string, c client.Change) {
	for _, r := range c.Roles {
		a.say("%s%s", before, clean(roleWords(r)))
	}
	if c.State != client.Open {
		a.say("%s%s", before, clean(c.State))
	}
}

// roleWords is "armani: 1 of 2 signatures (ann), missing one of bo, 0a1b2c3d4e5f".
func roleWords(r client.ChangeRole) string {
	if r.Need == 0 {
		return r.Role + ": nobody may sign for it any more, as the model is retired"
	}
	words := fmt.Sprintf("%s: %d of %s", r.Role, r.Have, plural(r.Need, "signature"))
	if len(r.SignedBy) > 0 {
		words += " (" + strings.Join(r.SignedBy, ", ") + ")"
	}
	left := r.Need - r.Have
	if left <= 0 || len(r.Missing) == 0 {
		return words
	}
	missing := r.MissingFrom
	if len(missing) == 0 { // of a server that tells key ids alone
		for _, id := range r.Missing {
			missing = append(missing, short(id))
		}
	}
	switch {
	case left >= len(missing):
		words += ", missing "
	case left == 1:
		words += ", missing one of "
	default:
		words += fmt.Sprintf(", missing %d of ", left)
	}
	return words + strings.Join(missing, ", ")
}
