// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"landed/server"
	"landed/server/headroom"
)

// serveNarrow DATA ADDR-FILE: what otad serves from a data folder, on a disk where nothing is free above the mark.
func serveNarrow(data, addrFile string) error {
	const mark = 1 << 20
	s, err := server.New(server.Config{DataDir: data, Headroom: headroom.Config{Mark: mark,
		Space: func(string) (headroom.Space, error) { return headroom.Space{Free: mark, Total: 1 << 30}, nil }}})
	if err != nil {
		return err
	}
	go func() {
		for range time.Tick(200 * time.Millisecond) {
			if err := s.Tick(context.Background()); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := os.WriteFile(addrFile, []byte(l.Addr().String()+"\n"), 0o600); err != nil {
		return err
	}
	return http.Serve(l, s.Handler())
}
