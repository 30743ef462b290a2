// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// readyCommand asks a running server how it stands, for whoever looks after a container: there is no other client in it.
func readyCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "ready", Short: "Ask a running server if it is ready; ends with 1 and the causes if not", Args: cobra.NoArgs}
	addr := c.Flags().String("addr", "127.0.0.1:8080", "`host:port` that the server was given")
	admin := c.Flags().String("admin-addr", "", "the one for console and health, if it has one")
	wait := c.Flags().Duration("timeout", 5*time.Second, "how long it may take to answer")
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(c.Context(), *wait)
		defer cancel()
		if err := ready(ctx, cmp.Or(*admin, *addr)); err != nil {
			return err
		}
		_, err := fmt.Fprintln(stdout, "ready")
		return err
	}
	return c
}

// ready asks the server that was told to listen at addr; an address of every interface is asked at this machine's own.
func ready(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(ask)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	var problem struct {
		Causes []struct{ Name, Detail string } `json:"causes"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&problem); err != nil || len(problem.Causes) == 0 {
		return fmt.Errorf("%s answers %s to /readyz; wanted the address of console and health of an otad", addr, resp.Status)
	}
	faults := []error{errors.New("not ready")}
	for _, cause := range problem.Causes {
		faults = append(faults, fmt.Errorf("%s: %s", cause.Name, cause.Detail))
	}
	return errors.Join(faults...)
}
