// SPDX-License-Identifier: Apache-2.0

package repo

import "time"

// AfterWrite calls f after each write to the folder, and breaks the publication off if that fails.
func (r *Repo) AfterWrite(f func(what string) error) { r.folder.step = f }

// Patience sets how long a publication waits for the lock.
func (r *Repo) Patience(d time.Duration) { r.folder.patience = d }
