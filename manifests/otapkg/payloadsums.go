// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
)

// dataSums compares the data of each operation with its SHA-256 while the payload passes by in the sweep. The hashes are
// read from the manifest a second time, one operation ahead of the data, so that what is held does not grow with the
// number of operations. It wants a payload whose data follow one another, as ReadPayload finds out.
//
// What the data unpack to is not looked at here: update_engine compares it with the SHA-256 of each partition before it
// switches to the other slot, and WritePartition before anything is used.
type dataSums struct {
	p    *Payload
	at   int64 // of the blobs, in the file
	part int   // index of the partition
	in   *wire // its message
	n    int   // of the operation within it

	op    operation // whose data comes next
	have  bool      // there is one
	done  int64     // bytes of its data that have passed
	sum   hash.Hash
	fault error // of the reader
	wrong []string
}

func newDataSums(p *Payload, at int64) *dataSums {
	return &dataSums{p: p, at: at + p.blobs(), part: -1, sum: sha256.New()}
}

// next goes to the next operation that has data.
func (d *dataSums) next() {
	d.have, d.done = false, 0
	d.sum.Reset()
	for d.fault == nil {
		if d.in == nil || d.in.pos >= d.p.parts[d.part].to {
			if d.part++; d.part >= len(d.p.parts) {
				return
			}
			d.in, d.n = newWire(d.p.src.r, 0, d.p.parts[d.part].from, d.p.parts[d.part].to), 0
			continue
		}
		end := d.p.parts[d.part].to
		f, err := d.in.next(end)
		after := d.in.pos + f.n
		if err == nil && f.message(8) {
			d.n++
			d.op, err = readOperation(d.in, after, anywhere, anywhere)
			d.have = d.op.size > 0
		} else if err == nil {
			err = d.in.skip(f.n, end)
		}
		if d.fault = err; d.have {
			return
		}
	}
}

func (d *dataSums) consume(off int64, b []byte) {
	if d.part < 0 {
		d.next()
	}
	for end := off + int64(len(b)); d.have && d.fault == nil; d.next() {
		from := d.at + d.op.offset + d.done
		if from >= end {
			return
		}
		n := min(d.op.size-d.done, end-from)
		d.sum.Write(b[from-off : from-off+n])
		if d.done += n; d.done < d.op.size {
			return
		}
		if !bytes.Equal(d.sum.Sum(nil), d.op.hash) && len(d.wrong) <= maxPerCode {
			d.wrong = append(d.wrong, fmt.Sprintf("operation %d of %s", d.n, show(d.p.parts[d.part].Name)))
		}
	}
}

// judge says whose data is not what the manifest promises.
func (d *dataSums) judge(fs *Findings) error {
	for _, who := range d.wrong {
		fs.add(Finding{Code: ABHash, Found: "other data", Wanted: "data with the SHA-256 in the manifest",
			Fix: "Build the package again.",
			Message: fmt.Sprintf("The data of %s is not what the manifest promises (SHA-256); a phone would stop there.",
				who)})
	}
	return d.fault
}
