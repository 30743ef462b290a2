// SPDX-License-Identifier: Apache-2.0

package known

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"landed/manifests/report"
	"landed/manifests/strict"
	"landed/server/fleet"
)

// Bounds.
const (
	MaxSource   = 32 << 10 // bytes of a text as people write it
	MaxText     = 500      // letters in one language
	MaxTexts    = 20       // languages
	MaxLink     = 500      // bytes
	MaxModels   = 200
	MaxStanding = 200 // known issues that hold at a time
)

// English is the language that every known issue is written in.
const English = "en"

// source is how people write one down.
type source struct {
	Models   []string          `yaml:"models"`
	Release  string            `yaml:"release"`
	Cause    string            `yaml:"cause"`
	Progress string            `yaml:"progress"`
	Class    string            `yaml:"class"`
	Text     map[string]string `yaml:"text"`
	Link     string            `yaml:"link"`
	Since    string            `yaml:"since"` // "": today
	Who      string            `yaml:"who"`
}

var (
	modelForm    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,40}$`) // as the catalogue has them
	releaseForm  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`)
	classForm    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,60}$`)
	languageForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$`)
)

// Parse reads a known issue as people write it, in YAML, on a day. Who, when and its number are not in it, and whether there
// are such models, such a release and such a class it cannot know. The error has every fault.
func Parse(text []byte, now time.Time) (k fleet.KnownIssue, err error) {
	if len(text) > MaxSource {
		return k, fmt.Errorf("it is %d bytes long, wanted at most %d", len(text), MaxSource)
	}
	var s source
	if err := strict.YAML(text, &s); err != nil {
		return k, fmt.Errorf("it cannot be read: %w", err)
	}
	k = fleet.KnownIssue{Models: slices.Sorted(slices.Values(s.Models)), Release: s.Release, Link: s.Link, Who: fleet.KnownWho(s.Who)}
	faults := slices.Concat(modelFaults(k.Models), releaseFaults(s.Release), subjectFaults(s, &k), textFaults(s.Text, &k),
		linkFaults(s.Link))
	if k.Since, err = sinceOf(s.Since, now); err != nil {
		faults = append(faults, err)
	}
	if !slices.Contains(fleet.KnownWhos, k.Who) {
		faults = append(faults, fmt.Errorf("who is %s; say who is to act: %s", quote(s.Who), words(fleet.KnownWhos)))
	}
	return k, errors.Join(faults...)
}

func modelFaults(models []string) (faults []error) {
	if len(models) > MaxModels {
		faults = append(faults, fmt.Errorf("%d models, wanted at most %d; leave models out for every model", len(models), MaxModels))
	}
	for i, m := range models {
		if !modelForm.MatchString(m) {
			faults = append(faults, fmt.Errorf("the model %s is no ro.product.device, such as armani", quote(m)))
		}
		if i > 0 && models[i-1] == m {
			faults = append(faults, fmt.Errorf("the model %s is named twice", quote(m)))
		}
	}
	return faults
}

func releaseFaults(release string) []error {
	if release != "" && !releaseForm.MatchString(release) {
		return []error{fmt.Errorf("the release %s is no name of one; leave release out for any", quote(release))}
	}
	return nil
}

// subjectFaults finds the one subject.
func subjectFaults(s source, k *fleet.KnownIssue) (faults []error) {
	var named []fleet.KnownSubject
	for _, subject := range fleet.KnownSubjects {
		value := map[fleet.KnownSubject]string{
			fleet.KnownCause: s.Cause, fleet.KnownProgress: s.Progress, fleet.KnownClass: s.Class,
		}[subject]
		if value != "" {
			named, k.Subject, k.Value = append(named, subject), subject, value
			faults = append(faults, valueFaults(subject, value)...)
		}
	}
	if len(named) != 1 {
		is := "none of them"
		if len(named) > 1 {
			is = words(named)
		}
		faults = append(faults, fmt.Errorf("it says %s; wanted exactly one of %s, since figures have no two of them together",
			is, words(fleet.KnownSubjects)))
	}
	return faults
}

