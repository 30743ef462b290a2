// SPDX-License-Identifier: Apache-2.0

package adapter

import (
	"path"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/shelf"
	"landed/manifests/updaters"
)

// phone is one that asks for one file.
type phone struct {
	model, channel string
	protocol       manifests.Protocol
	path           string // below the address of the deployment
	asker          updaters.Phone
	read           func(updaters.Answer, updaters.Phone) ([]updaters.Offer, []updaters.Fault)
	want           string            // what it should be told; "" if nothing is for everybody
	quiet          string            // what it is told then; "" where that is 404, which GrapheneOS's app takes for a fault
	csigs          map[string]string // what the feed has of each, by address; Custota
}

const (
	none1 = `{"response":[]}` + "\n"
	none2 = "[]\n"
	none  = "none 1 " // begins GrapheneOS's line where there is nothing
)

// phones are all that ask on a model and channel: for each file that the feed lists, and by each protocol and name of phones
// that has none, one that should hear that there is nothing.
func (s shelfOf) phones(o Options) (all []phone) {
	have := map[string]bool{}
	for _, f := range s.files {
		if p, ok := s.asking(f); ok {
			have[f.Path] = true
			all = append(all, s.at(p, f.Path, o)...)
		}
	}
	for _, protocol := range s.protocols {
		for _, file := range s.quiet(protocol, o) {
			if p, ok := s.asking(shelf.File{Path: file}); ok && !have[file] {
				if p.asker.Kind == "" {
					p.asker.Kind = slices.Concat(s.said.kinds, o.Kinds, []string{"nightly"})[0]
				}
				all = append(all, s.at(p, file, o)...)
			}
		}
	}
	return all
}

// asking is the phone that a file is for; ok is false for packages and csigs.
func (s shelfOf) asking(f shelf.File) (p phone, ok bool) {
	p = phone{model: s.model, channel: s.channel, want: f.Text, asker: updaters.Phone{Channel: s.channel}}
	parts := strings.Split(f.Path, "/")
	switch {
	case f.Target != nil:
		return p, false
	case parts[0] == "lineageos" && len(parts) == 6 && parts[3] == "v1":
		p.protocol, p.read, p.quiet = manifests.LineageOS1, updaters.LineageOS1, none1
		p.asker.Device, p.asker.Kind = parts[4], strings.TrimSuffix(parts[5], ".json")
		p.asker.Version, _ = runs(f.Text)
	case parts[0] == "lineageos" && len(parts) == 7 && parts[3] == "v2":
		p.protocol, p.read, p.quiet = manifests.LineageOS2, updaters.LineageOS2, none2
		p.asker.Device, p.asker.Kind = parts[5], s.kind(parts[5])
		p.asker.Version, p.asker.SDK = runs(f.Text)
	case parts[0] == "grapheneos" && len(parts) == 2:
		p.protocol, p.read = manifests.GrapheneOS, updaters.GrapheneOS
		p.asker.Device, p.asker.UTC = strings.TrimSuffix(parts[1], "-"+s.channel), 1 // older than any build
		if strings.HasPrefix(p.want, none) {
			p.want, p.quiet = "", p.want
		}
	case parts[0] == "custota":
		return s.custota(parts, p)
	case parts[0] == "aosp-sample" && len(parts) >= 3:
		p.protocol, p.read = manifests.AOSPSample, updaters.AOSPSample
		p.asker.Device = strings.TrimSuffix(parts[2], ".json")
	default:
		return p, false
	}
	return p, true
}

// kind is the type of builds of a device, which the v1 list beside it has in its name, or else the v2 list itself.
func (s shelfOf) kind(device string) string {
	for _, f := range s.files {
		if dir, name := path.Split(f.Path); dir == "lineageos/"+s.channel+"/api/v1/"+device+"/" {
			return strings.TrimSuffix(name, ".json")
		}
	}
	return s.kinds[device]
}

// at is a phone at each address that it may have: below the prefix, and at the path that the app has built in, which for
// LineageOS is of the channel stable.
func (s shelfOf) at(p phone, file string, o Options) (all []phone) {
	switch p.protocol {
	case manifests.LineageOS1:
		file = strings.TrimSuffix(file, ".json") + "/landed-check"
	case manifests.LineageOS2:
		file = strings.TrimSuffix(file, ".json")
	}
	var paths []string
	switch rest, below := strings.CutPrefix(file, o.Prefix+"/"); {
	case o.Prefix == "":
		paths = append(paths, "/legacy/"+file)
		for _, builtIn := range []string{"lineageos/stable/", "grapheneos/"} {
			if rest, is := strings.CutPrefix(file, builtIn); is {
				paths = append(paths, "/"+rest)
			}
		}
	case below:
		paths = append(paths, "/"+rest)
	}
	for _, at := range paths {
		p.path = at
		if p.protocol == manifests.Custota {
			all = append(all, s.custotas(p, file, o)...)
			continue
		}
		all = append(all, p)
		if p.protocol == manifests.GrapheneOS {
			for _, from := range s.sources(p.asker.Device, p.want) {
				p.asker.Build = from
				all = append(all, p)
			}
			p.asker.Build = ""
		}
	}
	return all
}

// sources are the builds from which incrementals lead to the build of a line.
func (s shelfOf) sources(device, line string) (from []string) {
	build, _, _ := strings.Cut(line, " ")
	for _, f := range s.files {
		name, is := strings.CutPrefix(f.Path, "grapheneos/"+device+"-incremental-")
		if name, is2 := strings.CutSuffix(name, "-"+build+".zip"); is && is2 {
			from = append(from, name)
		}
	}
	return from
}

// quiet are the files that phones of a protocol ask for, there or not: by the name of the model, and those that its releases
// say.
func (s shelfOf) quiet(protocol manifests.Protocol, o Options) (files []string) {
	for _, device := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(s.said.devices), s.model)))) {
		switch protocol {
		case manifests.LineageOS1:
			kinds := slices.Clone(s.said.kinds)
			for _, kind := range o.Kinds {
				kinds = append(kinds, strings.ToLower(kind))
			}
			for _, kind := range slices.Compact(slices.Sorted(slices.Values(kinds))) {
				files = append(files, "lineageos/"+s.channel+"/api/v1/"+device+"/"+kind+".json")
			}
		case manifests.LineageOS2:
			files = append(files, "lineageos/"+s.channel+"/api/v2/devices/"+device+"/builds.json")
		case manifests.GrapheneOS:
			files = append(files, "grapheneos/"+device+"-"+s.channel)
		case manifests.AOSPSample:
			files = append(files, "aosp-sample/"+s.channel+"/"+device+".json")
		case manifests.Custota:
			files = append(files, "custota/"+s.channel+"/"+device+".json")
		}
	}
	return files
}
