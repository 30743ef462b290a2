// SPDX-License-Identifier: Apache-2.0

package console

import (
	"maps"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

type rolloutWire struct {
	ID       string             `json:"id"`
	Release  string             `json:"release"`
	Model    string             `json:"model"`
	Channel  string             `json:"channel"`
	Packages []string           `json:"packages"` // SHA-256, one for each image variant
	Salt     string             `json:"salt"`
	State    fleet.RolloutState `json:"state"`              // "halting": halted, and the served offers do not say so yet
	Missing  string             `json:"missing,omitempty"`  // what the served offers do not say yet, in words
	Stop     string             `json:"stop,omitempty"`     // why it is held or halted, in 8 digits: to resume it takes them
	Repeated bool               `json:"repeated,omitempty"` // it was as it was asked to be already
	Stage    int                `json:"stage"`              // 1, 2, 3 …
	Share    int                `json:"share"`
	Stages   []stageWire        `json:"stages"`
	Held     string             `json:"held,omitempty"`
	Reason   string             `json:"reason,omitempty"`
	By       string             `json:"by"`
	Waiting  []string           `json:"waiting"`          // what the stage still waits for, in words
	Waits    []reasonWire       `json:"waits"`            // the same as codes with values
	Known    int64              `json:"known"`            // counted installations when its salt was drawn, 0: nobody vouched
	Retry    int                `json:"retry"`            // how often handsets that gave up were asked to try again
	Cautions []string           `json:"cautions"`         // what is unwise about its stages, in words
	Counts   *countsWire        `json:"counts,omitempty"` // left out when the reports cannot be read; cautions say so
	Since    time.Time          `json:"since"`
	Started  time.Time          `json:"started"`
	Changed  time.Time          `json:"changed"`
	Revision int64              `json:"revision"`
	Seconded bool               `json:"seconded,omitempty"` // two persons resumed it last
	// What waits for a second person.
	Proposals []proposalWire `json:"proposals,omitempty"`
}

type stageWire struct {
	Share int    `json:"share"`
	Soak  string `json:"soak"` // as Go writes durations: "48h0m0s"
	Gates struct {
		MinReports  int64 `json:"min_reports"`
		MinProven   int   `json:"min_proven"`
		MaxFailures int   `json:"max_failures"`
		HaltLeaks   int64 `json:"halt_leaks,omitempty"`
	} `json:"gates"`
}

func stageToWire(s fleet.Stage) stageWire {
	w := stageWire{Share: s.Share, Soak: s.Soak.String()}
	w.Gates.MinReports, w.Gates.MinProven, w.Gates.MaxFailures, w.Gates.HaltLeaks = s.Gates.MinReports,
		s.Gates.MinProven, s.Gates.MaxFailures, s.Gates.HaltLeaks
	return w
}

func (w stageWire) stage() (fleet.Stage, error) {
	soak, err := time.ParseDuration(w.Soak)
	if err != nil {
		return fleet.Stage{}, fleet.Errorf(fleet.Invalid, "stages", "soak %q: wanted a duration such as 48h or 30m", w.Soak)
	}
	g := fleet.Gates{MinReports: w.Gates.MinReports, MinProven: w.Gates.MinProven, MaxFailures: w.Gates.MaxFailures,
		HaltLeaks: w.Gates.HaltLeaks}
	return fleet.Stage{Share: w.Share, Soak: soak, Gates: g}, nil
}

func stagesOf(wire []stageWire) (all []fleet.Stage, err error) {
	for _, w := range wire {
		s, err := w.stage()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

type reasonWire struct {
	Code   string            `json:"code"`
	Values map[string]string `json:"values,omitempty"`
}

func reasonsToWire(all []fleet.Reason) []reasonWire {
	wire := make([]reasonWire, 0, len(all))
	for _, r := range all {
		wire = append(wire, reasonWire{r.Code, r.Values})
	}
	return wire
}

// countsWire are the figures of everybody, and beside them those of the counted fleet, which gates go by.
type countsWire struct {
	figuresWire
	Counted figuresWire `json:"counted"`
}

type figuresWire struct {
	Installations int64                  `json:"installations"`
	Began         int64                  `json:"began"`
	Running       int64                  `json:"running"`
	Failed        int64                  `json:"failed"`
	Lost          int64                  `json:"lost"`   // said that they installed it, and nothing more for 72 hours
	Causes        map[report.Cause]int64 `json:"causes"` // of those that failed
	Proven        int64                  `json:"proven"`
	Judged        int64                  `json:"judged"`
	Leaked        int64                  `json:"leaked"` // ever
	Verdicts      map[fleet.Class]int64  `json:"verdicts"`
}

func countsToWire(c fleet.Counts) *countsWire {
	return &countsWire{figuresToWire(c.Figures), figuresToWire(c.Counted)}
}

func figuresToWire(f fleet.Figures) figuresWire {
	return figuresWire{
		f.Installations, f.Began(), f.Running(), f.Failed(), f.Lost, maps.Clone(f.Causes), f.Proven(), f.Judged(), f.Leaked,
		maps.Clone(f.Verdicts),
	}
}
