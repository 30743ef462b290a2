// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"landed/server"
	"landed/server/datadir"
	"landed/server/store"
)

func copyCommand(stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "copy", Short: "Move the fleet from the data folder to PostgreSQL, or back",
		Long: "Copies every row of the database of a fleet to another one, proves that it is the same, and has the data folder\n" +
			"keep its fleet there from then on. One of --from and --to is the data folder, the other postgres://….\n\n" +
			"Run it first beside the server: fsck reads the source, and most of the reports are copied. It ends by asking that\n" +
			"the server is ended. End it (on every machine that has the database), and run the same command again: it copies\n" +
			"what is left, holds each row against its source, runs fsck on the copy, and switches the folder over, all of it or\n" +
			"nothing. Whatever cuts it off, run the same command again. Then start the server as ever.\n\n" +
			"A destination with rows of its own is never written. The database that was left takes no more writes; files are\n" +
			"moved aside and kept.", Args: cobra.NoArgs}
	var t transfer
	f := c.Flags()
	f.StringVar(&t.from, "from", "", "the data `folder`, or postgres://user@host/name; a password is better in OTAD_FROM, or in a "+
		"file that PGPASSFILE names")
	f.StringVar(&t.to, "to", "", "where it goes: postgres://user@host/name, or the data `folder`")
	f.StringVar(&t.reports, "reports-database", "", "the reports lie in this PostgreSQL database, apart from the rest")
	f.BoolVar(&t.faulty, "with-faults", false, "go on if fsck finds faults in the source: the copy has them, too")
	t.o.s3Flags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		t.out, t.err = stdout, stderr
		return t.run(c.Context())
	}
	return c
}

// transfer is one run of the command.
type transfer struct {
	from, to, reports string
	faulty            bool
	o                 options
	out, err          io.Writer
	dir               datadir.Dir
	move              datadir.Move
	known             []string // faults of the source
}

func (t *transfer) run(ctx context.Context) error {
	if err := t.plan(ctx); err != nil {
		return err
	}
	if t.move.Done {
		return t.switchOver(ctx)
	}
	if err := t.source(ctx); err != nil {
		return err
	}
	c, err := t.move.Begin(ctx, clock)
	if err != nil {
		return err
	}
	defer c.Close()
	c.Tell = t.tell
	t.say("the reports, beside a server if one runs")
	if err := c.Reports(ctx); err != nil {
		return fmt.Errorf("%w (run the same command again: it goes on where it was)", err)
	}
	unlock, err := t.dir.Lock()
	if err != nil {
		return fmt.Errorf("what has come so far is copied, and the rest is copied while nothing is written: end the server, and run the "+
			"same command again: %w", err)
	}
	defer unlock()
	t.say("what is left, while nothing is written")
	if err := c.Finish(ctx, func() error { return t.proven(ctx) }); err != nil {
		return err
	}
	c.Close()
	return t.switchOver(ctx)
}

// plan says which of both is the folder. Its errors name no address: there may be a password in it.
func (t *transfer) plan(ctx context.Context) (err error) {
	out, in := store.OnServer(t.to), store.OnServer(t.from)
	server := &t.to
	if in {
		server = &t.from
	}
	switch {
	case t.from == "" || t.to == "":
		return errors.New("wanted --from and --to: the data folder, and postgres://user@host/name")
	case out == in:
		return errors.New("one of --from and --to is the data folder, and the other a PostgreSQL database, postgres://user@host/name")
	}
	on := databaseFlags{*server, t.reports}
	if *server, err = on.address(); err != nil {
		return err
	}
	if out {
		t.dir = datadir.Dir(t.from)
		t.move, err = t.dir.MoveOut(t.to)
		return err
	}
	t.dir = datadir.Dir(t.to)
	t.move, err = t.dir.MoveIn(ctx, t.from, clock)
	return err
}

func (t *transfer) say(what string) { fmt.Fprintln(t.err, "copy:", what) }

func (t *transfer) tell(d store.Taken) {
	t.say(fmt.Sprintf("%s.%s: %d rows, %d written, %d taken out, digest %.16s", d.Half, d.Table, d.Rows, d.Written, d.Removed, d.Digest))
}

// source looks for faults of the source: a copy would have them, and nobody would know since when.
func (t *transfer) source(ctx context.Context) (err error) {
	if t.known, err = t.fsck(ctx, t.move.From, "the source"); err != nil || len(t.known) == 0 {
		return err
	}
	for _, f := range t.known {
		fmt.Fprintln(t.out, f)
	}
	if !t.faulty {
		return fmt.Errorf("%d faults in the source; nothing was copied. Mend them first, or go on with --with-faults", len(t.known))
	}
	return nil
}

// proven runs fsck on the copy: what the source has not is its fault.
func (t *transfer) proven(ctx context.Context) error {
	found, err := t.fsck(ctx, t.move.To, "the copy")
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(f string) bool { return slices.Contains(t.known, f) })
	for _, f := range found {
		fmt.Fprintln(t.out, f)
	}
	if len(found) > 0 {
		return fmt.Errorf("%d faults in the copy that the source has not; the folder keeps its fleet where it was", len(found))
	}
	return nil
}

func (t *transfer) fsck(ctx context.Context, address, what string) (faults []string, err error) {
	cfg, err := t.o.config(slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return nil, err
	}
	cfg.DataDir, cfg.Database, cfg.ReadOnly = string(t.dir), address, true
	s, err := server.New(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	found, err := s.Check(ctx, nil, 0, func(words string) { t.say(what + ": " + words) })
	return found.Faults, err
}

// switchOver is the end, also of a run that was cut off just before it.
func (t *transfer) switchOver(ctx context.Context) error {
	t.say("the folder is switched over")
	aside, err := t.move.Switch(ctx, clock)
	if err != nil {
		return fmt.Errorf("%w (run the same command again: everything is copied, and this is left)", err)
	}
	where := "on the server, and its address in the file database"
	if !store.OnServer(t.move.To) {
		where = "in the folder"
	}
	fmt.Fprintf(t.out, "The fleet of %s is %s.\n", strings.TrimRight(string(t.dir), "/"), where)
	if aside != "" {
		fmt.Fprintf(t.out, "The files that were left are kept as %s and beside it. Nothing is written to them any more.\n", aside)
	}
	fmt.Fprintf(t.out, "Next: otad serve --data %s\n", t.dir)
	return nil
}
