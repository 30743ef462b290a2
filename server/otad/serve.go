// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/internal/cli"
	"landed/server"
	"landed/server/blob/s3"
	"landed/server/headroom"
	"landed/server/repo"
	"landed/server/traces"
	"landed/server/uptime"
)

// options are the flags of serve and fsck that say how a server is built.
type options struct {
	cfg server.Config
	s3  s3.Config
	on  databaseFlags
}

func (o *options) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.cfg.DataDir, "data", "landed-data", "data `folder`, made by otad init")
	o.on.flags(c)
	o.s3Flags(c)
}

// s3Flags are those that say where the packages are.
func (o *options) s3Flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.s3.Endpoint, "s3-endpoint", "", "keep packages in the S3 store at this `host:port`, "+
		"not in the data folder")
	f.StringVar(&o.s3.Bucket, "s3-bucket", "", "`name` of the bucket")
	f.StringVar(&o.s3.Prefix, "s3-prefix", "", "put before every key, such as landed/")
	f.StringVar(&o.s3.Region, "s3-region", "", "region; asked for if empty")
	f.StringVar(&o.s3.AccessKey, "s3-access-key", "", "access key; better in OTAD_S3_ACCESS_KEY, or in the "+
		"file that OTAD_S3_ACCESS_KEY_FILE names")
	f.StringVar(&o.s3.SecretKey, "s3-secret-key", "", "secret key; better in OTAD_S3_SECRET_KEY, or in the "+
		"file that OTAD_S3_SECRET_KEY_FILE names")
	cli.Secret(f, "s3-access-key", "s3-secret-key")
	f.BoolVar(&o.s3.TLS, "s3-tls", true, "speak HTTPS to the store")
	f.StringVar(&o.s3.TempDir, "s3-temp", "", "`folder` for uploads on their way to the store")
}

func (o *options) config(log *slog.Logger) (_ server.Config, err error) {
	o.cfg.Log, o.cfg.Program = log, cli.Version("otad")
	if o.cfg.Database, err = o.on.address(); err != nil {
		return o.cfg, err
	}
	if o.s3.Endpoint != "" {
		o.cfg.S3 = &o.s3
	}
	return o.cfg, nil
}

// defaultSmallCells is how few handsets the public is not told of.
const defaultSmallCells = 20

func serveCommand(env func(string) string, stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "serve", Short: "Serve the feed, take reports in, show the status", Args: cobra.NoArgs}
	var o options
	var limits limits
	o.cfg.Expiry = repo.DefaultExpiry()
	o.flags(c)
	f := c.Flags()
	addr := f.String("addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 takes any")
	addrFile := f.String("addr-file", "", "write the address that was taken to this `file`")
	adminAddr := f.String("admin-addr", "", "take console and health checks at this `host:port` alone, beside everything "+
		"else; default: at --addr")
	adminFile := f.String("admin-addr-file", "", "write the address that was taken for --admin-addr to this `file`")
	tick := f.Duration("tick", 15*time.Second, "how often periodic work is looked at")
	asJSON := f.Bool("log-json", false, "log as JSON")
	otlp := f.String("otlp-endpoint", "", "send traces by OTLP over HTTP to the collector at this `URL`, such as "+
		"http://127.0.0.1:4318; default: OTEL_EXPORTER_OTLP_ENDPOINT, or nowhere")
	f.Int64Var(&o.cfg.MaxUpload, "max-upload", server.DefaultMaxUpload, "largest package in `bytes`")
	f.Int64Var(&o.cfg.Headroom.Reserve, "reserve", headroom.DefaultReserve, "`bytes` of the disk that are kept for halts, "+
		"at most an eighth of it; 0 keeps none")
	f.Int64Var(&o.cfg.Headroom.Mark, "min-free", headroom.DefaultMark, "take reports and packages in while so many `bytes` "+
		"are free; -1: the reserve and 256 MiB, or 2 % of the disk, at most half of it; 0: always")
	f.StringSliceVar(&o.cfg.Mirrors, "packages-url", nil, "handsets download packages from below this `URL`, such as "+
		"https://cdn.example/tuf/targets, and from this server only if that fails; may be given again, the best first")
	f.StringVar(&o.cfg.BaseURL, "base-url", "", "address (`URL`) of this server as phones reach it, such as https://ota.example; "+
		"wanted for models whose phones poll by the protocols of LineageOS or AOSP's sample, which name packages by it")
	limits.flags(c)
	f.BoolVar(&o.cfg.Second.Leaks, "second-person-leaks", true, "to resume a rollout after a leak takes a second person")
	f.IntVar(&o.cfg.Second.Share, "second-person-share", 0, "to start or widen a rollout above this share, in `hundredths` of "+
		"a percent, or with stages that one person wrote, takes a second person; 0: never")
	f.BoolVar(&o.cfg.RefuseV1, "refuse-report-v1", false, "take no more reports of version 1; stored ones are read as ever")
	f.StringVar(&o.cfg.Language, "language", "en",
		"language (`tag`) of the status pages for who asks for none of these: "+strings.Join(server.Languages(), ", "))
	f.DurationVar(
		&o.cfg.TallyEvery,
		"tally-every",
		0,
		"take another signed tally so long after the last, beside the one of each UTC day; 0: "+
			"that one alone",
	)
	f.BoolVar(&o.cfg.OpenReports, "open-reports", false, "give every report to whoever asks, so that anybody can count again: for "+
		"a rehearsal alone, since who has a report has the reference of its installation")
	f.Int64Var(&o.cfg.SmallCells, "small-cells", defaultSmallCells, "tell the public of no `number` of handsets below this one, 10 or "+
		"more, and of others about, changed once a day at most; staff see all exact at --admin-addr. 0 shows everybody every number: "+
		"for a rehearsal")
	f.StringVar(&o.cfg.PublicPath, "public-path", "", "`path` that readers have before those of the status pages, such as /landed, "+
		"whether or not a proxy takes it away; feed, reports and console stay where they are")
	f.DurationVar(&o.cfg.Expiry.Timestamp, "timestamp-life", o.cfg.Expiry.Timestamp, "how long the timestamp is valid")
	offset := f.Duration("clock-offset", 0,
		"the server's clock is ahead by this `duration` (negative: behind); to rehearse a wrong clock")
	f.DurationVar(&o.cfg.Expiry.TimestampEvery, "timestamp-every", o.cfg.Expiry.TimestampEvery, "how often it is renewed")
	c.RunE = func(c *cobra.Command, _ []string) error {
		o.cfg.Clock = uptime.Ahead(*offset)
		var handler slog.Handler = slog.NewTextHandler(stderr, nil)
		if *asJSON {
			handler = slog.NewJSONHandler(stderr, nil)
		}
		log := slog.New(handler)
		if err := limits.check(log, f.Changed("max-connections"), *adminAddr != ""); err != nil {
			return err
		}
		o.cfg.Proxies, o.cfg.PerNetwork, o.cfg.NewKeys = limits.proxies, limits.perNetwork, limits.newKeys
		at := listening{*addr, *addrFile, *adminAddr, *adminFile, limits}
		endpoint, err := traces.Endpoint(*otlp, env)
		if err != nil {
			return err
		}
		cfg, err := o.config(log)
		if err != nil {
			return err
		}
		if cfg.SmallCells > 0 && at.adminAddr == "" {
			log.Warn("exact numbers are on no page: the public is not told of small ones (--small-cells), and there is no listener for "+
				"staff (--admin-addr)", "small_cells", cfg.SmallCells)
		}
		return traced(c.Context(), cfg, endpoint, func(cfg server.Config) error {
			return serve(c.Context(), cfg, at, *tick, stdout)
		})
	}
	return c
}

