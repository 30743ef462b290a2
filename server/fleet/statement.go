// SPDX-License-Identifier: Apache-2.0

package fleet

import "time"

// Statement is what an observer or a witness signed, as it came. Package evidence says what it means; nothing of it is
// ever changed or deleted.
type Statement struct {
	ID       string // SHA-256 of what was signed, in hex
	Kind     StatementKind
	Model    string // ro.product.device
	Subject  string // fingerprint of a build, reference of an installation, or ID of the statement that is withdrawn
	Signer   string // key id
	Envelope []byte // DSSE, as signed
	By       string // who handed it in
	At       time.Time
}

// StatementKind is what a statement does.
type StatementKind string

// The kinds of statements.
const (
	StatementObservation StatementKind = "observation"
	StatementVoucher     StatementKind = "voucher"
	StatementWithdrawal  StatementKind = "withdrawal"
)
