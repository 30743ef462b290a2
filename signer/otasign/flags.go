// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

var fiveNames = []string{"ann", "bo", "cy", "di", "ed"}

// makeFlags are those of every command that makes keys or metadata.
type makeFlags struct {
	folder      folder
	algorithm   string
	work        int
	life        ceremony.Life
	names       []string
	unpublished bool // of a change: what was signed beyond the trusted state was given up
}

// add adds the flags of a command that makes keys, and the lives of those roles that it writes.
func (m *makeFlags) add(c *cobra.Command, roles ...string) {
	m.addState(c, roles...)
	c.Flags().StringVar(&m.algorithm, "algorithm", string(keys.Ed25519), "`kind` of new keys: ed25519 or p256")
	c.Flags().IntVar(&m.work, "work", keys.DefaultWork, workUsage)
}

const workUsage = "how hard it is to guess the passphrase of a new key file: 2^`N` rounds of scrypt; " +
	"18 take about a second"

// addState adds the flags of every command that changes the trusted state.
func (m *makeFlags) addState(c *cobra.Command, roles ...string) {
	m.life = ceremony.DefaultLife()
	c.Flags().StringVar(&m.folder.dir, "dir", "ceremony", "`folder` of the ceremony; keys are kept in its keys folder")
	c.Flags().StringVar(&m.folder.out, "out", "", "`file` of the signed state that is read and replaced "+
		"(default DIR/trust.json)")
	for _, role := range roles {
		switch role {
		case tufrepo.Root:
			c.Flags().Var((*days)(&m.life.Root), "root-life", "how long a new root is valid, such as 365d")
		case tufrepo.Targets:
			c.Flags().Var((*days)(&m.life.Targets), "targets-life", "how long a new targets is valid, such as 180d")
		default:
			c.Flags().Var((*days)(&m.life.Builds), "builds-life", "how long new builds of a model are valid, such as 180d")
		}
	}
}

// above are the versions that a change passes over.
func (m *makeFlags) above(signed map[string]int64) map[string]int64 {
	if !m.unpublished {
		return nil
	}
	return signed
}

// days is a flag for a life: "180d", or hours as "12h".
type days time.Duration

func (d *days) String() string {
	if v := time.Duration(*d); v%(24*time.Hour) != 0 {
		return v.String()
	}
	return fmt.Sprintf("%dd", time.Duration(*d)/(24*time.Hour))
}

func (d *days) Type() string { return "days" }

func (d *days) Set(text string) error {
	v, err := time.ParseDuration(text)
	if n, ok := strings.CutSuffix(text, "d"); ok {
		var whole int
		whole, err = strconv.Atoi(n)
		v = time.Duration(whole) * 24 * time.Hour
	}
	if err != nil || v <= 0 || v > 10_000*24*time.Hour {
		return fmt.Errorf("%q is no life; wanted days, such as 180d, or hours, such as 12h", text)
	}
	*d = days(v)
	return nil
}
