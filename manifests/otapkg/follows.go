// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"slices"
	"strings"
)

// follows lists, by entry, the findings that say no more than that the entry could not be read. Somebody who is told
// that payload.bin is damaged learns nothing from seven findings that it is not there.
var follows = map[string][]Code{
	nameMetadata: {MetaMissing, MetaSplit, MetaType, MetaFP, DevUnknown, DevModel, DevAssert, DevName, VerFuture, IncSource,
		Wipe, ABTime, ABProps},
	nameMetadataPB: {MetaSplit, ABProps},
	namePayload: {FamUnknown, MetaType, IncSource, BootWrite, ABStored, ABOrder, ABMagic, ABMajor, ABMinor, ABHash, ABSig,
		ABProps, ABTime, ABRange, ABNewer, ABPartial},
	nameProperties: {ABHash, ABProps, ABStored, Wipe},
	nameScript:     {FamUnknown, DevAssert, IncSource, Wipe},
	nameOTACert:    {SigCert},
	nameBuildProp:  {DevModel, FamUnknown},
}

// holdBack removes what follows from entries that were refused. They were refused by a finding of their own, which
// stays.
func (a *Archive) holdBack(fs Findings) Findings {
	if len(a.lost) == 0 || !fs.Refused() {
		return fs
	}
	held := slices.Clone(fs)
	for name := range a.lost {
		codes := follows[name]
		if strings.HasSuffix(name, ".transfer.list") || strings.HasPrefix(name, "system/") || strings.HasPrefix(name, "patch/") {
			codes = append(slices.Clone(codes), FamUnknown, MetaType)
		}
		held = slices.DeleteFunc(held, func(f Finding) bool { return slices.Contains(codes, f.Code) })
	}
	if !held.Refused() {
		return fs
	}
	return held
}
