// SPDX-License-Identifier: Apache-2.0

package fleet

// Witnesses are what the witness handsets of a model say of one rollout: handsets of a lab, for which somebody vouches
// whose key stands in an offline role.
type Witnesses struct{}
