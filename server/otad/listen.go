// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"landed/internal/durable"
	"landed/server"
	"landed/server/httplimit"
)

// limits bound the connections.
type limits struct {
	connections int // open at a time, in public
	perNetwork  int // of those, from one /24 or /48; 0: no bound
	newKeys     int // installations never heard of that one network may bring in an hour; 0: no bound
	trusted     []string
	proxies     httplimit.Proxies // trusted, read
}

const (
	defaultConnections = 4096
	defaultPerNetwork  = 512
	defaultNewKeys     = 5000 // many handsets share the address of a carrier
	// reservedConnections are those of --max-connections that the public cannot take, where it shares its listener.
	reservedConnections = 64
	// adminConnections are for the listener of console and health, beside --max-connections.
	adminConnections = 256
	// otherFiles are what the server has open beside its connections: the database, the feed, uploads.
	otherFiles = 128
)

func (l *limits) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&l.connections, "max-connections", defaultConnections,
		"how many connections may be open at a time; more wait, or are told to come later")
	f.IntVar(&l.perNetwork, "max-per-network", defaultPerNetwork, "how many of them one network (/24, /48) may have; "+
		"0 is no bound, loopback has none")
	f.IntVar(&l.newKeys, "new-keys-per-network", defaultNewKeys, "how many installations that were never heard of one "+
		"network may bring in an hour; 0 is no bound, loopback has none")
	f.StringSliceVar(&l.trusted, "trusted-proxy", nil, "`address` or network of a reverse proxy, whose X-Forwarded-For "+
		"is believed; may be given again")
}

// check holds the limits against themselves, and against how many files the system lets this process have open. The
// default gives way to that; what somebody asked for does not.
func (l *limits) check(log *slog.Logger, asked, admin bool) (err error) {
	var faults []error
	if l.connections < 1 {
		faults = append(faults, fmt.Errorf("--max-connections is %d; wanted at least 1", l.connections))
	}
	if l.perNetwork < 0 {
		faults = append(faults, fmt.Errorf("--max-per-network is %d; wanted 0 for no bound, or more", l.perNetwork))
	}
	if l.newKeys < 0 {
		faults = append(faults, fmt.Errorf("--new-keys-per-network is %d; wanted 0 for no bound, or more", l.newKeys))
	}
	if l.proxies, err = httplimit.ParseProxies(l.trusted); err != nil {
		faults = append(faults, fmt.Errorf("--trusted-proxy: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	others := otherFiles
	if admin {
		others += 2 * adminConnections
	}
	files, known := httplimit.OpenFiles()
	if !known || uint64(2*l.connections+others) <= files {
		return nil
	}
	fit := (int(files) - others) / 2
	if asked || fit < 2*reservedConnections {
		return fmt.Errorf("--max-connections is %d, which may need %d open files, and the system allows %d (ulimit -n); "+
			"raise that, or give at most --max-connections %d", l.connections, 2*l.connections+others, files, max(fit, 0))
	}
	log.Warn("the system allows few open files (ulimit -n): fewer connections may be open than usual",
		"files", files, "connections", fit, "usual", l.connections)
	l.connections = fit
	return nil
}

// listening is where connections are taken.
type listening struct {
	addr, file           string // file is told the address that was taken; "" is none
	adminAddr, adminFile string // of console and health; "" is addr
	limits               limits
}

// door is one listener with what is behind it.
type door struct {
	says     string
	listener net.Listener
	server   *http.Server
}

// open takes the addresses.
func (at listening) open(s *server.Server, log *slog.Logger) (doors []door, err error) {
	defer func() {
		if err != nil {
			for _, d := range doors {
				err = errors.Join(err, d.listener.Close())
			}
		}
	}()
	total := at.limits.connections
	bounds := httplimit.Bounds{
		Total: total, Reserved: min(reservedConnections, total/2), PerNetwork: at.limits.perNetwork,
		Exempt: at.limits.proxies.Exempt, Crowd: s.Crowd,
	}
	handler := s.Handler()
	if at.adminAddr != "" {
		bounds.Reserved, handler = 0, s.Public()
	}
	public, err := listen("", at.addr, at.file, handler, bounds, log)
	if err != nil {
		return nil, err
	}
	doors = append(doors, public)
	if at.adminAddr == "" {
		return doors, nil
	}
	admin, err := listen("console and health: ", at.adminAddr, at.adminFile, s.Admin(),
		httplimit.Bounds{Total: adminConnections}, log)
	if err != nil {
		return doors, fmt.Errorf("--admin-addr: %w", err)
	}
	return append(doors, admin), nil
}

func listen(
	says, addr, file string, handler http.Handler, bounds httplimit.Bounds, log *slog.Logger,
) (door, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return door{}, err
	}
	if file != "" {
		if err := durable.WriteFile(file, []byte(l.Addr().String()+"\n"), 0o644); err != nil {
			return door{}, errors.Join(err, l.Close())
		}
	}
	h := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: httplimit.ErrorLog(log),
	}
	return door{says, httplimit.Connections(bounds, l, h, log), h}, nil
}
