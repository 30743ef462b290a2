// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/json"
	"maps"
	"time"

	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/release"
)

// The shapes of the API. Times are RFC 3339 in UTC, shares hundredths of a percent.

type packageWire struct {
	SHA256    string          `json:"sha256"`
	Name      string          `json:"name"`
	Size      int64           `json:"size"`
	Model     string          `json:"model"`
	Variant   string          `json:"variant"`
	Channel   string          `json:"channel"`
	Family    string          `json:"family"`
	Build     manifests.Build `json:"build"`
	PreBuilds []string        `json:"pre_builds,omitempty"`
	Findings  json.RawMessage `json:"findings"`
	Facts     json.RawMessage `json:"facts,omitempty"` // only in the answer to an upload
	By        string          `json:"by"`
	At        time.Time       `json:"at"`
	Known     bool            `json:"known,omitempty"` // only in the answer to an upload: the bytes were here already
	Also      []packageWire   `json:"also,omitempty"`  // only there: the same file for the other devices that it names
}

func packageToWire(p fleet.Package) packageWire {
	findings := json.RawMessage(p.Findings)
	if len(findings) == 0 || string(findings) == "null" {
		findings = json.RawMessage("[]")
	}
	return packageWire{p.SHA256, p.Name, p.Size, p.Model, p.Variant, p.Channel, p.Family, p.Build, p.PreBuilds, findings,
		nil, p.By, p.At, false, nil}
}

type releaseWire struct {
	Name     string             `json:"name"`
	Counter  int64              `json:"counter"`
	State    fleet.ReleaseState `json:"state"`
	Packages []fleet.PackageRef `json:"packages"` // "SHA-256/model/channel"
	Change   string             `json:"change,omitempty"`
	Source   string             `json:"source,omitempty"` // only for one release
	By       string             `json:"by"`
	At       time.Time          `json:"at"`
}

func releaseToWire(r fleet.Release) releaseWire {
	return releaseWire{r.Name, r.Counter, r.State, r.Packages, r.Change, "", r.By, r.At}
}

type changeWire struct {
	ID      string            `json:"id"`
	Release string            `json:"release,omitempty"`
	State   fleet.ChangeState `json:"state"`
	Roles   []roleWire        `json:"roles"`
	Words   []string          `json:"words"` // the progress, for people
	At      time.Time         `json:"at"`
}

type roleWire struct {
	Role    string   `json:"role"`
	Version int64    `json:"version"`
	Have    int      `json:"have"`
	Need    int      `json:"need"`
	Signed  []string `json:"signed"`  // key ids
	Missing []string `json:"missing"` // key ids
	// People, by name, or by the first 12 digits of the key id where no name is known.
	SignedBy    []string `json:"signed_by"`
	MissingFrom []string `json:"missing_from"`
}

func changeToWire(c fleet.Change, p release.Progress) changeWire {
	w := changeWire{ID: c.ID, Release: c.Release, State: p.State, Roles: []roleWire{}, Words: p.Words(), At: c.At}
	byRole := map[string]tufrepo.Progress{}
	for _, one := range p.Roles {
		byRole[one.Role] = one
	}
	for _, r := range c.Roles {
		one := byRole[r.Role]
		w.Roles = append(w.Roles, roleWire{r.Role, r.Version, one.Have, one.Need, orEmpty(one.Signed), orEmpty(one.Missing),
			tufrepo.People(p.Names, one.Signed), tufrepo.People(p.Names, one.Missing)})
	}
	return w
}

type rolloutWire struct {
	ID       string             `json:"id"`
	Release  string             `json:"release"`
	Model    string             `json:"model"`
	Channel  string             `json:"channel"`
	Packages []string           `json:"packages"` // SHA-256, one for each image variant
	Salt     string             `json:"salt"`
	State    fleet.RolloutState `json:"state"`
	Stage    int                `json:"stage"` // 1, 2, 3 …
	Share    int                `json:"share"`
	Stages   []stageWire        `json:"stages"`
	Held     string             `json:"held,omitempty"`
	Reason   string             `json:"reason,omitempty"`
	By       string             `json:"by"`
	Waiting  []string           `json:"waiting"` // what the stage still waits for, in words
	Counts   *countsWire        `json:"counts,omitempty"`
	Since    time.Time          `json:"since"`
	Started  time.Time          `json:"started"`
	Changed  time.Time          `json:"changed"`
	Revision int64              `json:"revision"`
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

type countsWire struct {
	Installations int64                 `json:"installations"`
	Began         int64                 `json:"began"`
	Running       int64                 `json:"running"`
	Failed        int64                 `json:"failed"`
	Proven        int64                 `json:"proven"`
	Judged        int64                 `json:"judged"`
	Verdicts      map[fleet.Class]int64 `json:"verdicts"`
}

func countsToWire(c fleet.Counts) *countsWire {
	w := &countsWire{c.Installations, c.Began(), c.Running(), c.Failed(), c.Proven(), c.Judged(), maps.Clone(c.Verdicts)}
	return w
}

type auditWire struct {
	N       int64     `json:"n"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	Subject string    `json:"subject"`
	Reason  string    `json:"reason,omitempty"`
}

type tokenWire struct {
	Name   string     `json:"name"`
	Role   fleet.Role `json:"role"`
	At     time.Time  `json:"at"`
	Secret string     `json:"token,omitempty"` // only in the answer that made it
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
