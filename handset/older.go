// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// olderThan says if text is a timestamp that was current before the trusted one: signed by the keys that count now, not
// expired, and of a lower version, while the trusted one has not expired either. One of several servers, or a cache, that
// is a little behind serves such. It says nothing new, and it is no more than whoever serves the feed could do anyway:
// give the trusted one again until that expires.
//
// TUF 5.4.3 has a client discard it and abort the update cycle, as for one of the same version, but report an attack. This
// one discards it, and notes it in its log. When the trusted one has expired, or the older one, it is a rollback as ever.
func olderThan(trusted *trustedmetadata.TrustedMetadata, text []byte, now time.Time) bool {
	if trusted.Root == nil || trusted.Timestamp == nil || trusted.Timestamp.Signed.IsExpired(now) {
		return false
	}
	got, err := metadata.Timestamp().FromBytes(text)
	return err == nil && got.Signed.Version < trusted.Timestamp.Signed.Version && !got.Signed.IsExpired(now) &&
		trusted.Root.VerifyDelegate(metadata.TIMESTAMP, got) == nil
}

// inPlaceOf is what go-tuf is given for a timestamp that the feed serves: that, or the trusted one in the place of an older.
// So everything goes on from what is trusted, and nothing goes back.
func (p *poll) inPlaceOf(text []byte) []byte {
	trusted := p.up.GetTrustedMetadataSet()
	if !olderThan(&trusted, text, p.now) {
		return text
	}
	kept, err := trusted.Timestamp.ToBytes(false)
	if err != nil {
		return text
	}
	p.behind = true
	p.log.Info("the feed is a little behind: it serves an older timestamp than the trusted one, which stays",
		"trusted", trusted.Timestamp.Signed.Version)
	return kept
}
