// SPDX-License-Identifier: Apache-2.0

package otapkg

// Entry is one file or folder of a package.
type Entry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // bytes when unpacked
	Packed int64  `json:"packed"` // bytes in the zip
	Offset int64  `json:"offset"` // of the content, from the start of the zip
	CRC32  uint32 `json:"crc32"`  // IEEE, of the unpacked content
	Stored bool   `json:"stored"` // not compressed: Offset and Size address the content itself

	header int64  // offset of its local header
	flags  uint16 // general purpose flags
}
