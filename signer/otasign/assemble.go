// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

func (c *ceremonies) assembleCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "assemble REQUEST RESPONSE...",
		Short: "Put the signatures of several people together",
		Long: "For changes of keys or models; releases are put together by the server. A trust file that\n" +
			"is there already is replaced only by a state that follows from it. With signatures missing it says\n" +
			"whose, and writes nothing.",
		Example: "  otasign assemble request-1a2b3c4d.json ann.json di.json --out ceremony/trust.json",
		Args:    wants("REQUEST..."),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := load(args[0], tufrepo.ParseRequest)
			if err != nil {
				return err
			}
			var answers []tufrepo.Response
			for _, path := range args[1:] {
				answer, err := load(path, tufrepo.ParseResponse)
				if err != nil {
					return err
				}
				answers = append(answers, answer)
			}
			bundle, progress, err := ceremony.Assemble(r, time.Now(), answers...)
			if err != nil {
				return refusal{err}
			}
			names := withNames(tufrepo.Bundle{}, r.Names, namesAround(out, args[0])).Names
			c.term.lines("  ", progressWords(progress, names)...)
			if len(bundle.Files) == 0 {
				return refusal{errors.New("signatures are missing; nothing was written")}
			}
			if err := checkSuccessor(out, bundle); err != nil {
				return err
			}
			if err := keys.Replace(out, withNames(bundle, names).Bytes(), 0o644); err != nil {
				return err
			}
			c.term.say("Complete; wrote the new state to %s. Send it to the server.", out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "trust.json", "write the signed state to this `file`")
	return cmd
}

// checkSuccessor refuses to replace a trust file by a state that does not follow from it: a request is
// whatever somebody sent.
func checkSuccessor(path string, b tufrepo.Bundle) error {
	trusted, err := loadTrust(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	next, err := b.Set()
	if err != nil {
		return err
	}
	if _, _, err := ceremony.Refresh(ceremony.RefreshParams{Now: time.Now(), Trusted: trusted, Seen: next}); err != nil {
		return refusal{fmt.Errorf("%s stays as it was: %w", path, err)}
	}
	return nil
}

// progressWords say who still has to sign: by name, as far as names knows the keys. A new root is counted
// twice, by its own keys and by those of the root before.
func progressWords(list []tufrepo.Progress, names map[string]string) (lines []string) {
	roots := []string{" by the new root's keys", " by the keys of the root before"}
	for _, p := range list {
		by := ""
		if p.Role == tufrepo.Root && len(roots) > 0 {
			by, roots = roots[0], roots[1:]
		}
		if p.Done() {
			lines = append(lines, fmt.Sprintf("%s: %d of %d signatures%s.", p.Role, p.Have, p.Need, by))
			continue
		}
		var left []string
		for _, id := range p.Missing {
			left = append(left, cmp.Or(names[id], id[:min(len(id), 8)]))
		}
		slices.Sort(left)
		lines = append(lines, fmt.Sprintf("%s: %d of %d signatures%s; wanted %d of: %s.", p.Role, p.Have, p.Need, by,
			p.Need-p.Have, strings.Join(left, ", ")))
	}
	return lines
}
