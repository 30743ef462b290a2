// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"landed/server/fleet"
	"landed/server/store/postgres"
	"landed/server/store/rows"
	"landed/server/store/sqlite"
)

// Taken is what became of one table when a database was copied.
type Taken = rows.Taken

// Copying is a fleet on its way from one database to another, whatever the engines are. Whatever ends it, it is begun again
// with the same two addresses and goes on where it was.
type Copying struct {
	from, to rows.Movable
	closers  []func() error
	fleet    string // that is copied
	Tell     func(Taken)
}

func openToCopy(ctx context.Context, address string, now func() time.Time, mayMake bool, options ...Option) (
	rows.Movable, func() error, error,
) {
	if OnServer(address) {
		db, err := postgres.OpenToCopy(ctx, address, now, options...)
		if err != nil {
			return nil, nil, err
		}
		return db, db.Close, nil
	}
	db, err := sqlite.OpenToCopy(ctx, strings.TrimPrefix(address, "sqlite:"), now, mayMake, options...)
	if err != nil {
		return nil, nil, err
	}
	return db, db.Close, nil
}

// BeginCopy opens both databases. The one at to, which is made if it is not there, is marked as a copy that is not finished:
// Open refuses it until Finish. One with rows that is no copy of this fleet is refused, and one that went on by itself.
func BeginCopy(ctx context.Context, from, to string, now func() time.Time, options ...Option) (c *Copying, err error) {
	c = &Copying{Tell: func(Taken) {}}
	defer func() {
		if err != nil {
			c.Close()
			c = nil
		}
	}()
	var end func() error
	if c.from, end, err = openToCopy(ctx, from, now, false, options...); err != nil {
		return c, fmt.Errorf("the database to copy from: %w", err)
	}
	c.closers = append(c.closers, end)
	mark, err := c.from.Mark(ctx)
	if err != nil {
		return c, err
	}
	if strings.HasPrefix(mark, rows.Unfinished) {
		return c, fmt.Errorf("the database to copy from: %w", rows.ErrUnfinished)
	}
	if c.fleet, err = rows.Fleet(ctx, c.from); err != nil {
		return c, err
	}
	if c.to, end, err = openToCopy(ctx, to, now, true, options...); err != nil {
		return c, fmt.Errorf("the database to copy to: %w", err)
	}
	c.closers = append(c.closers, end)
	if err := c.mayBegin(ctx); err != nil {
		return c, err
	}
	return c, c.to.SetMark(ctx, rows.Unfinished+c.fleet)
}

// mayBegin refuses to overwrite what is no copy of this fleet.
func (c *Copying) mayBegin(ctx context.Context) error {
	mark, err := c.to.Mark(ctx)
	if err != nil {
		return err
	}
	switch strings.TrimPrefix(strings.TrimPrefix(mark, rows.Unfinished), rows.Finished) {
	case c.fleet:
		ahead, err := rows.Ahead(ctx, c.from, c.to)
		if err == nil && len(ahead) > 0 {
			err = fleet.Errorf(fleet.Conflict, "copy_ahead", "the database to copy to went on by itself: it has more than that to copy "+
				"from (%s). Nothing was changed; find out who serves it", strings.Join(ahead, "; "))
		}
		return err
	case "":
	default:
		return fleet.Errorf(fleet.Conflict, "copy_of_another", "the database to copy to is a copy of another fleet. Nothing was changed; "+
			"choose an empty one")
	}
	found, err := rows.Filled(ctx, c.to)
	if err == nil && len(found) > 0 {
		err = fleet.Errorf(fleet.Conflict, "copy_not_empty", "the database to copy to has rows already (%s), and is no unfinished copy of "+
			"this fleet. Nothing was changed; choose an empty one", strings.Join(found, ", "))
	}
	return err
}

// Reports copies the reports beside a running server. What changes meanwhile is for Finish.
func (c *Copying) Reports(ctx context.Context) error {
	return rows.TakeReports(ctx, c.from, c.to, c.Tell)
}

// Finish copies what is left while nothing is written to the source, holds every row of both against each other, and has
// check look at the copy, which can be opened then. If that is satisfied the source refuses every later write. Servers of
// the source must have ended.
func (c *Copying) Finish(ctx context.Context, check func() error) error {
	n, err := c.from.Servers(ctx)
	for try := 0; err == nil && n > 0 && try < 10; try++ { // who has just ended may still be listed
		time.Sleep(100 * time.Millisecond)
		n, err = c.from.Servers(ctx)
	}
	if err == nil && n > 0 {
		err = fleet.Errorf(fleet.Conflict, "copy_served", "%d connections of otad are open to the database to copy from. End every otad "+
			"that has it, on whichever machine, and run the same command again; what has come so far stays", n)
	}
	if err != nil {
		return err
	}
	return c.from.Alone(ctx, rows.Control, func(control rows.Querier) error {
		return c.from.Alone(ctx, rows.Reports, func(reports rows.Querier) error {
			if err := rows.TakeControl(ctx, c.from, c.to, c.Tell); err != nil {
				return err
			}
			if err := rows.TakeReports(ctx, c.from, c.to, c.Tell); err != nil {
				return err
			}
			differ, err := rows.Compare(ctx, c.from, c.to)
			if err == nil && len(differ) > 0 {
				err = fmt.Errorf("the copy is not what it is of: %s. The source is as it was; run the same command again, and if it says "+
					"this again, begin with another empty database", strings.Join(differ, "; "))
			}
			if err == nil {
				err = c.to.SetMark(ctx, rows.Finished+c.fleet)
			}
			if err == nil {
				err = check()
			}
			if err != nil {
				return fmt.Errorf("%w%s", err, c.unfinished(ctx))
			}
			if err := c.from.Shut(ctx, rows.Reports, reports); err != nil {
				return err
			}
			return c.from.Shut(ctx, rows.Control, control)
		})
	})
}

// unfinished marks the copy again, and says so if it cannot.
func (c *Copying) unfinished(ctx context.Context) string {
	if err := c.to.SetMark(context.WithoutCancel(ctx), rows.Unfinished+c.fleet); err != nil {
		return fmt.Sprintf("; and the copy could not be marked as unfinished (%v): do not serve it", err)
	}
	return ""
}

// Close closes both.
func (c *Copying) Close() {
	for _, end := range c.closers {
		end()
	}
	c.closers = nil
}

// Unmark takes the mark of a finished copy away, once it is what is served.
func Unmark(ctx context.Context, address string, now func() time.Time, options ...Option) error {
	db, end, err := openToCopy(ctx, address, now, false, options...)
	if err != nil {
		return err
	}
	defer end()
	mark, err := db.Mark(ctx)
	if err == nil && strings.HasPrefix(mark, rows.Finished) {
		err = db.SetMark(ctx, "")
	}
	return err
}

// IsCopy says if a database is a finished copy of another one that is still marked so.
func IsCopy(ctx context.Context, address string, now func() time.Time, options ...Option) (bool, error) {
	db, end, err := openToCopy(ctx, address, now, false, options...)
	if err != nil {
		return false, err
	}
	defer end()
	mark, err := db.Mark(ctx)
	return strings.HasPrefix(mark, rows.Finished), err
}
