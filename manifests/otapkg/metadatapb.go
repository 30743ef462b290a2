// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// pbFields calls visit for each field of a message. v holds varints, b length-delimited content.
func pbFields(msg []byte, visit func(n protowire.Number, t protowire.Type, v uint64, b []byte) error) error {
	for len(msg) > 0 {
		n, t, size := protowire.ConsumeTag(msg)
		if size < 0 {
			return protowire.ParseError(size)
		}
		msg = msg[size:]
		var v uint64
		var b []byte
		switch t {
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(msg)
		case protowire.BytesType:
			b, size = protowire.ConsumeBytes(msg)
		default:
			size = protowire.ConsumeFieldValue(n, t, msg)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		if err := visit(n, t, v, b); err != nil {
			return err
		}
		msg = msg[size:]
	}
	return nil
}

// pbState is a DeviceState of ota_metadata.proto.
type pbState struct {
	devices, builds       []string
	incremental, sdk, spl string
	timestamp             int64
}

func parseState(b []byte) (s pbState, err error) {
	err = pbFields(b, func(n protowire.Number, t protowire.Type, v uint64, b []byte) error {
		switch {
		case n == 1 && t == protowire.BytesType:
			s.devices = append(s.devices, string(b))
		case n == 2 && t == protowire.BytesType:
			s.builds = append(s.builds, string(b))
		case n == 3 && t == protowire.BytesType:
			s.incremental = string(b)
		case n == 4 && t == protowire.VarintType:
			s.timestamp = int64(v)
		case n == 5 && t == protowire.BytesType:
			s.sdk = string(b)
		case n == 6 && t == protowire.BytesType:
			s.spl = string(b)
		case n >= 1 && n <= 6:
			return fmt.Errorf("field %d of a device state has the wrong type", n)
		}
		return nil
	})
	return s, err
}

// parseMetadataPB reads OtaMetadata and writes down what the text file generated from it would say
// (AOSP build/tools/releasetools/ota_utils.py, BuildLegacyOtaMetadata).
func parseMetadataPB(msg []byte) (metadata, error) {
	m := metadata{}
	var pre, post []byte // a message field that occurs twice is merged, which is joining the bytes
	put := func(key, value string) {
		if value = strings.Trim(value, blanks); value != "" {
			m[key] = strings.ToValidUTF8(value, "\uFFFD")
		}
	}
	err := pbFields(msg, func(n protowire.Number, t protowire.Type, v uint64, b []byte) error {
		want := protowire.VarintType
		if n >= 4 && n <= 6 {
			want = protowire.BytesType
		}
		if n <= 9 && t != want {
			return fmt.Errorf("field %d has the wrong type", n)
		}
		switch n {
		case 1:
			m["ota-type"] = otaType(v)
		case 2, 3, 7, 9:
			key := map[protowire.Number]string{2: "ota-wipe", 3: "ota-downgrade", 7: "ota-retrofit-dynamic-partitions",
				9: "spl-downgrade"}[n]
			delete(m, key)
			if v != 0 {
				m[key] = "yes"
			}
		case 4:
			return putProperty(b, put)
		case 5:
			pre = append(pre, b...)
		case 6:
			post = append(post, b...)
		case 8:
			m["ota-required-cache"] = strconv.FormatInt(int64(v), 10)
		}
		return nil
	})
	before, err1 := parseState(pre)
	after, err2 := parseState(post)
	put("pre-device", strings.Join(before.devices, "|"))
	put("pre-build", strings.Join(before.builds, "|"))
	put("pre-build-incremental", before.incremental)
	put("post-build", strings.Join(after.builds, "|"))
	put("post-build-incremental", after.incremental)
	put("post-sdk-level", after.sdk)
	put("post-security-patch-level", after.spl)
	if after.timestamp != 0 {
		put("post-timestamp", strconv.FormatInt(after.timestamp, 10))
	}
	return m, errors.Join(err, err1, err2)
}

// putProperty reads one entry of the map property_files.
func putProperty(entry []byte, put func(key, value string)) error {
	var key, value string
	err := pbFields(entry, func(n protowire.Number, t protowire.Type, _ uint64, b []byte) error {
		if n == 1 && t == protowire.BytesType {
			key = string(b)
		} else if n == 2 && t == protowire.BytesType {
			value = string(b)
		}
		return nil
	})
	if strings.HasSuffix(key, "property-files") { // no entry may pose as another field
		put(key, value)
	}
	return err
}

func otaType(v uint64) string {
	switch v {
	case 1:
		return "AB"
	case 2:
		return "BLOCK"
	case 3:
		return "BRICK"
	}
	return fmt.Sprintf("unknown type %d", v)
}

// compared are the keys that the text takes from the message, so that both must say the same.
var compared = []string{"ota-type", "ota-wipe", "ota-downgrade", "ota-retrofit-dynamic-partitions", "spl-downgrade",
	"ota-required-cache",
	"pre-device", "pre-build", "pre-build-incremental", "post-build", "post-build-incremental", "post-sdk-level",
	"post-security-patch-level", "post-timestamp", "ota-property-files", "ota-streaming-property-files"}

// judgeSplit compares both halves field by field: recovery takes devices and times from one and the patch
// level from the other, so a package whose halves differ passes different gates.
func judgeSplit(text, pb metadata, fs *Findings) {
	keys := slices.Clone(compared)
	for _, k := range slices.Sorted(maps.Keys(pb)) {
		if !slices.Contains(compared, k) {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		a, b := text[k], pb[k]
		if k == "ota-required-cache" || k == "post-timestamp" { // 0 and absent are one to protobuf
			if a == "0" {
				a = ""
			}
			if b == "0" {
				b = ""
			}
		}
		if a != b {
			fs.add(Finding{Code: MetaSplit, Found: fmt.Sprintf("%s in metadata, %s in metadata.pb", show(a), show(b)),
				Wanted: "the same in both", Fix: "Build the package again with the release tools.",
				Message: fmt.Sprintf("metadata says %s=%s, metadata.pb says %s.", k, show(a), show(b))})
		}
	}
}