// traced runs a server whose traces go to an endpoint; "" is nowhere. What is left of them is sent in the end.
func traced(ctx context.Context, cfg server.Config, endpoint string, run func(server.Config) error) (err error) {
	if endpoint == "" {
		return run(cfg)
	}
	if cfg.Traces, err = traces.Open(ctx, endpoint, cfg.Log); err != nil {
		return err
	}
	defer func() {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracesWait)
		defer cancel()
		if unsent := cfg.Traces.Close(wait); unsent != nil {
			cfg.Log.Warn("the last traces could not be sent", "err", unsent)
		}
	}()
	return run(cfg)
}

// tracesWait is how long a server that ends waits for a collector.
const tracesWait = 3 * time.Second

// serve runs until ctx ends; then it takes no more connections, answers what is under way,
// and closes.
func serve(ctx context.Context, cfg server.Config, at listening, tick time.Duration, stdout io.Writer) (err error) {
	s, err := server.New(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	doors, err := at.open(s, cfg.Log)
	if err != nil {
		return err
	}
	failed := make(chan error, len(doors))
	for _, d := range doors {
		fmt.Fprintf(stdout, "otad: %shttp://%s\n", d.says, d.listener.Addr())
		go func() { failed <- d.server.Serve(d.listener) }()
	}
	endTicks := tickEvery(s, cfg.Log, tick)
	watching, endWatch := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() { s.Watch(watching); close(watched) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
		cfg.Log.Info("ending", "wait", shutdownWait)
	}
	wait, cancel := context.WithTimeout(context.Background(), shutdownWait)
	defer cancel()
	for _, d := range doors {
		if unfinished := d.server.Shutdown(wait); unfinished != nil {
			err = errors.Join(err, fmt.Errorf("requests under way did not end within %s and were cut off: %w",
				shutdownWait, errors.Join(unfinished, d.server.Close())))
		}
	}
	endTicks(wait)
	endWatch()
	<-watched
	return err
}

// shutdownWait is how long requests and periodic work under way have to end: a large upload
// needs a while.
const shutdownWait = 30 * time.Second

// tickEvery does the periodic work, once at least, until it is ended. What is under way then
// may finish while the context given to end lasts, so that its faults are logged.
func tickEvery(s *server.Server, log *slog.Logger, every time.Duration) (end func(wait context.Context)) {
	work, cut := context.WithCancel(context.Background())
	enough, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			if err := s.Tick(work); err != nil && work.Err() == nil {
				log.Error("periodic work failed", "err", err)
			}
			select {
			case <-enough:
				return
			case <-s.Due():
			case <-t.C:
			}
		}
	}()
	return func(wait context.Context) {
		close(enough)
		defer context.AfterFunc(wait, cut)()
		<-done
		cut()
	}
}
