// SPDX-License-Identifier: Apache-2.0

package repo

// AfterWrite calls f after each write to the folder, and breaks the publication off if that fails.
func (r *Repo) AfterWrite(f func(what string) error) { r.folder.step = f }