func valueFaults(subject fleet.KnownSubject, value string) []error {
	switch {
	case subject == fleet.KnownCause && !slices.Contains(report.Causes, report.Cause(value)):
		return []error{fmt.Errorf("the cause is %s; wanted %s", quote(value), words(report.Causes))}
	case subject == fleet.KnownProgress && !slices.Contains(report.ProgressValues, report.Progress(value)):
		return []error{fmt.Errorf("the progress is %s; wanted %s", quote(value), words(report.ProgressValues))}
	case subject == fleet.KnownClass && !classForm.MatchString(value):
		return []error{fmt.Errorf("the class is %s; wanted the name of a verdict, such as carried_over", quote(value))}
	}
	return nil
}

func textFaults(texts map[string]string, k *fleet.KnownIssue) (faults []error) {
	if strings.TrimSpace(texts[English]) == "" {
		faults = append(faults, errors.New("text.en is missing: say in English what is known; other languages are welcome beside it"))
	}
	if len(texts) > MaxTexts {
		return append(faults, fmt.Errorf("it is written in %d languages, wanted at most %d", len(texts), MaxTexts))
	}
	for _, lang := range slices.Sorted(maps.Keys(texts)) {
		text := strings.TrimSpace(texts[lang])
		if !languageForm.MatchString(lang) {
			faults = append(faults, fmt.Errorf("text.%s: wanted a language tag, as en or zh-Hans", quote(lang)))
			continue
		}
		if n := utf8.RuneCountInString(text); n > MaxText || n == 0 && lang != English {
			faults = append(faults, fmt.Errorf("text.%s has %d letters, wanted 1 to %d; what is longer belongs behind the link",
				lang, n, MaxText))
		}
		faults = append(faults, unseenFaults("text."+lang, text)...)
		k.Text = append(k.Text, fleet.KnownText{Lang: lang, Text: text})
	}
	return faults
}

// unseenFaults finds a letter that nobody sees, or that turns what stands beside it.
func unseenFaults(what, text string) []error {
	if !utf8.ValidString(text) {
		return []error{fmt.Errorf("%s is no valid UTF-8", what)}
	}
	i := strings.IndexFunc(text, unseen)
	if i < 0 {
		return nil
	}
	r, _ := utf8.DecodeRuneInString(text[i:])
	return []error{fmt.Errorf("%s holds U+%04X, which nobody sees, or which ends its line; write it in one paragraph without", what, r)}
}

// unseen is a control, a format mark (U+200B, U+202E), or the end of a line or paragraph.
func unseen(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

// linkFaults wants an address that a page may lead to: https, a host, nobody's name and password, and letters that are seen.
func linkFaults(link string) (faults []error) {
	if link == "" {
		return nil
	}
	if len(link) > MaxLink {
		return []error{fmt.Errorf("the link has %d bytes, wanted at most %d", len(link), MaxLink)}
	}
	if strings.ContainsFunc(link, func(r rune) bool { return unicode.IsSpace(r) || unseen(r) || r == utf8.RuneError }) {
		return []error{errors.New("the link holds a space or a letter that nobody sees; copy it again, or write such letters as %XX")}
	}
	u, err := url.Parse(link)
	switch {
	case err != nil:
		return []error{fmt.Errorf("the link %s cannot be read", quote(link))}
	case u.Scheme != "https" || u.Opaque != "":
		faults = append(faults, fmt.Errorf("the link %s does not begin with https://", quote(link)))
	case u.Hostname() == "":
		faults = append(faults, fmt.Errorf("the link %s names no host", quote(link)))
	}
	if u.User != nil {
		faults = append(faults, errors.New("the link holds the name of a user before @; everybody can read it, so leave that out"))
	}
	return faults
}

// sinceOf reads a day of UTC that has come.
func sinceOf(text string, now time.Time) (time.Time, error) {
	today := now.UTC().Truncate(24 * time.Hour)
	if text == "" {
		return today, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	switch {
	case err != nil || day.Year() < 2000:
		return day, fmt.Errorf("since is %s; wanted the day since when it is known, such as 2014-08-12", quote(text))
	case day.After(today):
		return day, fmt.Errorf("since is %s, which is yet to come; today is %s, in UTC", text, today.Format(time.DateOnly))
	}
	return day, nil
}

// quote shows what somebody wrote, never long.
func quote(s string) string { return fmt.Sprintf("%.80q", s) }

// words lists what may be said.
func words[T ~string](all []T) string {
	var out []string
	for _, one := range all {
		out = append(out, string(one))
	}
	return strings.Join(out, ", ")
}
