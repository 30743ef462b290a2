// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"landed/server/store"
)

// databaseFlags say where the database is, if not in the data folder.
type databaseFlags struct{ control, reports string }

func (d *databaseFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&d.control, "database", "", "keep the fleet in this PostgreSQL database, postgres://user@host/name, not in "+
		"the data folder; a password is better in OTAD_DATABASE, or in a file that PGPASSFILE names")
	c.Flags().StringVar(&d.reports, "reports-database", "", "keep the reports in this one, apart from the rest: a flood of them then "+
		"fills another disk")
}

// address is what store.Open takes; "" is what the data folder says. Its errors name no address: there may be a password in it.
func (d *databaseFlags) address() (string, error) {
	if d.control == "" && d.reports != "" {
		return "", errors.New("--reports-database is for the reports of --database, which is not given")
	}
	var all []string
	for name, address := range map[string]string{"--database": d.control, "--reports-database": d.reports} {
		if address != "" && (!store.OnServer(address) || strings.ContainsAny(address, " \t\n")) {
			return "", errors.New(name + " is no address of a PostgreSQL database; wanted postgres://user@host:port/name, with what a " +
				"URL reserves written as %XX")
		}
	}
	for _, address := range []string{d.control, d.reports} {
		if address != "" {
			all = append(all, address)
		}
	}
	return strings.Join(all, " "), nil
}
