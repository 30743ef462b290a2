// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

const defaultURL = "http://127.0.0.1:8080"

// connection says which server is asked, and in whose name.
type connection struct {
	env            func(string) string
	url, tokenFile string
	plainHTTP      bool
}

// add adds the flags that every command has.
func (c *connection) add(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&c.url, "url", "", "address of the server (default $OTACTL_URL, or "+defaultURL+")")
	f.StringVar(&c.tokenFile, "token-file", "", "read the token from the first line of this `file` (default "+
		"$OTACTL_TOKEN)")
	f.BoolVar(&c.plainHTTP, "allow-http", false, "send the token over plain HTTP to another machine")
}

// client is that of the server which flags and environment describe. It asks nothing yet.
func (c *connection) client() (*client.Client, error) {
	address := first(c.url, defaultURL)
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	made, err := client.New(address, token, nil)
	if err != nil {
		return nil, fmt.Errorf("%w; set --url or OTACTL_URL", err)
	}
	if token != "" && !c.plainHTTP && !private(address) {
		return nil, fmt.Errorf("%s is plain HTTP to another machine, and everybody on the way could read the token; "+
			"use https, or --allow-http on a network that you trust", address)
	}
	return made, nil
}

func (c *connection) token() (string, error) {
	if c.tokenFile == "" {
		return strings.TrimSpace(c.env("OTACTL_TOKEN")), nil
	}
	text, err := readFile(c.tokenFile, 64<<10)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("the first line of %s is empty; wanted the token", c.tokenFile)
	}
	return line, nil
}

// private says that what is sent to address cannot be read on the way.
func private(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "https" || u.Hostname() == "localhost" {
		return err == nil
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
