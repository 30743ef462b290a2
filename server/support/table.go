// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/web"
)

// table is figures in rows, as RFC 4180 has them: the first names the columns by the fields of the JSON, and each row begins with
// the moment of which it is. Words in it are codes.
type table struct {
	columns []string
	rows    [][]string
}

// tabular is a view that has a table.
type tabular interface{ Table() table }

// tableOf writes the table of a view.
func tableOf(_ *responder, v view, at time.Time) []byte {
	t := v.(tabular).Table()
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	_ = w.Write(append([]string{"as_of"}, t.columns...)) // a buffer takes all
	for _, row := range t.rows {
		line := []string{at.UTC().Format(time.RFC3339)}
		for _, cell := range row {
			line = append(line, inert(web.Plain(cell)))
		}
		_ = w.Write(line)
	}
	w.Flush()
	return out.Bytes()
}

// inert keeps a spreadsheet from taking a text for a formula: names of releases and models are what somebody typed.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

// column is a figure and how it is read.
type column struct {
	name string
	of   func(Figures) string
}

// number is a column of a count.
func number(name string, of func(Figures) int64) column {
	return column{name, func(f Figures) string { return count(of(f)) }}
}

// ends are the columns of a range, in percent.
func ends(name string, of func(Figures) *Interval) []column {
	end := func(which func(*Interval) int) func(Figures) string {
		return func(f Figures) string {
			if is := of(f); is != nil {
				return fmt.Sprintf("%.2f", float64(which(is))/100)
			}
			return ""
		}
	}
	return []column{{name + "_low_percent", end(func(i *Interval) int { return i.Low })},
		{name + "_high_percent", end(func(i *Interval) int { return i.High })}}
}

// figureColumns are the figures of any model or release; classes are those that any of the rows has.
func figureColumns(classes []string) []column {
	all := []column{
		number(
			"installations",
			func(f Figures) int64 { return f.Installations },
		), number("unmet", func(f Figures) int64 { return f.Unmet }),
		number(
			"running",
			func(f Figures) int64 { return f.Running },
		), number("failed", func(f Figures) int64 { return f.Failed }),
		number("lost", func(f Figures) int64 { return f.Lost }), number("judged", func(f Figures) int64 { return f.Judged }),
		number(
			"proven",
			func(f Figures) int64 { return f.Proven },
		), number("opposite", func(f Figures) int64 { return f.Opposite }),
	}
	all = append(all, ends("proven", func(f Figures) *Interval { return f.ProvenInterval })...)
	all = append(all,
		number("counted_installations", func(f Figures) int64 { return f.Counted.Installations }),
		number("counted_running", func(f Figures) int64 { return f.Counted.Running }),
		number("counted_judged", func(f Figures) int64 { return f.Counted.Judged }),
		number("counted_proven", func(f Figures) int64 { return f.Counted.Proven }),
		number("counted_opposite", func(f Figures) int64 { return f.Counted.Opposite }))
	all = append(all, ends("counted_proven", func(f Figures) *Interval { return f.Counted.ProvenInterval })...)
	all = append(all, number("quarantined_installations", func(f Figures) int64 { return f.Quarantined.Installations }))
	for _, k := range effect.Kinds {
		all = append(all, number("kind_"+string(k), func(f Figures) int64 { return f.Kinds[k] }))
	}
	for _, p := range report.ProgressValues {
		all = append(all, number("progress_"+string(p), func(f Figures) int64 { return f.Progress[p] }))
	}
	for _, c := range report.Causes {
		all = append(all, number("cause_"+string(c), func(f Figures) int64 { return f.Causes[c] }))
	}
	for _, class := range classes {
		all = append(all, number("verdict_"+class, func(f Figures) int64 { return f.Verdicts[fleet.Class(class)] }))
	}
	return all
}

