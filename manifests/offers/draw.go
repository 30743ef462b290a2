// SPDX-License-Identifier: Apache-2.0

package offers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// drawBytes is the length of what is drawn with.
const drawBytes = 16

// DrawSecret is what an installation draws with for one release, s: the first 16 bytes of HMAC-SHA256 of the release's
// name, keyed with the installation's secret. Its commitment stands in the baselines about the release and s itself in
// the reports of who runs it, so that everybody can see who was in the stage. It says nothing of the draws for other
// releases, nor of the installation's secret, which never leaves the handset.
func DrawSecret(installation []byte, release string) []byte {
	mac := hmac.New(sha256.New, installation)
	mac.Write([]byte(release))
	return mac.Sum(nil)[:drawBytes]
}

// Commitment is SHA-256(s), 64 hex digits: draw_commit of a report.
func Commitment(s []byte) string {
	sum := sha256.Sum256(s)
	return hex.EncodeToString(sum[:])
}

// Opens says if s, 32 hex digits as draw of a report has them, is what a commitment was made of.
func Opens(commit, s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == drawBytes && commit == Commitment(raw)
}

// Draw is where a handset stands in a rollout, 0…9,999: the first eight bytes of SHA-256(salt ‖ s), big-endian, modulo
// 10,000. s is its DrawSecret for the release, to which it has committed before the salt was published: nobody can choose
// who is first, not even of its own handsets.
func Draw(s []byte, saltHex string) int {
	raw, err := hex.DecodeString(saltHex)
	if err != nil {
		raw = []byte(saltHex) // a malformed salt was refused by Parse; stay total
	}
	sum := sha256.Sum256(slices.Concat(raw, s))
	return int(binary.BigEndian.Uint64(sum[:8]) % WholeFleet)
}
