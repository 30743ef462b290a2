// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"time"

	"landed/server/httplimit"
	"landed/server/uptime"
)

// openClock has the server go by a guard, whatever its clock does.
func (s *Server) openClock() {
	if s.cfg.Clock == nil {
		s.cfg.Clock = uptime.Virtual(s.cfg.Now)
	}
	guard := uptime.NewGuard(s.cfg.Clock)
	s.cfg.Now = guard.Now
	s.uptime = &uptime.Uptime{Guard: guard, Log: s.cfg.Log}
	s.Crowd = httplimit.NewCrowd(s.cfg.Now)
}

// lookAtClock says why the clock is not believed, and holds it against the time of the last publication.
func (s *Server) lookAtClock(published time.Time) (found []cause) {
	is := s.uptime.State()
	if is.Distrusted {
		ends := "a person accepts it (otactl clock accept)"
		if is.Left > 0 {
			ends = fmt.Sprintf("it has agreed with what passes for another %s, or %s", is.Left.Round(time.Second), ends)
		}
		found = append(found, cause{causeClock, fmt.Sprintf("the clock jumped: it shows %s, and by what passed it is %s; no "+
			"rollout goes on by time until %s. Compare it with another clock", is.Wall.UTC().Format(time.DateTime),
			is.Now.UTC().Format(time.DateTime), ends)})
	}
	if behind := published.Sub(is.Now); behind > uptime.JumpLimit {
		found = append(found, cause{causeClock, fmt.Sprintf("the clock says %s, and something was published at %s; set it "+
			"right", is.Now.UTC().Format(time.DateTime), published.UTC().Format(time.DateTime))})
	}
	return found
}
