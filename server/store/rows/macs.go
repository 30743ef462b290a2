// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"landed/server/fleet"
)

// Key makes the MACs of records and of lines of the audit trail, so that a hand that has the database alone can add
// neither. All servers of a database share it; it is never in the database. Nil makes none.
type Key []byte

// KeySize is the length of a Key in bytes.
const KeySize = 32

// Option changes how a database is opened.
type Option func(*Options)

// Options are what was asked for.
type Options struct{ Key Key }

// WithKey has records and lines of the trail carry MACs by a key.
func WithKey(k Key) Option { return func(o *Options) { o.Key = k } }

// Chosen puts options together.
func Chosen(all []Option) (o Options) {
	for _, one := range all {
		one(&o)
	}
	return o
}

// CodeKeyMissing is of writing to a database whose records carry MACs without their key.
const CodeKeyMissing = "records_key_missing"

// chained are the tables whose rows carry a MAC, with the columns that it is over. The rows of each are a chain:
// MAC = HMAC-SHA256(key, table, the MAC of the row before, the columns), each part with its length before it. The first
// row of a key goes on from "".
var chained = map[fleet.Tree]string{
	fleet.TreeRecords: `kind, key, sha256`,
	fleet.TreeAudit:   `at, actor, action, subject, reason`,
}

func (k Key) mac(table fleet.Tree, before string, columns ...string) string {
	h := hmac.New(sha256.New, k)
	hashPart(h, "table", []byte(table))
	hashPart(h, "before", []byte(before))
	for _, c := range columns {
		hashPart(h, "column", []byte(c))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// chain is where rows are appended that carry MACs.
type chain struct {
	q    Runner
	key  Key
	anew bool // the next row is the first of the key
}

// next is the MAC of the row that is about to be appended to a table; "" without a key.
func (c chain) next(ctx context.Context, table fleet.Tree, columns ...string) (string, error) {
	var before string
	err := c.q.Row(ctx, []any{&before}, `SELECT mac FROM `+string(table)+` ORDER BY n DESC LIMIT 1`)
	if err != nil && !errors.Is(err, ErrNoRows) {
		return "", err
	}
	switch {
	case c.key == nil && before != "":
		return "", fleet.Errorf(fleet.Forbidden, CodeKeyMissing, "the records of this database are written with a key that is not "+
			"here: put keys/records.key back, or, if it is lost, make another one (otad keys records)")
	case c.key == nil:
		return "", nil
	case c.anew:
		before = ""
	}
	return c.key.mac(table, before, columns...), nil
}

// record appends that a row has a digest.
func (c chain) record(ctx context.Context, kind, key, sum string) error {
	mac, err := c.next(ctx, fleet.TreeRecords, kind, key, sum)
	if err != nil {
		return err
	}
	_, err = c.q.Exec(ctx, `INSERT INTO records (kind, key, sha256, mac) VALUES ($1, $2, $3, $4)`, kind, key, sum, mac)
	return err
}

// line appends a line to the trail.
func (c chain) line(ctx context.Context, e fleet.AuditEntry) error {
	at := millis(e.At)
	mac, err := c.next(ctx, fleet.TreeAudit, strconv.FormatInt(at, 10), e.Actor, e.Action, e.Subject, e.Reason)
	if err != nil {
		return err
	}
	_, err = c.q.Exec(ctx, `INSERT INTO audit (at, actor, action, subject, reason, mac) VALUES ($1, $2, $3, $4, $5, $6)`, at,
		e.Actor, e.Action, e.Subject, e.Reason, mac)
	return err
}

// keyed is a transaction that knows the key.
type keyed struct {
	Querier
	key Key
}

// With has what a transaction records carry MACs.
func With(k Key, t *Tx) *Tx {
	t.control = keyed{t.control, k}
	return t
}

// chainOf is where a noun appends.
func chainOf(q Querier) chain {
	if k, ok := q.(keyed); ok {
		return chain{q: k.Querier, key: k.key}
	}
	return chain{q: q}
}

// verified is what the MACs of a table say.
type verified struct {
	rows   int64
	first  int64    // the first row of the key; 0 if there is none
	last   int64    // the last row that follows from it
	macs   int64    // rows that carry any
	faults []string // in words: rows after the first that do not follow
}

// verify goes through the MACs of a table.
func (k Key) verify(ctx context.Context, q Runner, table fleet.Tree) (v verified, err error) {
	found, err := q.Query(ctx, `SELECT n, mac, `+chained[table]+` FROM `+string(table)+` ORDER BY n`)
	before := ""
	return v, Each(found, err, func(one Rows) error {
		_, values, err := scanAll(one)
		if err != nil {
			return err
		}
		n, _ := values[0].(int64)
		mac := fmt.Sprint(values[1])
		columns := make([]string, len(values)-2)
		for at := range columns {
			columns[at] = fmt.Sprint(values[at+2])
		}
		v.rows++
		if mac != "" {
			v.macs++
		}
		switch {
		case v.first == 0 && k != nil && mac != "" && same(mac, k.mac(table, "", columns...)):
			v.first, v.last = n, n
		case v.first == 0:
		case same(mac, k.mac(table, before, columns...)):
			v.last = n
		default:
			v.faults = append(v.faults, fmt.Sprintf("%s: the row %d was not written by this program: its MAC does not follow from the "+
				"key in keys/records.key and the row before it, so it was changed or added, or the one before was removed. Restore "+
				"the database, or find out who wrote to it", table, n))
		}
		before = mac
		return nil
	})
}

func same(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

// words are the faults of a table, and what is wrong with all of it.
func (v verified) words(k Key, table fleet.Tree) []string {
	switch {
	case k == nil && v.macs > 0:
		return []string{fmt.Sprintf("%s: %d rows were written with a key that is not here, so nobody can say if another hand added "+
			"to them: put keys/records.key back, or, if it is lost, make another one (otad keys records)", table, v.macs)}
	case k != nil && v.rows > 0 && v.first == 0:
		return []string{fmt.Sprintf("%s: none of %d rows was written with the key in keys/records.key: the key or the database is "+
			"another one, or an older one was restored, or rows were removed. Put back what belongs together, or, if you know "+
			"why, make another key (otad keys records)", table, v.rows)}
	}
	return v.faults
}
