// SPDX-License-Identifier: Apache-2.0

package csig

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
)

// vbmeta is a vbmeta image that chains to partitions, with a descriptor of another kind before each.
func vbmeta(salt byte, chains ...string) []byte {
	var aux []byte
	for _, name := range chains {
		hash := make([]byte, 16+32) // a hash descriptor
		binary.BigEndian.PutUint64(hash, 2)
		binary.BigEndian.PutUint64(hash[8:], 32)
		chain := make([]byte, chainNameOffset, 200)
		chain = append(chain, name...)
		chain = append(chain, make([]byte, -len(chain)&7)...)
		binary.BigEndian.PutUint64(chain, chainTag)
		binary.BigEndian.PutUint64(chain[8:], uint64(len(chain)-16))
		binary.BigEndian.PutUint32(chain[20:], uint32(len(name)))
		aux = append(append(aux, hash...), chain...)
	}
	size := len(aux)
	aux = append(aux, make([]byte, -len(aux)&63)...)
	auth := make([]byte, 64)
	auth[0] = salt
	head := make([]byte, vbmetaHeader)
	copy(head, "AVB0")
	binary.BigEndian.PutUint64(head[12:], uint64(len(auth)))
	binary.BigEndian.PutUint64(head[20:], uint64(len(aux)))
	binary.BigEndian.PutUint64(head[104:], uint64(size))
	return append(append(head, auth...), aux...)
}

// footed is a partition with data, then a vbmeta image, and a footer at its end.
func footed(image []byte) []byte {
	b := append(make([]byte, 8192), image...)
	b = append(b, make([]byte, 16384-len(b))...)
	foot := b[len(b)-footerLen:]
	copy(foot, "AVBf")
	binary.BigEndian.PutUint64(foot[20:], 8192)
	binary.BigEndian.PutUint64(foot[28:], uint64(len(image)))
	return b
}

func partitions(of map[string][]byte) Partition {
	return func(name string, w io.Writer) error {
		b, ok := of[name]
		if !ok {
			return errors.New("no partition " + name)
		}
		for len(b) > 0 { // in pieces of odd sizes
			n, err := w.Write(b[:min(len(b), 1021)])
			if err != nil {
				return err
			}
			b = b[n:]
		}
		return nil
	}
}

func TestVBMetaDigest(t *testing.T) {
	top, boot, system := vbmeta(1, "boot", "vbmeta_system"), vbmeta(2), vbmeta(3)
	all := map[string][]byte{"vbmeta": append(top, make([]byte, 4096)...), "boot": footed(boot),
		"vbmeta_system": append(system, make([]byte, 100)...)}
	sum := sha256.Sum256([]byte(string(top) + string(boot) + string(system)))
	if got, err := VBMetaDigest(partitions(all)); err != nil || got != hex.EncodeToString(sum[:]) {
		t.Errorf("%s, %v; wanted %x", got, err, sum)
	}
	with := func(name string, b []byte) map[string][]byte {
		changed := map[string][]byte{name: b}
		for n, b := range all {
			if n != name {
				changed[n] = b
			}
		}
		return changed
	}
	long, far, cut, noName := vbmeta(1), vbmeta(1, "boot"), vbmeta(1, "boot"), vbmeta(1, "boot")
	binary.BigEndian.PutUint64(long[20:], 1<<63)
	binary.BigEndian.PutUint64(far[96:], 1<<63)
	binary.BigEndian.PutUint64(cut[vbmetaHeader+64+8:], 1<<40)
	binary.BigEndian.PutUint32(noName[vbmetaHeader+64+48+20:], 1000)
	foot := footed(boot)
	binary.BigEndian.PutUint64(foot[len(foot)-footerLen+20:], 1<<62)
	for name, tt := range map[string]struct {
		of   map[string][]byte
		want string
	}{
		"none":              {nil, "no partition vbmeta"},
		"a stand-in":        {with("vbmeta", make([]byte, 4096)), "no vbmeta image"},
		"empty":             {with("vbmeta", nil), "no vbmeta image"},
		"too long":          {with("vbmeta", long), "longer than"},
		"descriptors":       {with("vbmeta", far), "outside of it"},
		"descriptor":        {with("vbmeta", cut), "longer than what holds it"},
		"no name":           {with("vbmeta", noName), "has no name"},
		"no chained":        {with("boot", make([]byte, 4096)), "no vbmeta image and no footer"},
		"footer far away":   {with("boot", foot), "its footer puts"},
		"footer to nothing": {with("boot", footed(make([]byte, 300))), "no vbmeta image at 8192"},
	} {
		if _, err := VBMetaDigest(partitions(tt.of)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, wanted words about %q", name, err, tt.want)
		}
	}
}

func FuzzVBMetaDigest(f *testing.F) {
	f.Add(vbmeta(1, "boot"), footed(vbmeta(2)))
	f.Add(vbmeta(1, "vbmeta"), vbmeta(2))
	f.Fuzz(func(t *testing.T, top, boot []byte) {
		digest, err := VBMetaDigest(partitions(map[string][]byte{"vbmeta": top, "boot": boot}))
		if (err == nil) != ValidDigest(digest) {
			t.Fatalf("%q, %v", digest, err)
		}
	})
}
