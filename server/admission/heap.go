// SPDX-License-Identifier: Apache-2.0

package admission

import stdheap "container/heap"

// heap has the largest first.
type heap []int64

// Len, Less, Swap, Push and Pop implement container/heap.
func (h heap) Len() int           { return len(h) }
func (h heap) Less(i, j int) bool { return h[i] > h[j] }
func (h heap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heap) Push(x any)        { *h = append(*h, x.(int64)) }
func (h *heap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// add keeps x, if it is of the most smallest.
func (h *heap) add(x, most int64) {
	switch {
	case int64(len(*h)) < most:
		stdheap.Push(h, x)
	case x < (*h)[0]:
		(*h)[0] = x
		stdheap.Fix(h, 0)
	}
}
