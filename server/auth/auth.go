// SPDX-License-Identifier: Apache-2.0

// Package auth says who is asking, and what they may do.
//
// Parties: people and machines that hold a bearer token; the console, which names the role
// each of its doors wants. It promises that a secret is shown once and kept only as a
// SHA-256, that every accepted request carries the name of its actor for the audit trail, and
// that a role may do all that a lower one may: support reads, engineers work, admins also make
// tokens and import trust. It refuses to say whether a token is unknown or was withdrawn.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"landed/server/fleet"
	"landed/server/render"
)

// prefix lets people and secret scanners recognise a token.
const prefix = "landed_"

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,60}$`)

var rank = map[fleet.Role]int{fleet.RoleSupport: 1, fleet.RoleEngineer: 2, fleet.RoleAdmin: 3}

// NewToken makes a token for name. The secret is 32 random bytes; it is in no store and
// cannot be shown again.
func NewToken(name string, role fleet.Role, now time.Time) (secret string, t fleet.Token, err error) {
	return newToken(rand.Reader, name, role, now)
}

func newToken(random io.Reader, name string, role fleet.Role, now time.Time) (string, fleet.Token, error) {
	if !tokenName.MatchString(name) {
		return "", fleet.Token{}, fleet.Errorf(fleet.Invalid, "token_name", "token name %q: wanted 1 to 61 letters, "+
			"digits and . _ @ -, such as ann or ci-build", name)
	}
	if name == "otad" || name == "landed" {
		return "", fleet.Token{}, fleet.Errorf(fleet.Invalid, "token_name", "a token cannot be called %s, as the server itself is on "+
			"the audit trail; wanted the name of a person or a machine, such as ann or ci-build", name)
	}
	if rank[role] == 0 {
		return "", fleet.Token{}, fleet.Errorf(fleet.Invalid, "token_role", "role %q: wanted support, engineer or admin",
			role)
	}
	raw := make([]byte, 32)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fleet.Token{}, err
	}
	secret := prefix + base64.RawURLEncoding.EncodeToString(raw)
	return secret, fleet.Token{Name: name, Role: role, Hash: hash(secret), At: now.UTC()}, nil
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Guard lets requests in by their bearer token.
type Guard struct {
	Store fleet.Viewer
	Log   *slog.Logger
}

// Require lets in whoever has at least role.
func (g *Guard) Require(role fleet.Role) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return render.API(g.Log, func(w http.ResponseWriter, r *http.Request) error {
			t, err := g.token(r)
			if err != nil {
				return err
			}
			if rank[t.Role] < rank[role] {
				return fleet.Errorf(fleet.Forbidden, "role_too_low", "the token of %s has the role %s; this needs %s. "+
					"An admin makes such a token with \"otactl token add NAME --role %s\"", t.Name, t.Role, role, role)
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, t.Name)))
			return nil
		})
	}
}

func (g *Guard) token(r *http.Request) (fleet.Token, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 { // a proxy in front may have looked at another one than we would
		return fleet.Token{}, &render.Unauthorized{Msg: "Send the header \"Authorization\" once."}
	}
	scheme, secret, _ := strings.Cut(strings.Join(headers, ""), " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(secret) == "" {
		return fleet.Token{}, &render.Unauthorized{Msg: "Send the header \"Authorization: Bearer TOKEN\"; " +
			"an admin makes tokens with \"otad token add\"."}
	}
	want := hash(strings.TrimSpace(secret))
	var t fleet.Token
	err := g.Store.View(r.Context(), func(tx fleet.Tx) (err error) {
		t, err = tx.Tokens().ByHash(r.Context(), want)
		return err
	})
	if fleet.Is(err, fleet.NotFound) || (err == nil && subtle.ConstantTimeCompare(t.Hash, want) != 1) {
		return fleet.Token{}, &render.Unauthorized{Msg: "This token is not known here; it may have been withdrawn. " +
			"Ask an admin for a new one."}
	}
	return t, err
}

type actorKey struct{}

// Actor is the name on the token that the request came with, "" outside of a guard.
func Actor(ctx context.Context) string {
	name, _ := ctx.Value(actorKey{}).(string)
	return name
}

// Add stores a token and says so in the audit trail. Names are taken once.
func Add(ctx context.Context, store fleet.Store, t fleet.Token, by string) error {
	return store.Update(ctx, func(tx fleet.Tx) error {
		t.By = by
		if err := tx.Tokens().Put(ctx, t); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{At: t.At, Actor: by, Action: "token.add", Subject: t.Name,
			Reason: string(t.Role)})
	})
}
