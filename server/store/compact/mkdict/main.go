// SPDX-License-Identifier: Apache-2.0

// Package main makes a dictionary for package compact from what simulated handsets reported.
//
// Parties: whoever changes what reports say, and wants them small again: "go run ./demo -once -data DIR", then "go run
// ./server/store/compact/mkdict DIR >server/store/compact/dictionaries/N.txt" with the next number, which becomes
// the newest in dictionaries.go. It promises the same dictionary for the same reports. It refuses nothing, and cannot
// tell simulated reports from those of people's handsets: never point it at a server that serves any.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/store"
)

// size is how long a dictionary may get: longer ones gave less than a byte for each report.
const size = 16 << 10

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mkdict:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("wanted data folders of the demo")
	}
	var all [][]byte
	for _, dir := range args {
		found, err := bodies(ctx, dir)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, bytes.Compare)
	all = slices.CompactFunc(all, bytes.Equal)
	if len(all) == 0 {
		return errors.New("there are no reports in these folders")
	}
	text, err := choose(all)
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	return err
}

// drawn are digits that nobody can guess: a dictionary has no use for them.
var drawn = regexp.MustCompile(`[0-9a-f]{32,64}`)

// bodies are those of all reports in a data folder.
func bodies(ctx context.Context, dir string) (all [][]byte, err error) {
	db, err := store.Open(ctx, filepath.Join(dir, "landed.db"), time.Now)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	err = db.View(ctx, func(tx fleet.Tx) error {
		for after := report.Reference(""); ; {
			refs, err := tx.Installations().Refs(ctx, after, 1000)
			if err != nil || len(refs) == 0 {
				return err
			}
			for _, ref := range refs {
				stored, err := tx.Reports().Arrived(ctx, ref)
				if err != nil {
					return err
				}
				for _, s := range stored {
					if p, ok := envelope.Split(s.Envelope); ok {
						all = append(all, drawn.ReplaceAll(p.Body, nil))
					}
				}
			}
			after = refs[len(refs)-1]
		}
	})
	return all, err
}

// choose takes, again and again, the body that those chosen before compress worst. What comes last in a dictionary is
// named at the least cost, so the first chosen stands at the end.
func choose(all [][]byte) ([]byte, error) {
	chosen := bytes.Clone(all[len(all)/2])
	for {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(1, chosen), zstd.WithEncoderLevel(zstd.SpeedDefault),
			zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		worst, cost := []byte(nil), 0
		for _, b := range all {
			if n := len(e.EncodeAll(b, nil)); n > cost {
				worst, cost = b, n
			}
		}
		if e.Close(); len(chosen)+len(worst) > size {
			return chosen, nil
		}
		chosen = slices.Concat(worst, chosen)
	}
}
