// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"landed/server/datadir"
	"landed/server/fleet"
)

func backupCommand(stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "backup FILE", Short: "Write the data folder to one file, also beside a running server",
		Long: "Writes a consistent copy of the database, the pinned certificates and the published metadata to FILE, a tar\n" +
			"archive that appears whole. The keys are left out unless --with-keys is given: whoever has them can sign and\n" +
			"write records as this server. Packages are left out unless --with-packages is given: they can be uploaded again.",
		Args: cobra.ExactArgs(1)}
	data := dataFlag(c)
	var o datadir.BackupOptions
	c.Flags().BoolVar(&o.Keys, "with-keys", false, "put the online keys in; keep FILE as you keep them")
	c.Flags().BoolVar(&o.Packages, "with-packages", false, "put the contents of packages in")
	c.Flags().BoolVar(&o.Alone, "without-reports", false, "leave the reports out: for a folder whose reports cannot be read")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := datadir.Dir(*data).Backup(c.Context(), args[0], o, clock); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s is written.\n", args[0])
		if o.Alone {
			fmt.Fprintln(stderr, "Warning: the reports are NOT in it. Keep the last backup that has them: otad restore --reports takes "+
				"them from it.")
		}
		if !o.Keys {
			fmt.Fprintln(stdout, "The online keys are not in it: keep a copy of keys/ elsewhere, or rotate them after a restore. "+
				"Nor is\nkeys/records.key: without it nobody can tell after a restore if another hand added to the records.")
		}
		if !o.Packages {
			fmt.Fprintln(stdout, "The contents of packages are not in it: keep blobs/ elsewhere, or upload the files again.")
		}
		return nil
	}
	return c
}

func restoreCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "restore FILE", Short: "Bring a backup back into a data folder that no server uses",
		Long: "Brings a backup back. With --reports, only the reports of it: for a folder whose file of reports is lost or damaged.\n" +
			"What people decided since is kept then, and what came after the backup is put on record as lost (--reason). A restore\n" +
			"that was cut off is run again.", Args: cobra.ExactArgs(1)}
	data := dataFlag(c)
	force := c.Flags().Bool("force", false, "also into a folder that is not empty: its database is moved aside, its feed stays")
	reports := c.Flags().Bool("reports", false, "bring the reports back and nothing else")
	var why replacing
	why.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if *reports {
			done, err := datadir.Dir(*data).RestoreReports(c.Context(), args[0], whoAmI(why.by), why.reason, clock)
			if err == nil {
				tellReplaced(stdout, *data, done)
			}
			return err
		}
		done, err := datadir.Dir(*data).Restore(c.Context(), args[0], *force, clock)
		if err != nil {
			return err
		}
		tellRestored(stdout, *data, done)
		return nil
	}
	return c
}

func restoredCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "restored --backup-of TIME --reason WHY",
		Short: "Say that the database was put back by other means than otad restore",
		Long: "Says that the database was put back from a dump of PostgreSQL, or as a copy of its files: from the next start on the\n" +
			"server publishes nothing but halts until a person says what was lost, and passes over the versions that handsets may\n" +
			"have seen. Say it before that start, on one server if there are several, and start that one first.", Args: cobra.NoArgs}
	data := dataFlag(c)
	var reason, of string
	c.Flags().StringVar(&reason, "reason", "", "from what it was put back, in `words`; kept in the audit trail")
	c.Flags().StringVar(&of, "backup-of", "", "`time` of the dump or copy, as RFC 3339 has it")
	c.RunE = func(*cobra.Command, []string) error {
		at, err := time.Parse(time.RFC3339, of)
		if err != nil {
			return fmt.Errorf("--backup-of is %q; wanted a time such as 2026-11-26T03:00:00Z", of)
		}
		if err := datadir.SayRestored(datadir.Dir(*data), at, reason, clock()); err != nil {
			return err
		}
		next := steps(stdout)
		next("Start the server: otad serve --data %s", *data)
		next("Say what was lost: otactl restore show; otactl restore name --until TIME --reason WHY")
		return nil
	}
	return c
}

func tellRestored(stdout io.Writer, data string, done datadir.Restored) {
	fmt.Fprintf(stdout, "%s is as it was on %s: %d lines of the trail and %d reports are sealed in it.\n", data,
		done.At.Format(time.RFC3339), done.Head[fleet.TreeAudit], done.Head[fleet.TreeReports])
	fmt.Fprintln(stdout, "What was lost: reports, rollout changes, tokens and uploads that came later. Handsets do not send again "+
		"by\nthemselves what was acknowledged; \"otactl fleet ask\" brings back what each of them said last.")
	if done.Aside != "" {
		fmt.Fprintf(stdout, "The database that was here is kept as %s.\n", done.Aside)
	}
	next := steps(stdout)
	if !done.Reports {
		next("Bring the reports back, which this backup does not have: otad restore FILE --reports --reason WHY --data %s,\n     or begin "+
			"without them: otad reports begin --reason WHY --data %[1]s", data)
	}
	if !done.Keys {
		next("Put the online keys into %s/keys (0600), or make new ones and rotate: otad keys renew.", data)
	}
	if done.Records != "" {
		next("Look at the records: %s.\n     If their key is lost, or the backup is older than it: otad keys records --data %s "+
			"--reason WHY. What was written before\n     is covered by the heads of the trees alone then.", done.Records, data)
	}
	next("If handsets saw a newer feed, put it into %s/feed before the first start: versions go on above it, a halt "+
		"stays a halt,\n     and rollouts that this database does not know come back halted.", data)
	next("Start the server: otad serve --data %s", data)
	next("Say what was lost: the server publishes nothing but halts until somebody does (otactl " +
		"restore\n     show; otactl restore name --until TIME --reason WHY).")
	if len(done.Missing) > 0 {
		next("Upload again the %d packages whose content is not here:", len(done.Missing))
		for _, m := range done.Missing {
			fmt.Fprintf(stdout, "       %s\n", m)
		}
	}
	next("Ask handsets for the reports that were lost, once the server is up: otactl fleet ask --again --reason WHY")
	next("Check who may enter (otactl token list: tokens that were revoked later are back), what is halted (otactl "+
		"rollout status),\n     and what is stored (otad fsck --data %s).", data)
}

// steps tells what to do next, numbered.
func steps(stdout io.Writer) func(format string, args ...any) {
	fmt.Fprintln(stdout, "\nNext:")
	n := 0
	return func(format string, args ...any) {
		n++
		fmt.Fprintf(stdout, "  %d. %s\n", n, fmt.Sprintf(format, args...))
	}
}
