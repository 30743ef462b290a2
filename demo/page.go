// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"landed/manifests/evidence"
)

// statusPage is what this demo reads of /status.json, and of the page of one release.
type statusPage struct {
	Headline string      `json:"headline"`
	Models   []pageModel `json:"models"`
}

type pageModel struct {
	Device        string           `json:"model"`
	Installations int64            `json:"installations"`
	Running       int64            `json:"running"`
	Proven        int64            `json:"proven"`
	Verdicts      map[string]int64 `json:"verdicts"`
	Before        map[string]int64 `json:"before"`
	Checks        []labCheck       `json:"lab"`
	Counted       struct {
		Installations int64 `json:"installations"`
		Proven        int64 `json:"proven"`
	} `json:"counted"`
	Rollouts []struct {
		State string `json:"state"`
		Stage int    `json:"stage"`
	} `json:"rollouts"`
}

// labCheck is how one kind of test by observers stands.
type labCheck struct {
	Kind     evidence.Kind     `json:"kind"`
	Standing evidence.Standing `json:"standing"`
	Say      string            `json:"say"`
}

// totals are installations: of each model, and of all.
type totals struct {
	All    int64            `json:"all"`
	Models map[string]int64 `json:"models"`
}

func (p statusPage) totals() totals {
	t := totals{Models: map[string]int64{}}
	for _, m := range p.Models {
		t.All += m.Installations
		t.Models[m.Device] += m.Installations
	}
	return t
}

// status reads a page.
func (s *site) status(ctx context.Context, path string) (p statusPage, err error) {
	return p, s.read(ctx, path, &p)
}

// verdict is what the page of an installation says.
func (s *site) verdict(ctx context.Context, reference string) (string, error) {
	var page struct {
		Verdict string `json:"verdict"`
	}
	err := s.read(ctx, "/installations/"+reference+".json", &page)
	return page.Verdict, err
}

func (s *site) read(ctx context.Context, path string, page any) error {
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(page)
}
