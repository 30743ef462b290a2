// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
)

// archive reads the entries of a backup. Whoever wrote it, Next gives plain files alone: each once, under a name that a
// backup may hold, and with as many bytes as lie in the archive.
type archive struct {
	*tar.Reader
	seen map[string]bool
}

func readArchive(in io.Reader) archive { return archive{tar.NewReader(in), map[string]bool{}} }

// Next is that of tar.Reader, and refuses what does not belong into a backup.
func (a archive) Next() (*tar.Header, error) {
	h, err := a.Reader.Next()
	if err != nil {
		return nil, err
	}
	first := len(a.seen) == 0
	switch {
	case h.Typeflag != tar.TypeReg, sparse(h), !fs.ValidPath(h.Name), !filepath.IsLocal(filepath.FromSlash(h.Name)),
		(h.Name == aboutFile) != first, !first && !backupName(h.Name):
		return nil, fmt.Errorf("it holds %.80q, which does not belong into a backup, or not there", h.Name)
	case a.seen[h.Name]:
		return nil, fmt.Errorf("it holds %.80q twice", h.Name)
	}
	a.seen[h.Name] = true
	return h, nil
}

// sparse says that an entry has holes, of which a few bytes may stand for any number. No backup has them.
func sparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}
