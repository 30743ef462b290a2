// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// meant is what words of names stand for. Written together or apart, in letters or in Chinese, they are the same names.
var meant = map[string]string{
	"hm": "redmi", "hongmi": "redmi", "xiaomi": "mi", "lte": "4g", "unicom": "w", "wcdma": "w", "telecom": "c", "cdma": "c", "tdscdma": "td",
	"phone": "", "handset": "", "smartphone": "", "mobile": "", "the": "",
}

// chinese puts words of names that are written without blanks apart. Longer ones come first.
var chinese = strings.NewReplacer(
	"红米", " redmi ", "紅米", " redmi ", "小米", " mi ", "手机", " ", "手機", " ", "型号", " ", "型號", " ", "移动", " td ", "移動", " td ",
	"联通", " w ", "聯通", " w ", "电信", " c ", "電信", " c ", "版", " ", "标准", " ", "標準", " ",
)

// plain is a text in small letters of ordinary width, without words that are Chinese for what the catalogue says in Latin letters.
func plain(text string) string {
	return chinese.Replace(strings.ToLower(strings.Map(func(r rune) rune {
		switch {
		case r >= 0xFF01 && r <= 0xFF5E: // full width
			return r - 0xFEE0
		case r == 0x3000 || unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)))
}

// compact is what is left without signs and blanks.
func compact(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, strings.ToLower(text))
}

var (
	label = regexp.MustCompile(`\b(20[0-9]{2})[-./ ]([0-9]{3})\b`) // 2014-018, as it is read out
	parts = regexp.MustCompile(`[2-5]g\b|[0-9]+|\p{L}+`)           // 4g is one word
)

// words are those of a name or of what was typed: letters and digits apart, each as what it stands for.
func words(text string) []string {
	var out []string
	for _, w := range parts.FindAllString(label.ReplaceAllString(plain(text), "$1$2"), -1) {
		if as, ok := meant[w]; ok {
			w = as
		}
		switch {
		case w == "":
		case len(out) > 0 && out[len(out)-1] == "mi" && (w == "mi" || w == "redmi"): // Xiaomi Mi 3, Xiaomi Redmi 2
			out[len(out)-1] = w
		default:
			out = append(out, w)
		}
	}
	return out
}

// names are those that stand in the name on the box: of "Mi 3 W/C and Mi 4" "Mi 3 W", "Mi 3 C" and "Mi 4". A first generation has no
// number there, and people give it one: a "Redmi Note W" is a "Redmi Note 1 W", too.
func names(product string) (all []string) {
	before := "" // what the next one begins with, if it is written once
	for _, name := range strings.Split(strings.ReplaceAll(plain(product), " and ", "\n"), "\n") {
		for n, one := range strings.Split(name, "/") {
			one = strings.TrimSpace(one)
			if n > 0 && len(strings.Fields(one)) == 1 && before != "" {
				one = before + " " + one
			}
			if fields := strings.Fields(one); len(fields) > 1 {
				before = strings.Join(fields[:len(fields)-1], " ")
			}
			if one == "" {
				continue
			}
			if all = append(all, one); strings.Contains(one, "note") && !firstNumber.MatchString(one) {
				all = append(all, strings.Replace(one, "note", "note 1", 1))
			}
		}
	}
	return all
}

var firstNumber = regexp.MustCompile(`\b[0-9]+(?:[a-fh-z]|\b)`)

// Numbers of people: of a phone, a SIM or a subscriber. A number on a label has seven digits, a day of a build eight.
var (
	digits = regexp.MustCompile(`[0-9](?:[ ().+/_-]{0,2}[0-9]){7,}`)
	day    = regexp.MustCompile(`^20[0-3][0-9](?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])$`)
)

// surely is how many digits no model, build or reference has one after another, whatever follows: a Chinese mobile number has so many.
const surely = 11

// Personal says if a text holds what may name a person: a number as long as that of a phone or a SIM, in digits of whatever script, or an
// address of mail. Some digits that go on in a Latin letter are a part of something else, such as a support reference.
func Personal(text string) bool {
	text = folded(text)
	for _, at := range digits.FindAllStringIndex(text, -1) {
		number := compact(text[at[0]:at[1]])
		if len(number) >= surely || !day.MatchString(number) && !latin(text[at[1]:]) {
			return true
		}
	}
	return strings.Contains(text, "@")
}

// latin says that a text begins with a letter of ASCII.
func latin(text string) bool { return text != "" && text[0] >= 'a' && text[0] <= 'z' }

// folded is a text as plain gives it, with dashes and digits of every script as those of ASCII, and without marks. Which digit one of
// another script is makes no difference.
func folded(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < utf8.RuneSelf:
			return r
		case unicode.IsNumber(r):
			return '9'
		case unicode.IsMark(r):
			return -1
		case unicode.Is(unicode.Pd, r):
			return '-'
		}
		return r
	}, plain(text))
}

// equipment is the number of a handset in hexadecimal digits: 14, and one more to check them.
var equipment = regexp.MustCompile(`(?:^|[^0-9a-z])[0-9a-f](?:[ .:-]?[0-9a-f]){13,14}(?:[^0-9a-z]|$)`)

// Equipment says if a text holds what may be the number of one handset, an MEID: 14 hexadecimal digits. A build may look like that, too, so
// it is for who has looked for those.
func Equipment(text string) bool { return equipment.MatchString(folded(text)) }
