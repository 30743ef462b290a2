// SPDX-License-Identifier: Apache-2.0

package rollout

// Rose says that a share rose, as far as can be told of so many: the lowest that the later one may be, with 99 %, is above the
// highest that the earlier one may have been. Of nothing, nothing is told.
func Rose(part, whole, laterPart, laterWhole int64) bool {
	_, most := wilson(part, whole)
	least, _ := wilson(laterPart, laterWhole)
	return least > most+slack
}
