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
	quiet          string            // what it is told then; "" where that is 404
	csigs          map[string]string // what the feed has of each, by address; Custota
}

const (
	none1 = `{"response":[]}` + "\n"
	none2 = "[]\n"
)

// phones are all that ask on a model and channel: for each file that the feed lists, and where a protocol of the model has
// none, one that should hear that there is nothing.
func (s shelfOf) phones(o Options) (all []phone) {
	have := map[manifests.Protocol]bool{}
	for _, f := range s.files {
		p, ok := s.asking(f)
		if !ok {
			continue
		}
		have[p.protocol] = true
		all = append(all, s.at(p, f.Path, o)...)
	}
	for _, protocol := range s.protocols {
		if !have[protocol] {
			all = append(all, s.quiet(protocol, o)...)
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
	case parts[0] == "lineageos" && len(parts) == 7 && parts[3] == "v2":
		p.protocol, p.read, p.quiet = manifests.LineageOS2, updaters.LineageOS2, none2
		p.asker.Device, p.asker.Kind = parts[5], s.kind(parts[5])
	case parts[0] == "grapheneos" && len(parts) == 2:
		p.protocol, p.read = manifests.GrapheneOS, updaters.GrapheneOS
		p.asker.Device = strings.TrimSuffix(parts[1], "-"+s.channel)
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

// at is a phone at each address that it may have: below the prefix, and of the channel stable at the paths that the app has
// built in.
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
		if rest, is := strings.CutPrefix(file, "lineageos/stable/"); is {
			paths = append(paths, "/"+rest)
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

// quiet are phones of a protocol that has no file.
func (s shelfOf) quiet(protocol manifests.Protocol, o Options) (all []phone) {
	var files []string
	switch protocol {
	case manifests.LineageOS1:
		for _, kind := range o.Kinds {
			files = append(files, "lineageos/"+s.channel+"/api/v1/"+s.model+"/"+strings.ToLower(kind)+".json")
		}
	case manifests.LineageOS2:
		files = []string{"lineageos/" + s.channel + "/api/v2/devices/" + s.model + "/builds.json"}
	case manifests.GrapheneOS:
		files = []string{"grapheneos/" + s.model + "-" + s.channel}
	case manifests.AOSPSample:
		files = []string{"aosp-sample/" + s.channel + "/" + s.model + ".json"}
	case manifests.Custota:
		files = []string{"custota/" + s.channel + "/" + s.model + ".json"}
	}
	for _, file := range files {
		if p, ok := s.asking(shelf.File{Path: file}); ok {
			if p.asker.Kind == "" {
				p.asker.Kind = slices.Concat(o.Kinds, []string{"nightly"})[0]
			}
			all = append(all, s.at(p, file, o)...)
		}
	}
	return all
}
