// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"
)

// knownIssue is what engineers tell support of the build that was halted, and how many handsets the page says that it explains.
type knownIssue struct {
	ID          int64 `json:"id"`
	Explained   int64 `json:"explained"`   // by the page of the release
	Truth       int64 `json:"truth"`       // so many leak
	Unexplained int64 `json:"unexplained"` // bad verdicts beside, by the page
	Beside      int64 `json:"beside"`      // so many there are
}

const knownText = `models: [%s]
release: %s
class: leak
text:
  en: This build still activates the service by itself. It is offered to nobody any more; a corrected update follows.
  zh-Hans: 此版本仍会自行启用该服务，现已停止推送；修正后的更新随后推出。
  zh-Hant: 此版本仍會自行啟用該服務，現已停止推送；修正後的更新隨後推出。
since: %s
who: nobody
`

// tell writes down once what is known of the bad build, so that who answers the telephone need not ask again.
func (t *telling) tell(ctx context.Context) (*knownIssue, error) {
	text := fmt.Sprintf(knownText, badModel, t.plan.first.Name, t.clock.Now().UTC().Format(time.DateOnly))
	added, err := t.site.api.KnownIssues().Add(ctx, []byte(text), "the first handsets that run it leak")
	if err != nil {
		return nil, fmt.Errorf("what is known of the bad build: %w", err)
	}
	t.news.say("%-15s support is told what is known of it.", badModel)
	return &knownIssue{ID: added.ID}, nil
}

// ask reads from the page of the release how many the issue explains, and counts how many there really are.
func (k *knownIssue) ask(ctx context.Context, t *telling) error {
	var page struct {
		Known struct {
			Counts []struct {
				Unexplained int64 `json:"unexplained"`
				Explained   []struct {
					ID            int64 `json:"id"`
					Installations int64 `json:"installations"`
				} `json:"explained"`
			} `json:"counts"`
		} `json:"known_issues"`
	}
	if err := t.site.read(ctx, "/releases/"+t.plan.first.Name+".json", &page); err != nil {
		return err
	}
	for _, c := range page.Known.Counts {
		for _, e := range c.Explained {
			if e.ID == k.ID {
				k.Explained, k.Unexplained = k.Explained+e.Installations, c.Unexplained
			}
		}
	}
	for _, device := range t.plan.first.models {
		so := t.fleet.Counts(device, t.plan.first.Name)
		k.Beside += int64(so["leak"] + so["contradictory"])
		if device == badModel {
			k.Truth = int64(so["leak"])
		}
	}
	k.Beside -= k.Truth
	return nil
}

// agrees: it explains each handset of the model that leaks, and nothing else that is bad.
func (k *knownIssue) agrees() bool {
	return k.Explained == k.Truth && k.Truth > 0 && k.Unexplained == k.Beside
}
