// SPDX-License-Identifier: Apache-2.0

package fleet

import "time"

// Token lets somebody in. Only a hash of the secret is kept.
type Token struct {
	Name string // of the person or machine
	Role Role
	Hash []byte // SHA-256 of the secret
	At   time.Time
	By   string // name of the token, or "otad", that made it; "" if that is not known
}

// Role is what a token may do.
type Role string

// The roles: support reads, engineers work, admins also make tokens and import trust.
const (
	RoleSupport  Role = "support"
	RoleEngineer Role = "engineer"
	RoleAdmin    Role = "admin"
)
