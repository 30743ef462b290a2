// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"

	"landed/manifests/tufrepo"
	"landed/server/repo"
)

// Key signs, and is the same for the same name each time.
type Key struct {
	private ed25519.PrivateKey
	public  tufrepo.Key
}

// Key is the public part.
func (k Key) Key() tufrepo.Key { return k.public }

// Sign signs with Ed25519.
func (k Key) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(k.private, msg), nil }

// KeyOf is the key with a name.
func KeyOf(name string) Key {
	seed := sha256.Sum256([]byte(name))
	private := ed25519.NewKeyFromSeed(seed[:])
	public, err := tufrepo.NewKey(private.Public())
	if err != nil {
		panic(err)
	}
	return Key{private, public}
}

// KeysOf are the keys of a role, with their threshold.
func KeysOf(threshold int, names ...string) tufrepo.RoleKeys {
	r := tufrepo.RoleKeys{Threshold: threshold}
	for _, n := range names {
		r.Keys = append(r.Keys, KeyOf(n).public)
	}
	return r
}

// OnlineKeys are those of the server, named as their roles: "snapshot", "timestamp", "offers".
func OnlineKeys() repo.OnlineKeys {
	return repo.OnlineKeys{Snapshot: KeyOf("snapshot"), Timestamp: KeyOf("timestamp"), Offers: KeyOf("offers")}
}

// Respond signs every role of a request, as it was handed out, with the keys that nameOf gives.
func Respond(t testing.TB, request []byte, nameOf func(role string) string) tufrepo.Response {
	t.Helper()
	req := OK(tufrepo.ParseRequest(request))(t)
	r := tufrepo.Response{Schema: 1, Request: req.ID}
	for _, role := range req.Roles {
		r.Signatures = append(r.Signatures, OK(tufrepo.SignDetached(role.Metadata, role.Role, KeyOf(nameOf(role.Role))))(t))
	}
	return r
}
