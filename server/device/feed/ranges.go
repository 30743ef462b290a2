// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"landed/server/blob"
)

// maxRanges is how many parts one request may ask for: each is a request of its own to a store over the network, and may be
// a byte. RFC 9110, 14.2, lets a server refuse sets of many small ranges. A handset asks for one.
const maxRanges = 16

// wanted are the parts that http.ServeContent will read for a Range header of content of this size. It is a guess that
// only costs: that function alone decides what is answered, and reads from the start what it does not take for a range.
func wanted(header string, size int64) (parts []blob.Range) {
	list, ok := strings.CutPrefix(header, "bytes=")
	if !ok {
		return nil
	}
	var sum int64
	for spec := range strings.SplitSeq(list, ",") {
		first, last, _ := strings.Cut(textproto.TrimString(spec), "-")
		part, ok := rangeOf(textproto.TrimString(first), textproto.TrimString(last), size)
		if !ok {
			continue // an empty item of the list, beyond the end, or nonsense: then nothing at all is read
		}
		sum += part.To - part.From
		parts = append(parts, part)
	}
	if sum > size {
		return nil // then all is read, once
	}
	return parts
}

// rangeOf reads one range, first-last, first- or -length (RFC 9110, 14.1.2).
func rangeOf(first, last string, size int64) (blob.Range, bool) {
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		return blob.Range{From: max(size-n, 0), To: size}, err == nil && n > 0 && size > 0
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil || from < 0 || from >= size {
		return blob.Range{}, false
	}
	if last == "" {
		return blob.Range{From: from, To: size}, true
	}
	to, err := strconv.ParseInt(last, 10, 64)
	return blob.Range{From: from, To: min(to, size-1) + 1}, err == nil && to >= from
}

func tooManyRanges(r *http.Request) bool {
	return strings.Count(r.Header.Get("Range"), ",") >= maxRanges
}

func refuseRanges(w http.ResponseWriter, content io.Seeker) {
	if size, err := content.Seek(0, io.SeekEnd); err == nil {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
	}
	w.Header().Set("Cache-Control", cacheNever)
	w.Header().Del("Etag")
	http.Error(w, fmt.Sprintf("At most %d ranges can be asked for at once.", maxRanges),
		http.StatusRequestedRangeNotSatisfiable)
}
