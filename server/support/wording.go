// SPDX-License-Identifier: Apache-2.0

package support

import (
	"landed/manifests/effect"
	"landed/web"
)

// inLanguage are the words of an effect as pages show them: cleaned, and marked where they are in another language than the
// pages.
func inLanguage(locale *web.Locale, language string, w effect.Words) effect.Words {
	text := func(s string) string { return locale.In(language, clean(s)) }
	texts := func(all map[string]string) map[string]string {
		out := make(map[string]string, len(all))
		for name, s := range all {
			out[name] = text(s)
		}
		return out
	}
	w.Subject, w.Question, w.Shown, w.ByHand, w.Limits = text(w.Subject), text(w.Question), text(w.Shown), text(w.ByHand), text(w.Limits)
	w.Migration, w.Before, w.Reasons = texts(w.Migration), texts(w.Before), texts(w.Reasons)
	classes := make(map[string]effect.ClassWords, len(w.Classes))
	for name, c := range w.Classes {
		classes[name] = effect.ClassWords{
			Name: text(c.Name), Means: text(c.Means), Tell: text(c.Tell), Still: text(c.Still), Do: text(c.Do),
		}
	}
	probes := make(map[string]effect.ProbeWords, len(w.Probes))
	for name, p := range w.Probes {
		probes[name] = effect.ProbeWords{Name: text(p.Name), Values: texts(p.Values)}
	}
	w.Classes, w.Probes = classes, probes
	return w
}
