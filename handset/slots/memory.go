// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"maps"
	"sync"
	"testing/fstest"
)

// Memory gives slots without a folder, for thousands of simulated handsets in one process. The
// content still comes out of the package: the first to install a package decodes it, the others
// share the decoded files through cache. They end with the process.
func Memory(style Style, cache *Cache, asSold map[string][]byte) (*Device, error) {
	return open(&memory{cache: cache, images: map[string]Image{}}, style, asSold)
}

// Cache holds the decoded systems of packages by the SHA-256 that the installing handset itself
// computed over its own download. It is safe for concurrent use; the zero Cache is empty.
type Cache struct {
	mu     sync.Mutex
	images map[string]*decoded
}

type decoded struct {
	once  sync.Once
	image Image
	err   error
}

// image decodes p unless that was done before. A package that could not be decoded stays so.
func (c *Cache) image(p Package) (Image, error) {
	c.mu.Lock()
	if c.images == nil {
		c.images = map[string]*decoded{}
	}
	d := c.images[p.SHA256]
	if d == nil {
		d = &decoded{}
		c.images[p.SHA256] = d
	}
	c.mu.Unlock()
	d.once.Do(func() {
		files, err := Files(p)
		if err == nil {
			d.image, err = imageOf(files, p.SHA256)
		}
		d.err = err
	})
	return d.image, d.err
}

func imageOf(files map[string][]byte, from string) (Image, error) {
	system := fstest.MapFS{}
	for name, content := range files {
		system[name] = &fstest.MapFile{Data: content, Mode: 0o644}
	}
	b, err := readBuild(system)
	return Image{Build: b, Package: from, System: system}, err
}

type memory struct {
	cache  *Cache
	saved  *state
	images map[string]Image
}

func (m *memory) load() (state, bool, error) {
	if m.saved == nil {
		return state{}, false, nil
	}
	return m.saved.clone(), true, nil
}

func (m *memory) save(st state) error {
	copied := st.clone()
	m.saved = &copied
	return nil
}

func (m *memory) write(name string, p Package) error {
	delete(m.images, name)
	img, err := m.cache.image(p)
	if err == nil {
		m.images[name] = img
	}
	return err
}

func (m *memory) fill(name string, files map[string][]byte) error {
	img, err := imageOf(maps.Clone(files), "")
	m.images[name] = img
	return err
}

func (m *memory) image(name string) (Image, error) {
	img, ok := m.images[name]
	if !ok {
		return Image{}, fail(CodeInstallDevice, nil, "slot %s holds no system", name)
	}
	return img, nil
}

func (m *memory) pack(p pending) (Package, func() error, error) { return openPackage(p) }
