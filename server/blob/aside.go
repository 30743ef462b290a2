// SPDX-License-Identifier: Apache-2.0

package blob

import "context"

// Asider is a Store that can keep damaged content for people to look at.
type Asider interface {
	// SetAside takes the content out of the store, and keeps its bytes under a name that is none of a content.
	SetAside(ctx context.Context, ref Ref) error
}

// SetAside takes damaged content out of a store, so that it is not read again and can be committed anew. Where the store
// cannot keep it, it is deleted. To set aside what is not there is a success.
func SetAside(ctx context.Context, s Store, ref Ref) error {
	if a, ok := s.(Asider); ok {
		return a.SetAside(ctx, ref)
	}
	return s.Delete(ctx, ref)
}
