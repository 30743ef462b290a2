// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"landed/server/fleet"
)

// half is one of the two schemas, with connections of its own: nothing that is done to one waits for the other.
type half struct {
	of      string
	where   string // host, port and name of the database
	writers *pgxpool.Pool
	readers *pgxpool.Pool
	beside  *pgxpool.Pool // reads for whoever writes the other half, so that no reader of a page is in his way
	turn    chan struct{} // holds a token while nobody here writes alone
}

const (
	committers = 2 // that take reports in, of one process
	maxReaders = 8
	maxWriters = committers + 2 // who writes alone, and Ready or a fence
	// connectWait is how long is waited for a connection.
	connectWait = 10 * time.Second
	// openTries is how often that is tried by a program that begins, of a database that answers nothing: it may be starting, or
	// busy with what it had not finished when its machine went down. One that refuses is told at once.
	openTries = 3
)

// Advisory locks (pg_advisory_xact_lock) are named by two numbers: "LAND", and what is locked.
const (
	lockSpace      = 0x4c414e44
	lockControl    = 1
	lockReports    = 2
	lockMigrations = 3
	lockShards     = 0x4c414e45 // a space of its own: the second number is the shard
	lockTrial      = 0x4c414e46 // to see if locks work: the second number is by chance
)

func lockOf(of string) int {
	if of == ofControl {
		return lockControl
	}
	return lockReports
}

func schemaOf(of string) string {
	if of == ofControl {
		return schemaOfControl
	}
	return schemaOfReports
}

// openHalf connects. program is what the server of the database lists its connections as.
func openHalf(ctx context.Context, address, of, program string) (h *half, err error) {
	h = &half{of: of, turn: make(chan struct{}, 1)}
	h.turn <- struct{}{}
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil { // its words have the address, which may have a password
		return nil, fleet.Errorf(fleet.Invalid, "database_address", "the address of the database cannot be read; wanted "+
			"postgres://user@host:port/name, with what a URL reserves written as %%XX")
	}
	c := cfg.ConnConfig
	h.where = fmt.Sprintf("%s/%s", net.JoinHostPort(c.Host, fmt.Sprint(c.Port)), c.Database)
	defer func() {
		if err != nil {
			h.close()
			err = h.wrap("open", err)
			h = nil
		}
	}()
	c.ConnectTimeout = min(max(c.ConnectTimeout, time.Second), connectWait)
	for name, value := range map[string]string{
		"search_path": schemaOf(of), "application_name": program + of,
		"default_transaction_isolation": "read committed",
		// A server that is gone must not hold a lock for hours.
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
		"idle_in_transaction_session_timeout": "600000",
	} {
		c.RuntimeParams[name] = value
	}
	cfg.MinConns, cfg.MaxConnIdleTime = 0, 5*time.Minute
	for _, pool := range []struct {
		into **pgxpool.Pool
		most int32
	}{{&h.writers, maxWriters}, {&h.readers, maxReaders}, {&h.beside, maxWriters}} {
		one := cfg.Copy()
		one.MaxConns = pool.most
		if *pool.into, err = pgxpool.NewWithConfig(ctx, one); err != nil {
			return h, kind(err)
		}
	}
	conn, err := h.writers.Acquire(ctx)
	for tries := 1; err != nil && pgconn.Timeout(err) && ctx.Err() == nil && tries < openTries; tries++ {
		conn, err = h.writers.Acquire(ctx)
	}
	if err != nil {
		return h, kind(err)
	}
	defer conn.Release()
	return h, errors.Join(durable(ctx, conn.Conn()), h.locks(ctx, conn.Conn()))
}

// durable refuses a server that acknowledges what is not on its disk.
func durable(ctx context.Context, conn *pgx.Conn) error {
	var commit, fsync, standby string
	if err := conn.QueryRow(ctx, `SELECT current_setting('synchronous_commit'), current_setting('fsync'),
		pg_is_in_recovery()::text`).Scan(&commit, &fsync, &standby); err != nil {
		return kind(err)
	}
	switch {
	case standby == "true":
		return fleet.Errorf(fleet.Forbidden, "database_standby", "this is a standby, which cannot be written; wanted the primary "+
			"(with several hosts in the address, add target_session_attrs=read-write)")
	case commit != "on" && commit != "remote_apply":
		return fleet.Errorf(fleet.Forbidden, "database_not_durable", "synchronous_commit is %s here, so what is acknowledged may be "+
			"lost; wanted on or remote_apply, for this user and database too (ALTER ROLE … SET, ALTER DATABASE … SET)", commit)
	case fsync != "on":
		return fleet.Errorf(fleet.Forbidden, "database_not_durable", "fsync is %s here, so what is acknowledged may be lost; wanted "+
			"on", fsync)
	}
	return nil
}

// locks refuses a server where a lock keeps nobody out, as some that speak the protocol of PostgreSQL have it: two servers
// would write control at once.
func (h *half) locks(ctx context.Context, conn *pgx.Conn) error {
	t, err := conn.Begin(ctx)
	if err != nil {
		return kind(err)
	}
	defer rollback(t)
	what := rand.Int32()
	var mine, others bool
	if err := t.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1::int, $2::int)`, lockTrial, what).Scan(&mine); err != nil {
		return kind(err)
	}
	if err := h.readers.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1::int, $2::int)`, lockTrial, what).Scan(&others); err != nil {
		return kind(err)
	}
	if !mine || others {
		return fleet.Errorf(fleet.Unsupported, "database_no_locks", "advisory locks keep nobody out here, so this is no PostgreSQL, or "+
			"a pooler is in between; wanted a PostgreSQL server itself")
	}
	return nil
}

// close waits for what runs, and lets go of everything; it may be called again.
func (h *half) close() {
	for _, p := range []*pgxpool.Pool{h.writers, h.beside, h.readers} {
		if p != nil {
			p.Close()
		}
	}
}

// ready says if the half answers, and if a write reaches its disk. It waits for nobody's turn.
func (h *half) ready(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	_, err := h.writers.Exec(wait, `INSERT INTO probe AS p (one, n) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET n = p.n + 1`)
	if err != nil && wait.Err() != nil {
		return fleet.Errorf(fleet.Busy, "database_busy", "the database has not answered meanwhile")
	}
	if err != nil {
		return fmt.Errorf("the database cannot be written: %w", kind(err))
	}
	return nil
}
