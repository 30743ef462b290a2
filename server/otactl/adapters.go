// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"landed/server/otactl/adapter"
	"landed/server/otactl/client"
)

// adapters are the commands about phones with the updaters of others.
type adapters struct{ out *printer }

func (a *adapters) command() *cobra.Command {
	var feed, root, certs string
	var o adapter.Options
	var within time.Duration
	c := &cobra.Command{
		Use: "check URL", Short: "Play phones with other updaters against a deployment", Args: cobra.ExactArgs(1),
		Long: "Plays the LineageOS Updater (both forms), GrapheneOS's updater, Custota and AOSP's sample against a deployment, through\n" +
			"the proxy or CDN in front of it: content types, lengths, ranges, redirects, what caches are told, https, csigs and the\n" +
			"digests in them, and if phones are told what the signed feed has at this moment. It says what a phone would not take,\n" +
			"and what it would do; all at once. No token is sent. Of a package it fetches the ends, the directory, and the small\n" +
			"parts; with --whole all of it, once, for its SHA-256. Findings end with 1.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			o.URL, o.Now = args[0], time.Now
			if root != "" {
				if o.Root, err = readFile(root, 1<<20); err != nil {
					return err
				}
			}
			if certs != "" {
				if o.Certs, err = readCertificates(certs); err != nil {
					return err
				}
			}
			server, err := client.New(first(feed, args[0]), "", nil)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), within)
			defer cancel()
			found, err := adapter.Check(ctx, server, o)
			if err != nil {
				return err
			}
			return a.tell(found)
		},
	}
	f := c.Flags()
	f.StringVar(&feed, "feed", "", "`address` of the server whose signed feed is held against (default: the URL)")
	f.StringVar(&o.Prefix, "prefix", "", "what the root of the URL is of /legacy/, such as lineageos/beta (default: it is the "+
		"root of the server)")
	f.StringSliceVar(&o.Kinds, "type", []string{"nightly"}, "`types` of builds that are asked for, beside those of the releases")
	f.StringVar(&root, "root", "", "a root `file` that you trust (default: the first that is published)")
	f.StringVar(&certs, "ota-cert", "", "PEM `file` of the certificates in phones' otacerts.zip, which Custota believes (default: the one "+
		"that signed each package)")
	f.BoolVar(&o.Whole, "whole", false, "fetch each package to its end as well, and hold its SHA-256 against what is signed; give it time by "+
		"--timeout")
	f.DurationVar(&within, "timeout", 5*time.Minute, "how long all of it may take")
	return group("adapter", "Phones with the updaters of others", c)
}

func (a *adapters) tell(r adapter.Result) error {
	if r.Findings == nil {
		r.Findings = []adapter.Finding{} // for programs: none, and not nothing
	}
	err := a.out.answer(r, func() {
		list := table{none: "No phone asked.", head: []string{"MODEL", "CHANNEL", "PROTOCOL", "OFFERED", "ASKED FOR"}}
		for _, p := range r.Played {
			list.add(p.Model, p.Channel, string(p.Protocol), fmt.Sprint(p.Offered), pathOf(p.URL))
		}
		a.out.table(list)
		for _, f := range r.Findings {
			a.out.say("%s %s %s: %s", f.Model, f.Channel, f.Protocol, f.URL)
			a.out.paragraph(f.Found + ".")
			a.out.paragraph("A phone: " + f.Phone + ".")
		}
		a.out.lines("Note: ", r.Notes...)
		a.out.say("%s, held against snapshot %d.", plural(len(r.Findings), "finding"), r.Snapshot)
	})
	if err == nil && len(r.Findings) > 0 {
		return told(refused)
	}
	return err
}

// readCertificates reads a PEM file of certificates.
func readCertificates(file string) (certs []*x509.Certificate, err error) {
	text, err := readFile(file, 1<<20)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s: no certificate in PEM form in it", file)
	}
	return certs, nil
}

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Path
}
