// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	"landed/server/auth"
	"landed/server/render"
	"landed/server/uptime"
)

// clockAPI tells how the clock stands, and takes a person's word that it is right.
type clockAPI struct{ uptime *uptime.Uptime }

func (a clockAPI) doors() []Door {
	return []Door{
		{"GET", "/clock", support, a.show},
		{"POST", "/clock/accept", engineer, a.accept},
	}
}

type clockWire struct {
	Now        time.Time  `json:"now"`              // what the server goes by
	Shows      time.Time  `json:"shows"`            // what the clock shows
	Distrusted bool       `json:"distrusted"`       // it jumped, and is not believed yet
	Jumped     *time.Time `json:"jumped,omitempty"` // when, by what the server goes by
	By         string     `json:"by,omitempty"`     // shows is ahead of now by so much, as Go writes durations
	Left       string     `json:"left,omitempty"`   // it must agree for so long to be believed by itself; missing: a person must accept it
}

func clockToWire(s uptime.State) clockWire {
	w := clockWire{Now: s.Now.UTC(), Shows: s.Wall.UTC(), Distrusted: s.Distrusted}
	if s.Distrusted {
		at := s.At.UTC()
		w.Jumped, w.By = &at, s.By.Round(time.Second).String()
		if s.Left > 0 {
			w.Left = s.Left.Round(time.Second).String()
		}
	}
	return w
}

func (a clockAPI) show(w http.ResponseWriter, _ *http.Request) error {
	return render.JSON(w, http.StatusOK, clockToWire(a.uptime.State()))
}

// accept has the clock believed as it stands.
func (a clockAPI) accept(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	s, err := a.uptime.Accept(r.Context(), auth.Actor(r.Context()), in.Reason)
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, clockToWire(s))
}
