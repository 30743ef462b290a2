// SPDX-License-Identifier: Apache-2.0

package fleet

// TallyRole is under which name the signed tally of each day is kept with the published metadata, by number. No role of the
// feed can be called so.
const TallyRole = "Tally"
