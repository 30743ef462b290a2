// SPDX-License-Identifier: Apache-2.0

package render

import (
	"strconv"
	"strings"
)

// WantsGzip reads the values of Accept-Encoding (RFC 9110, 12.5.3): gzip is named, or covered by "*", with a
// weight above 0 that is not below that of an identity which is named. A weight that is none
// is taken for 0: whoever cannot be understood gets what everyone can read.
func WantsGzip(headers []string) bool {
	gzipped, identity, others := -1.0, -1.0, -1.0 // -1: not named
	for _, h := range headers {
		for item := range strings.SplitSeq(h, ",") {
			coding, params, _ := strings.Cut(item, ";")
			switch coding = strings.TrimSpace(coding); {
			case strings.EqualFold(coding, "gzip"), strings.EqualFold(coding, "x-gzip"):
				gzipped = max(gzipped, weight(params))
			case strings.EqualFold(coding, "identity"):
				identity = weight(params)
			case coding == "*":
				others = weight(params)
			}
		}
	}
	if gzipped < 0 {
		gzipped = others
	}
	return gzipped > 0 && gzipped >= identity
}

// weight reads "q=0.5", 1 if there is none.
func weight(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	name, value, _ := strings.Cut(params, "=")
	q, err := strconv.ParseFloat(value, 64)
	if !strings.EqualFold(name, "q") || err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}

// WantsJSON reads the values of Accept (RFC 9110, 12.5.1): JSON is named with a weight above 0, and HTML with none that
// is as large. Who names neither is taken for a person.
func WantsJSON(headers []string) bool {
	asJSON, asHTML := 0.0, 0.0
	for _, h := range headers {
		for item := range strings.SplitSeq(h, ",") {
			kind, params, _ := strings.Cut(item, ";")
			switch kind = strings.ToLower(strings.TrimSpace(kind)); {
			case kind == "application/json" || kind == "application/problem+json":
				asJSON = max(asJSON, weight(params))
			case kind == "text/html" || kind == "application/xhtml+xml":
				asHTML = max(asHTML, weight(params))
			}
		}
	}
	return asJSON > asHTML
}
