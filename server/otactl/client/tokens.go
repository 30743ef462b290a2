// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Token is who may enter. Secret is told once, by Tokens.Add.
type Token struct {
	Name   string    `json:"name"`
	Role   string    `json:"role"` // "support", "engineer", "admin"
	At     time.Time `json:"at"`
	Secret string    `json:"token,omitempty"`
}

// Tokens are those of a server.
type Tokens struct{ t *transport }

// List tells who may enter, without secrets.
func (k Tokens) List(ctx context.Context) ([]Token, error) {
	var a struct {
		Tokens []Token `json:"tokens"`
	}
	err := k.t.get(ctx, "/v1/tokens", &a)
	return a.Tokens, err
}

// Add makes a token; its secret is in the answer and nowhere else.
func (k Tokens) Add(ctx context.Context, name, role string) (Token, error) {
	in := struct {
		Name string `json:"name"`
		Role string `json:"role"`
	}{name, role}
	var added Token
	err := k.t.post(ctx, "/v1/tokens", in, &added)
	return added, err
}

// Remove withdraws a token.
func (k Tokens) Remove(ctx context.Context, name string) error {
	return k.t.call(ctx, http.MethodDelete, "/v1/tokens/"+url.PathEscape(name), nil, nil)
}
