// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"landed/server/otactl/client"
)

const stagesHelp = `A file of stages looks like

  stages:
    - share: 1%          # of the fleet; shares grow, the last is 100%
      soak: 48h          # at least this long
      gates:
        min_reports: 400 # installations that could be judged, at most: a small fleet needs fewer
        min_proven: 50%  # of those, beyond chance
        max_failures: 10% # of package and build; if it is beyond chance that more fail, it is halted
        halt_leaks: 5    # leaking counted installations that halt it
    - share: 100%
      soak: 168h`

// share is a part of the fleet as people write it: "1%", "12.5%". A bare number is refused, as
// it could mean percent or, as on the wire, hundredths of one.
type share int

func (s *share) UnmarshalYAML(n *yaml.Node) error {
	digits, ok := strings.CutSuffix(strings.TrimSpace(n.Value), "%")
	value, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	hundredths := math.Round(value * 100)
	if !ok || err != nil || n.Kind != yaml.ScalarNode || !(value >= 0 && value <= 100) ||
		math.Abs(hundredths-value*100) > 1e-6 {
		return fmt.Errorf("line %d: %q: wanted a share from 0%% to 100%% with at most two decimals, such as 12.5%%", n.Line,
			n.Value)
	}
	*s = share(hundredths)
	return nil
}

type stage struct {
	Share *share `yaml:"share"`
	Soak  string `yaml:"soak"`
	Gates struct {
		MinReports  int64 `yaml:"min_reports"`
		MinProven   share `yaml:"min_proven"`
		MaxFailures share `yaml:"max_failures"`
		HaltLeaks   int64 `yaml:"halt_leaks"`
	} `yaml:"gates"`
}

// parseStages reads a file of stages. What can be wrong with a stage by itself is found here,
// all at once; how stages must follow one another is the server's to say.
func parseStages(text []byte) ([]client.Stage, error) {
	var file struct {
		Stages []stage `yaml:"stages"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one YAML document in the file")
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(file.Stages) == 0 {
		fault("no stages are in it; wanted \"stages:\" and a list")
	}
	var all []client.Stage
	for i, s := range file.Stages {
		if s.Share == nil {
			fault("stage %d has no share", i+1)
			s.Share = new(share)
		}
		soak, err := time.ParseDuration(s.Soak)
		if err != nil || soak < 0 {
			fault("stage %d: soak %q: wanted a duration such as 48h or 30m", i+1, s.Soak)
		}
		g := s.Gates
		if g.MinReports < 0 || g.HaltLeaks < 0 {
			fault("stage %d: gates count installations from 0", i+1)
		}
		all = append(all, client.Stage{Share: int(*s.Share), Soak: soak.String(),
			Gates: client.Gates{MinReports: g.MinReports, MinProven: int(g.MinProven), MaxFailures: int(g.MaxFailures),
				HaltLeaks: g.HaltLeaks}})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return all, nil
}
