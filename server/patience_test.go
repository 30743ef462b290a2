// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestPatience sends bodies that never end, and one that is slow but moves.
func TestPatience(t *testing.T) {
	read := make(chan int64, 1)
	s := httptest.NewServer(patience(50*time.Millisecond, 300*time.Millisecond, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		read <- n
	})))
	defer s.Close()
	for name, tt := range map[string]struct {
		path string
		send int // bytes, one every tenth of a second, of ten that are promised
		want int64
	}{
		"a report that stops":      {"/v1/reports", 1, 1},
		"a feed request that does": {"/tuf/metadata/timestamp.json", 1, 1},
		"an upload that stops":     {"/v1/packages", 3, 3},
		"an upload that moves":     {"/v1/packages", 10, 10},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", tt.path)
			for i := range tt.send {
				if i > 0 {
					time.Sleep(100 * time.Millisecond) // the patience of an upload is three times that
				}
				if _, err := conn.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case got := <-read:
				if got != tt.want {
					t.Errorf("%d bytes were read, wanted %d", got, tt.want)
				}
			case <-time.After(20 * time.Second):
				t.Error("the server still waits")
			}
		})
	}
}