// modelsTable has a row for each model.
func modelsTable(models []Model) table {
	var classes []string
	for _, m := range models {
		for _, row := range m.classes {
			if !slices.Contains(classes, row.Key) {
				classes = append(classes, row.Key)
			}
		}
	}
	t := table{columns: []string{"model", "product", "release", "effect", "standing"}}
	columns := figureColumns(classes)
	for _, c := range columns {
		t.columns = append(t.columns, c.name)
	}
	for _, m := range models {
		row := []string{m.Model, m.Product, m.Release, m.Effect, string(m.Standing)}
		for _, c := range columns {
			row = append(row, c.of(m.Figures))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// Table has a row for each model.
func (v *Status) Table() table { return modelsTable(v.Models) }

// Table has a row for each model of the release.
func (v *ReleasePage) Table() table {
	t := modelsTable(v.Models)
	if v.explained == nil {
		return t
	}
	t.columns = append(t.columns, knownColumns...)
	for i, m := range v.Models {
		t.rows[i] = append(t.rows[i], knownCells(v.explained[m.Model])...)
	}
	return t
}

// Table has a row for each release.
func (v *ReleaseList) Table() table {
	t := table{columns: []string{"release", "counter", "effect", "at", "models"}}
	for _, r := range v.Releases {
		var models []string
		for _, m := range r.Models {
			models = append(models, m.Model)
		}
		t.rows = append(
			t.rows,
			[]string{r.Name, count(r.Counter), r.Effect, r.At.Format(time.RFC3339), strings.Join(models, " ")},
		)
	}
	return t
}

// Table has a row for each figure of the model's tables, with the whole of which it is a part and the range of its share.
func (v *ModelPage) Table() table {
	t := table{columns: []string{"model", "release", "standing", "of", "key", "count", "whole", "low_percent", "high_percent"}}
	for _, group := range []struct {
		name string
		rows []web.Row
	}{{"verdict", v.classes}, {"progress", v.steps}, {"before", v.found}, {"cause", v.causes}} {
		for _, r := range group.rows {
			low, high := "", ""
			if r.High > 0 {
				low, high = fmt.Sprintf("%.2f", float64(r.Low)/100), fmt.Sprintf("%.2f", float64(r.High)/100)
			}
			t.rows = append(
				t.rows,
				[]string{
					v.Model.Model,
					v.Model.Release,
					string(v.Standing),
					group.name,
					r.Key,
					count(r.Count),
					count(r.Of),
					low,
					high,
				},
			)
		}
	}
	v.Known.table(func(of, key string, n, whole int64) {
		t.rows = append(t.rows, []string{v.Model.Model, v.Model.Release, string(v.Standing), of, key, count(n), count(whole), "", ""})
	})
	if silent := v.SilentFor.columns(); silent[0] != "" {
		for n, days := range []string{"14", "28", "56"} {
			t.rows = append(
				t.rows,
				[]string{v.Model.Model, v.Model.Release, string(v.Standing), "silent_for", days, silent[n+1], silent[0], "", ""},
			)
		}
	}
	return t
}

// Table has a row for each moment.
func (s *Series) Table() table {
	t := table{
		columns: []string{"at", "model", "release", "installations", "running", "failed", "lost", "judged", "proven", "opposite",
			"counted_installations", "counted_running", "counted_judged", "counted_proven", "counted_opposite"},
	}
	for _, k := range effect.Kinds {
		t.columns = append(t.columns, "kind_"+string(k))
	}
	t.columns = append(t.columns, "heard_of", "silent_14", "silent_28", "silent_56")
	for _, p := range s.Points {
		row := []string{p.At.Format(time.RFC3339), s.Model, s.Release + p.Release}
		for _, n := range []int64{p.Installations, p.Running, p.Failed, p.Lost, p.Judged, p.Proven, p.Opposite, p.Counted.Installations,
			p.Counted.Running, p.Counted.Judged, p.Counted.Proven, p.Counted.Opposite} {
			row = append(row, count(n))
		}
		for _, k := range effect.Kinds {
			row = append(row, count(p.Kinds[k]))
		}
		t.rows = append(t.rows, append(row, p.SilentFor.columns()...))
	}
	return t
}

// Table has a row for each report that the page shows.
func (v *InstallationPage) Table() table {
	t := table{columns: []string{"installation", "model", "seq", "received", "release", "kind", "progress", "build", "verdict"}}
	for _, r := range v.Reports {
		t.rows = append(t.rows, []string{v.Reference, v.Model, count(r.Seq), r.At.Format(time.RFC3339), r.Release, string(r.Kind),
			string(r.Progress), r.Build, string(r.Verdict)})
	}
	return t
}
