// SPDX-License-Identifier: Apache-2.0

package otapkg

// outcome is what an expression may come to on a phone: a set of these.
type outcome uint8

const (
	yes   outcome = 1 << iota // it goes on, with a text that is not empty
	no                        // it goes on, with an empty text
	stop                      // the script ends without success
	alter                     // something was written; what follows is no guard any more
)

// walk follows one statement for one phone.
type walk struct {
	*guards
	phone phone
	st    statement
}

// unclear notes the source of a condition whose answer nobody can know here, if a stranger's way depends on it.
func (w *walk) unclear(from, to int) {
	if w.phone.stranger && len(w.open) < maxListed {
		note(&w.open, sourceText(w.st.tokens[from:to]))
	}
}

// walk gives what n may come to; cond says that its answer decides how the script goes on.
func (w *walk) walk(n *node, cond bool) outcome {
	if w.steps--; w.steps < 0 {
		return yes | no | stop | alter
	}
	switch n.op {
	case "lit":
		return truth(n.text != "")
	case "||":
		return w.chain(n.kids, no, cond)
	case "&&":
		return w.chain(n.kids, yes, cond)
	case ";":
		if len(n.kids) == 0 {
			return no
		}
		return w.chain(n.kids, yes|no, cond)
	case "!":
		return not(w.walk(n.kids[0], true))
	case "if":
		return w.branch(n.kids, cond)
	case "call":
		return w.call(n, cond)
	}
	o := w.chain(n.kids, yes|no, false) // both sides are computed
	switch {
	case o&(yes|no) == 0:
		return o
	case n.op == "+":
		return o | yes | no // a text put together may be empty or not
	}
	return o&(stop|alter) | w.compare(n, cond)
}

func truth(b bool) outcome {
	if b {
		return yes
	}
	return no
}

func not(o outcome) outcome { return o&^(yes|no) | o&yes<<1 | o&no>>1 }

// chain follows kids as long as one comes to what leads on; the last one's answer is that of the chain.
func (w *walk) chain(kids []*node, on outcome, cond bool) (all outcome) {
	for i, k := range kids {
		last := i == len(kids)-1
		o := w.walk(k, cond && last || on != yes|no && !last)
		if last {
			return all | o
		}
		all |= o &^ on
		if o&on == 0 {
			break
		}
	}
	return all
}

// branch is if, or ifelse: a condition, and what follows from either answer.
func (w *walk) branch(kids []*node, cond bool) outcome {
	o := w.walk(kids[0], true)
	all := o & (stop | alter)
	if o&yes != 0 {
		all |= w.walk(kids[1], cond)
	}
	if o&no == 0 {
		return all
	}
	if len(kids) < 3 {
		return all | no
	}
	return all | w.walk(kids[2], cond)
}

// call follows the arguments of a function and then what it does.
func (w *walk) call(n *node, cond bool) outcome {
	switch {
	case n.text == "ifelse" && (len(n.kids) == 2 || len(n.kids) == 3):
		return w.branch(n.kids, cond)
	case n.text == "assert":
		return w.assert(n.kids)
	}
	all := yes | no
	if len(n.kids) > 0 {
		all = w.chain(n.kids, yes|no, false)
	}
	if all&(yes|no) == 0 {
		return all
	}
	all &= stop | alter
	if n.text == "abort" {
		return all | stop
	}
	if alters(n) {
		if !writers[n.text] && !writesNothing[n.text] {
			w.unclear(n.from, n.to)
		}
		return all | alter
	}
	if prop, ok := property(n); ok && deviceProps[prop] {
		return all | yes // never empty
	}
	w.asked(n, cond)
	return all | yes | no
}

// asked notes a condition that is open; in a statement that does not speak of the device it says nothing about that.
func (w *walk) asked(n *node, cond bool) {
	if cond && w.st.devices {
		w.unclear(n.from, n.to)
	}
}

// assert stops at the first argument that is empty, and gives an empty text itself.
func (w *walk) assert(kids []*node) (all outcome) {
	for _, k := range kids {
		o := w.walk(k, true)
		all |= o & (stop | alter)
		if o&no != 0 {
			all |= stop
		}
		if o&yes == 0 {
			return all
		}
	}
	return all | no
}

// compare is the answer of == or !=, as far as the phone's name decides it.
func (w *walk) compare(n *node, cond bool) outcome {
	o := w.equal(n, cond)
	if n.op == "!=" {
		return not(o)
	}
	return o
}

func (w *walk) equal(n *node, cond bool) outcome {
	if n.kids[0].op == "lit" && n.kids[1].op == "lit" {
		return truth(n.kids[0].text == n.kids[1].text)
	}
	prop, literal, ok := comparison(n)
	if everywhere, device := deviceProps[prop]; ok && device {
		switch same := w.phone.is(literal); {
		case everywhere:
			return truth(same)
		case same || literal == "":
			return yes | no // some phones do not have the property
		}
		return no
	}
	if fp, is := ParseFingerprint(literal); ok && is && prop == propFingerprint {
		if w.phone.is(fp.Device) {
			return yes | no // it may run another build
		}
		return no
	}
	if ok && prop != propFingerprint && prop != propDate && cond {
		w.unclear(n.from, n.to) // who knows which phones have it
	} else {
		w.asked(n, cond)
	}
	return yes | no
}
