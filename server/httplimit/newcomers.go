// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Newcomers counts by network, for an hour, how many were new of those who came from there: in memory alone, under a
// hash whose salt is thrown away with the hour. The machine itself is not counted.
type Newcomers struct {
	perHour int
	proxies Proxies
	now     func() time.Time

	mu    sync.Mutex
	hour  time.Time
	salt  [32]byte
	count map[[8]byte]int
}

// NewNewcomers bounds them to so many an hour from one network; 0 is no bound.
func NewNewcomers(perHour int, proxies Proxies, now func() time.Time) *Newcomers {
	return &Newcomers{perHour: perHour, proxies: proxies, now: now}
}

// mostNetworks bounds the memory. Those that come when so many are counted are counted as one.
const mostNetworks = 1 << 16

type networkKey struct{}

// Door lets Full and Came know where a request comes from, for as long as it is served.
func (n *Newcomers) Door(next http.Handler) http.Handler {
	if n.perHour == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if network := n.proxies.Client(r); network.IsValid() {
			r = r.WithContext(context.WithValue(r.Context(), networkKey{}, network))
		}
		next.ServeHTTP(w, r)
	})
}

// Full says that the network of ctx has brought as many as it may this hour.
func (n *Newcomers) Full(ctx context.Context) bool {
	network, counted := ctx.Value(networkKey{}).(netip.Prefix)
	if !counted {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.count[n.key(network)] >= n.perHour
}

// Came counts one more from the network of ctx.
func (n *Newcomers) Came(ctx context.Context) {
	network, counted := ctx.Value(networkKey{}).(netip.Prefix)
	if !counted {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.count[n.key(network)]++
}

// key is the place of a network in the count of this hour.
func (n *Newcomers) key(network netip.Prefix) (k [8]byte) {
	if hour := n.now().Truncate(time.Hour); n.count == nil || !hour.Equal(n.hour) {
		n.hour, n.count = hour, map[[8]byte]int{}
		_, _ = rand.Read(n.salt[:]) // it does not fail
	}
	sum := sha256.Sum256(append(n.salt[:], network.String()...))
	copy(k[:], sum[:])
	if _, known := n.count[k]; !known && len(n.count) >= mostNetworks {
		return [8]byte{}
	}
	return k
}
