// SPDX-License-Identifier: Apache-2.0

package support

import (
	"strings"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/web"
)

// wordReason words a reason that holds for every effect: what a person said as that was said, any other by the sentence
// for its code.
func wordReason(locale *web.Locale, r fleet.Reason) string {
	if r.IsZero() {
		return ""
	}
	values := map[string]string{}
	for name, value := range r.Values {
		values[name] = clean(value)
	}
	if text, has := values[fleet.TextValue]; has {
		values[fleet.TextValue] = locale.Written(text)
	}
	if r.Code == fleet.SaidCode || r.Code == fleet.RecordedCode {
		return values[fleet.TextValue]
	}
	if locale.Has("reason." + r.Code) {
		// An older program may have stored fewer values.
		if words := locale.Say("reason."+r.Code, values); !strings.HasPrefix(words, "[") {
			return words
		}
	}
	return locale.In(english, clean(reasons.Words(r)))
}

// trailWords are a line of the trail of a rollout: in English as it was written, elsewhere in words for what it says, if a
// program wrote it.
func trailWords(locale *web.Locale, line string) string {
	said, known := reasons.Trail(line)
	if !known || locale.Tag == english {
		return locale.Written(clean(line))
	}
	words := make([]string, 0, len(said))
	for _, r := range said {
		words = append(words, wordReason(locale, r))
	}
	return strings.Join(words, locale.Mark("semicolon"))
}

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
