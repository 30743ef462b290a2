// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"bytes"
	"log"
	"log/slog"
	"regexp"
)

// ErrorLog is for http.Server.ErrorLog. What net/http says of a connection names its peer, so only two things of it are
// kept, without the peer: a fault of ours, and that no connection can be taken. A handshake or request that is
// none is no news.
func ErrorLog(to *slog.Logger) *log.Logger { return log.New(nameless{to}, "", 0) }

type nameless struct{ log *slog.Logger }

// peer is an address with a port, as net/http writes it.
var peer = regexp.MustCompile(`(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:.%\w]*\]):\d+`)

// Write implements io.Writer.
func (n nameless) Write(line []byte) (int, error) {
	said := string(peer.ReplaceAll(bytes.TrimSpace(line), []byte("a peer")))
	switch {
	case bytes.HasPrefix(line, []byte("http: panic serving")):
		n.log.Error("a fault while a request was served", "fault", said)
	case bytes.HasPrefix(line, []byte("http: Accept error")):
		n.log.Warn("no connection can be taken", "err", said)
	}
	return len(line), nil
}
