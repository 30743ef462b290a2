// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// comeBack is the Retry-After, in seconds, of whoever finds no place.
const comeBack = "30"

// Network is the network that an address counts for: /24 of IPv4, /48 of IPv6.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits) // zero for an address that is none
	return p
}

// addrOf is the IP address of a peer; zero if it has none.
func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// Proxies are the networks of reverse proxies whose X-Forwarded-For is believed.
type Proxies []netip.Prefix

// ParseProxies reads addresses and networks such as 127.0.0.1 and 10.1.0.0/16.
func ParseProxies(list []string) (all Proxies, err error) {
	for _, one := range list {
		p, err := netip.ParsePrefix(one)
		if err != nil {
			a, err := netip.ParseAddr(one)
			if err != nil {
				return nil, fmt.Errorf("%q is no address of a proxy; wanted one such as 127.0.0.1 or 10.1.0.0/16", one)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// Trust says that an address is one of the proxies.
func (p Proxies) Trust(a netip.Addr) bool {
	for _, one := range p {
		if one.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// Client is the network from which a request comes: that of the peer or, behind trusted proxies, that of the last
// address in X-Forwarded-For which is none of them. Zero if that is not known, or is the machine itself.
func (p Proxies) Client(r *http.Request) netip.Prefix {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	if a := peer.Addr(); !p.Trust(a) {
		return unlessLoopback(a)
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		a, err := netip.ParseAddr(hop)
		if withPort, bad := netip.ParseAddrPort(hop); err != nil && bad == nil {
			a, err = withPort.Addr(), nil
		}
		if err != nil {
			return netip.Prefix{} // what stands before it, anybody may have written
		}
		if !p.Trust(a) {
			return unlessLoopback(a)
		}
	}
	return netip.Prefix{}
}

func unlessLoopback(a netip.Addr) netip.Prefix {
	if a.Unmap().IsLoopback() {
		return netip.Prefix{}
	}
	return Network(a)
}

// Exempt is for Bounds: connections of the machine itself and of proxies are not bounded by their network, as many
// clients share them. Those of the latter are bounded by Requests.
func (p Proxies) Exempt(a netip.Addr) bool { return a.Unmap().IsLoopback() || p.Trust(a) }

// Requests bounds how many requests of one network may be under way behind trusted proxies, as Bounds.PerNetwork does
// for connections without any. What exempt names is not bounded. n of 0 bounds nothing.
func (p Proxies) Requests(n int, exempt func(*http.Request) bool, next http.Handler) http.Handler {
	if n == 0 || len(p) == 0 {
		return next
	}
	var mu sync.Mutex
	from := map[netip.Prefix]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		network := p.Client(r)
		if err != nil || !p.Trust(peer.Addr()) || !network.IsValid() || exempt(r) {
			next.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		full := from[network] >= n
		if !full {
			from[network]++
		}
		mu.Unlock()
		if full {
			later(w)
			return
		}
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			if from[network]--; from[network] == 0 {
				delete(from, network)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// later tells a client to come again, before anything of its request is looked at.
func later(w http.ResponseWriter) {
	w.Header().Set("Retry-After", comeBack)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
}
