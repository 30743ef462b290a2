// SPDX-License-Identifier: Apache-2.0

package otapkg

import "slices"

// A device guard is not found by its form, because makers write many: it is found by following the script for a phone
// whose name the script does not know. If that phone is stopped before anything is written, whatever else is true of
// it, the script has a guard; who passes is found by following it once more for each name that it compares with. What
// a condition says that has nothing to do with the name (a date, a mount) is open, and both ways are followed.

// readGuards finds which devices the script lets pass.
func (s *ScriptFacts) readGuards(g *guards) {
	stranger := g.follow(phone{stranger: true})
	var altered, ended []string                                // names of phones that are written to, and of those that are not
	for i := 0; stranger&alter == 0 && i < len(g.names); i++ { // following one may find more
		switch o := g.follow(phone{name: g.names[i]}); {
		case o&alter != 0:
			altered = append(altered, g.names[i])
		case o != 0:
			ended = append(ended, g.names[i])
		}
	}
	switch {
	case g.steps < 0: // nothing that was found is sure
		s.Unclear = []string{"a script that is too long to be followed"}
	case stranger == 0 && len(g.names) == 0 && len(g.statements) > 0: // nor is any other phone let pass
		s.Unclear = []string{sourceText(g.statements[len(g.statements)-1].tokens)}
	case stranger == 0:
		s.Devices = append(altered, ended...)
	case stranger&alter == 0 && len(altered) > 0: // it ends well on others, and writes nothing
		s.Devices = altered
	default:
		s.Unclear = g.open
	}
	s.Devices = bounded(s.Devices)
	if s.Unclear = bounded(s.Unclear); len(s.Devices) == 0 {
		s.Named = bounded(g.names)
	}
}

// bounded is a list that is fit for facts.
func bounded(list []string) (out []string) {
	for _, text := range list {
		note(&out, text)
	}
	return out
}

// Bounds of the work: a script that compares with a hundred names has some 20,000 steps.
const (
	maxSteps = 5_000_000
	maxNames = 200
)

// guards is a script, parsed as far as it had to be followed.
type guards struct {
	statements []statement
	rest       [][]token // behind them
	names      []string  // that it compares a device with
	steps      int       // left
	open       []string  // conditions that would have to be understood to know if a stranger passes
}

// statement is one of them, nil if it could not be read.
type statement struct {
	*node
	tokens  []token
	devices bool // it speaks of the device
}

// phone is the one that a script is followed for: one of a name, or one that the script does not know.
type phone struct {
	name     string
	stranger bool
}

// is says if a phone has the name.
func (p phone) is(name string) bool { return !p.stranger && p.name == name }

// deviceProps are properties that hold the device's name, and whether every phone has them.
var deviceProps = map[string]bool{
	"ro.product.device": true, "ro.build.product": true, "ro.product.vendor.device": false, "ro.product.system.device": false,
	"ro.product.odm.device": false, "ro.product.product.device": false, "ro.vendor.product.device": false,
	"ro.cm.device": false, "ro.lineage.device": false, "ro.omni.device": false,
}

const (
	propFingerprint = "ro.build.fingerprint"
	propDate        = "ro.build.date.utc"
)

// next parses one more statement and notes the names that it compares with.
func (g *guards) next() {
	tokens := g.rest[0]
	g.rest = g.rest[1:]
	st := statement{node: parseStatement(tokens), tokens: tokens}
	for _, t := range tokens {
		_, device := deviceProps[t.text]
		st.devices = st.devices || t.kind != 'o' && (device || t.text == propFingerprint)
	}
	if st.node != nil && st.devices {
		g.compared(st.node)
	}
	g.statements = append(g.statements, st)
}

// compared notes the names that a device, or the device of a fingerprint, is compared with.
func (g *guards) compared(n *node) {
	for _, k := range n.kids {
		g.compared(k)
	}
	if n.op != "==" && n.op != "!=" {
		return
	}
	prop, literal, ok := comparison(n)
	name, isDevice := literal, false
	if _, isDevice = deviceProps[prop]; prop == propFingerprint {
		fp, is := ParseFingerprint(literal)
		name, isDevice = fp.Device, is
	}
	if ok && isDevice && len(g.names) < maxNames && !slices.Contains(g.names, name) {
		g.names = append(g.names, name)
	}
}

// comparison reads a property that is compared with a literal, either way round.
func comparison(n *node) (prop, literal string, ok bool) {
	a, b := n.kids[0], n.kids[1]
	if a.op == "lit" {
		a, b = b, a
	}
	prop, ok = property(a)
	return prop, b.text, ok && b.op == "lit"
}

// property reads getprop("x"), or file_getprop("file", "x") of a file that the package cannot have brought.
func property(n *node) (prop string, ok bool) {
	args := map[string]int{"getprop": 1, "file_getprop": 2}[n.text]
	if n.op != "call" || args == 0 || len(n.kids) != args || n.kids[args-1].op != "lit" {
		return "", false
	}
	if file, ok := literal(n.kids[0]); args == 2 && (!ok || !propFiles[absolute(file)]) {
		return "", false
	}
	return n.kids[args-1].text, true
}

// follow gives what a phone may come to: what alters it, the end of the script without that, or neither.
func (g *guards) follow(p phone) outcome {
	for i := 0; i < len(g.statements) || len(g.rest) > 0; i++ {
		if i == len(g.statements) {
			g.next()
		}
		st := g.statements[i]
		w := walk{guards: g, phone: p, st: st}
		o := yes | no | stop | alter // of what cannot be read
		if st.node != nil {
			o = w.walk(st.node, false)
		} else {
			w.unclear(0, len(st.tokens))
		}
		if o&alter != 0 {
			return alter
		}
		if o&(yes|no) == 0 {
			return 0
		}
	}
	return yes
}
