// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"strconv"
	"strings"
)

// Stated is where the package says that its parts lie: ota-property-files of its metadata.pb, in the order in which they
// stand there. The error wraps [ErrContent] if the package does not say it, and is one of the reader otherwise. [Inspect]
// says if it is true.
func (a *Archive) Stated() ([]PropertyFile, error) {
	var fs Findings
	text, ok, err := a.small(nameMetadataPB, &fs)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, contentFault("it has no metadata.pb that can be read: packages have one since Android 12")
	}
	m, err := parseMetadataPB(text)
	if err != nil {
		return nil, contentFault("metadata.pb: " + err.Error())
	}
	stated := m["ota-property-files"]
	if stated == "" {
		return nil, contentFault("its metadata.pb has no ota-property-files: it does not say where its parts lie")
	}
	var files []PropertyFile
	for part := range strings.SplitSeq(stated, ",") {
		words := strings.Split(strings.TrimRight(part, blanks), ":")
		if len(words) != 3 {
			return nil, contentFault("ota-property-files: " + show(part) + ", wanted name:offset:size")
		}
		offset, err1 := strconv.ParseInt(words[1], 10, 64)
		size, err2 := strconv.ParseInt(words[2], 10, 64)
		if err1 != nil || err2 != nil || offset < 0 || size <= 0 || offset > a.src.size-size {
			return nil, contentFault("ota-property-files: " + show(part) + " does not lie within the package")
		}
		files = append(files, PropertyFile{words[0], offset, size})
	}
	return files, nil
}
