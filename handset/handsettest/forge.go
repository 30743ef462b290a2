// SPDX-License-Identifier: Apache-2.0

package handsettest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"

	"landed/manifests/tufrepo"
)

// sign signs a document of a role: as tufrepo does, which refuses what this project would not write, or, if Alter is
// set, whatever that made of it.
func (s *Server) sign(role string, doc []byte, signers ...tufrepo.Signer) []byte {
	if s.Alter == nil {
		return must(tufrepo.Sign(doc, signers...))
	}
	return Forge(doc, func(signed map[string]any) { s.Alter(role, signed) }, signers...)
}

// Forge changes what is signed in a metadata file and signs that, whether it makes sense or not: with the keys of a
// thief, or as a program of another maker, or of the future, would. Only integers, texts, lists and objects may be
// put in.
func Forge(doc []byte, change func(signed map[string]any), signers ...tufrepo.Signer) []byte {
	said := decode(doc)["signed"].(map[string]any)
	change(said)
	signed := canonical(decode(canonical(said))) // sorted too where it was given as text
	signatures := []map[string]string{}
	for _, k := range signers {
		sig := must(k.Sign(signed))
		signatures = append(signatures, map[string]string{"keyid": k.Key().ID(), "sig": hex.EncodeToString(sig)})
	}
	return canonical(map[string]any{"signatures": signatures, "signed": json.RawMessage(signed)})
}

func decode(doc []byte) (v map[string]any) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

// canonical is JSON with sorted names and no white space, which for what is signed here is the canonical form of TUF.
func canonical(v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(out.Bytes())
}
