// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"landed/server/support/naming"
	"landed/web"
)

// asked is which models a reader of the status page wants to see, and in what order. All of it
// stands in the query, so that it works without a script and can be bookmarked; what is not
// understood there is as good as not said.
type asked struct {
	Find  string // what a model is called (package naming); never what may name a person
	Show  string // "", "attention" or a standing
	Order string // "" is the line-up

	links web.Links
}

// What may be asked for.
const (
	needsAttention = "attention"
	byAttention    = "attention"
	byName         = "name"
	bySize         = "handsets"
	longestFind    = 80 // characters
)

// urgency is the order of standings from what needs somebody first to what needs nobody.
var urgency = []Standing{Halting, Halted, Leaking, Unreadable, NotShown, Partly, Testing, Waiting, Offered, NotOffered, Retired,
	Unclaimed, Spreading, Shown}

func askedOf(q url.Values) asked {
	a := asked{Find: strings.Join(strings.Fields(clip(clean(q.Get("find")), longestFind)), " ")}
	if naming.Personal(q.Get("find")) { // an old or a made-up link: it is in no link of ours
		a.Find = ""
	}
	if show := q.Get("show"); show == needsAttention || slices.Contains(urgency, Standing(show)) {
		a.Show = show
	}
	if order := q.Get("order"); order == byAttention || order == byName || order == bySize {
		a.Order = order
	}
	return a
}

// heeded is what was asked of a list. What looks like the number of a handset, and is no build of any model there, is as good as not said.
func (v *Status) heeded(a asked) asked {
	if naming.Equipment(a.Find) && !slices.ContainsFunc(v.Models, a.finds) {
		a.Find = ""
	}
	return a
}

// query is a as it stands in an address, "" if nothing is asked.
func (a asked) query() string {
	q := url.Values{}
	for _, part := range [][2]string{{"find", a.Find}, {"show", a.Show}, {"order", a.Order}} {
		if part[1] != "" {
			q.Set(part[0], part[1])
		}
	}
	return q.Encode()
}

// Path is the address of the list that a asks for.
func (a asked) Path() string {
	u := url.URL{Path: "/", RawQuery: a.query(), Fragment: "models"}
	return a.links.To(u.String())
}

// takes says if a model is among those asked for.
func (a asked) takes(m Model) bool {
	return a.finds(m) && (a.Show == "" || a.Show == string(m.Standing) || a.Show == needsAttention && m.needsAttention())
}

func (a asked) finds(m Model) bool { return m.names.Finds(naming.Read(a.Find)) }

func (a asked) sort(models []Model) {
	slices.SortStableFunc(models, func(x, y Model) int {
		switch a.Order {
		case byAttention:
			return cmp.Compare(x.urgency(), y.urgency())
		case byName:
			return strings.Compare(strings.ToLower(x.Product), strings.ToLower(y.Product))
		case bySize:
			return cmp.Compare(y.Installations, x.Installations)
		}
		return 0
	})
}

// Listed are the models that the reader asked for, in the order asked for.
func (v *Status) Listed() []Model {
	listed := slices.DeleteFunc(slices.Clone(v.Models), func(m Model) bool { return !v.Asked.takes(m) })
	v.Asked.sort(listed)
	return listed
}

// Pieces are what the cards of these models are drawn from.
func (v *Status) Pieces(listed []Model) []web.Piece {
	pieces := make([]web.Piece, len(listed))
	for i := range listed {
		pieces[i] = web.Piece{Said: listed[i].said, What: &listed[i]}
	}
	return pieces
}

// A list of up to fullList models has all that there is to say of each, folded; one of up to
// openList shows it. Longer ones have a line for each model, and the rest on its own page.
const (
	fullList = 24
	openList = 2
)

// Full says that the cards of so many models hold all there is to say.
func (v *Status) Full(n int) bool { return n <= fullList }

// Open says that so many cards are shown unfolded: somebody searched, and these are what was meant.
func (v *Status) Open(n int) bool { return v.Asked.Find != "" && n <= openList }

// Choice is one way to see the list of models.
type Choice struct {
	Key  string
	N    int64 // models
	Path string
	On   bool // this is how it is seen now
}

// Choices are the groups in which there is any model, with how many.
func (v *Status) Choices() []Choice {
	choice := func(show string, n int64) Choice {
		a := v.Asked
		a.Show = show
		return Choice{show, n, a.Path(), v.Asked.Show == show}
	}
	found, attention, of := int64(0), int64(0), map[Standing]int64{}
	for _, m := range v.Models {
		if !v.Asked.finds(m) {
			continue
		}
		found++
		of[m.Standing]++
		if m.needsAttention() {
			attention++
		}
	}
	out := []Choice{choice("", found)}
	if attention > 0 || v.Asked.Show == needsAttention {
		out = append(out, choice(needsAttention, attention))
	}
	for _, s := range urgency {
		if of[s] > 0 || v.Asked.Show == string(s) {
			out = append(out, choice(string(s), of[s]))
		}
	}
	return out
}

// Orders are the orders in which the list can be seen.
func (v *Status) Orders() []Choice {
	var out []Choice
	for _, order := range []string{"", byAttention, byName, bySize} {
		a := v.Asked
		a.Order = order
		out = append(out, Choice{order, 0, a.Path(), v.Asked.Order == order})
	}
	return out
}
