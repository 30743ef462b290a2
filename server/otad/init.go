// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"landed/server/datadir"
	"landed/server/fleet"
)

func initCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "init", Short: "Make a data folder: database, online keys, and the first admin's token",
		Args: cobra.NoArgs}
	data := dataFlag(c)
	admin := c.Flags().String("admin", "admin", "`name` of the first admin")
	var on databaseFlags
	on.flags(c)
	quiet := c.Flags().Bool("token-only", false, "print the token and nothing else")
	c.RunE = func(c *cobra.Command, _ []string) error {
		address, err := on.address()
		if err != nil {
			return err
		}
		secret, err := datadir.InitOn(c.Context(), *data, address, *admin, clock)
		if err != nil {
			return err
		}
		if *quiet {
			fmt.Fprintln(stdout, secret)
			return nil
		}
		fmt.Fprintf(stdout, `The data folder %s is ready.

Token of %s (admin), shown only now:

  %s

Next:
  1. Give %s to the people who hold the offline keys; otasign init needs it.
  2. Put the OTA certificates of your packages into %s/<channel>/.
  3. Start the server: otad serve --data %s
  4. Import what otasign wrote: otactl trust import FILE
`, *data, *admin, secret, filepath.Join(*data, "online.json"), filepath.Join(*data, "ota-keys"), *data)
		return nil
	}
	return c
}

func tokenCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Make tokens"}
	add := &cobra.Command{Use: "add NAME", Short: "Make a token and print it once; also beside a running server",
		Args: cobra.ExactArgs(1)}
	data := dataFlag(add)
	role := add.Flags().String("role", "support", "support, engineer or admin")
	add.RunE = func(c *cobra.Command, args []string) error {
		secret, err := datadir.AddToken(c.Context(), *data, args[0], fleet.Role(*role), clock)
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, secret)
		return nil
	}
	c.AddCommand(add)
	return c
}
