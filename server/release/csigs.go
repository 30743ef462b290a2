// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"errors"
	"fmt"

	"landed/manifests/csig"
	"landed/manifests/otapkg"
	declaration "landed/manifests/release"
	"landed/server/blob"
	"landed/server/device/everybody"
	"landed/server/fleet"
	"landed/server/published"
)

// csigFaults holds what is declared for Custota against the bytes of the packages: what legacy.Faults cannot know, as the
// facts of a package have no digests of its small parts. A missing package is a fault of others.
func (rs *Releases) csigFaults(
	ctx context.Context, declared declaration.Release, refs []fleet.PackageRef,
) (faults []error, err error) {
	if len(declared.Clients) == 0 {
		return nil, nil
	}
	var packages []fleet.Package
	err = rs.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
		packages, err = published.Packages(ctx, tx, refs)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, pkg := range packages {
		model, ok := rs.cfg.Lineup.Catalogue().Model(pkg.Model)
		b := everybody.Of(model, pkg, declared.Clients[pkg.Model], rs.cfg.Base)
		if !ok || b.Csig == nil {
			continue
		}
		if _, _, moved := b.Csig.Moved(b.Properties); moved {
			continue // that is told by legacy.Faults
		}
		found, err := rs.compareCsig(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("hold the csig of %s against it: %w", pkg.Name, err)
		}
		faults = append(faults, found...)
	}
	return faults, nil
}

// compareCsig reads the parts of a package, all but payload.bin, whose digest is known.
func (rs *Releases) compareCsig(ctx context.Context, b everybody.Build) (faults []error, err error) {
	content, err := rs.cfg.Blobs.Open(ctx, blob.Ref(b.Package.SHA256))
	if err != nil {
		return nil, err
	}
	defer content.Close()
	stated, err := csig.Files(content, content.Size(), map[string]string{csig.Payload: b.Payload})
	if errors.Is(err, otapkg.ErrContent) {
		return []error{fmt.Errorf("%s: %w", b.Name(), err)}, nil
	}
	if err != nil {
		return nil, err
	}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(stated) != len(b.Csig.Info.Files) {
		fault("the csig of %s lists %d parts, its ota-property-files %d", b.Name(), len(b.Csig.Info.Files), len(stated))
		return faults, nil
	}
	for i, f := range b.Csig.Info.Files {
		switch is := stated[i]; {
		case f.Name != is.Name || f.Offset != is.Offset || f.Size != is.Size:
			fault("the csig of %s has %s, %d bytes at %d, as part %d; its ota-property-files say %s, %d bytes at %d", b.Name(), f.Name,
				f.Size, f.Offset, i+1, is.Name, is.Size, is.Offset)
		case f.Digest != is.Digest:
			fault("the csig of %s was made of another file: %s has another digest", b.Name(), f.Name)
		}
	}
	return faults, nil
}
