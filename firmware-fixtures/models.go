// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// model holds what the builds of one handset model have in common, and what is special about its fix.
type model struct {
	name, variant, romName string
	product                string // first two parts of the fingerprint after the brand
	android, buildID       string // Android release and build id of the fingerprint
	fileAndroid            string // Android as the file name gives it
	versions               [3]string
	dates                  [3]string // UTC build days, in the order of Kinds
	board                  board
	ab                     bool
	adapt                  func(*Config) // what this model's patched image does differently; nil for nothing
}

// board is what an updater-script must know of the hardware.
type board struct {
	system, boot, data string // block devices or MTK partition names
	mtk                bool
}

func qcom(platform string) board {
	dev := "/dev/block/platform/" + platform + "/by-name/"
	return board{system: dev + "system", boot: dev + "boot", data: dev + "userdata"}
}

var mtk = board{system: "/dev/block/mmcblk0p6", boot: "/dev/bootimg", data: "/dev/block/mmcblk0p8", mtk: true}

// catalogue is the line-up. The dates of the 2014 models lie around 10 August 2014, the day on which the real fix
// was announced; version numbers are invented within the grammar of their time.
var catalogue = []model{
	{name: "armani", variant: "armani_global", romName: "HM1SWCGlobal", product: "armani/armani", android: "4.3",
		buildID:     "JLS36C",
		fileAndroid: "4.3", versions: [3]string{"JHCMIBF38.0", "JHCMIBH46.0", "JHCMIBH47.0"},
		dates: [3]string{"2014-07-08", "2014-08-09", "2014-08-11"}, board: qcom("msm_sdcc.1")},
	{name: "HM2013023", variant: "HM2013023_global", romName: "HMWGlobal", product: "HM2013023/HM2013023",
		android: "4.2.2", buildID: "HM2013023",
		fileAndroid: "4.2", versions: [3]string{"JHBMIBF37.0", "JHBMIBH44.0", "JHBMIBH46.0"},
		dates: [3]string{"2014-07-10", "2014-08-09", "2014-08-11"}, board: mtk},
	{name: "lcsh92_wet_jb9", variant: "lcsh92_wet_jb9_global", romName: "HMNoteWGlobal",
		product: "lcsh92_wet_jb9/lcsh92_wet_jb9", android: "4.2.2", buildID: "JDQ39",
		fileAndroid: "4.2", versions: [3]string{"JHDMIBF31.0", "JHDMIBH40.0", "JHDMIBH41.0"},
		dates: [3]string{"2014-07-11", "2014-08-08", "2014-08-12"}, board: mtk,
		// Switches messaging off but forgets the registrations of before: ends as registered_by_itself.
		adapt: func(c *Config) { c.DeregisterAuto = false }},
	{name: "dior", variant: "dior_global", romName: "HMNoteLTEGlobal", product: "dior/dior", android: "4.4.2",
		buildID:     "KVT49L",
		fileAndroid: "4.4", versions: [3]string{"KHIMIBF21.0", "KHIMIBH30.0", "KHIMIBH31.0"},
		dates: [3]string{"2014-07-15", "2014-08-09", "2014-08-12"}, board: qcom("msm_sdcc.1"),
		// Suspends messaging until the user answers.
		adapt: func(c *Config) { c.Migration = "ask" }},
	{name: "cancro", variant: "cancro_global", romName: "MI3WGlobal", product: "cancro/cancro", android: "4.4.2",
		buildID:     "KVT49L",
		fileAndroid: "4.4", versions: [3]string{"KXDMIBF25.0", "KXDMIBH34.0", "KXDMIBH35.0"},
		dates: [3]string{"2014-07-17", "2014-08-10", "2014-08-13"}, board: qcom("msm_sdcc.1"),
		// The only policy that the maker's own text of 2014 supports: whoever was on stays on.
		adapt: func(c *Config) { c.Migration, c.DeregisterAuto = "leave", false }},
	{name: "pisces", variant: "pisces", romName: "MI3TD", product: "pisces/pisces", android: "4.2.1", buildID: "JOP40D",
		fileAndroid: "4.2", versions: [3]string{"JXCCNBF22.0", "JXCCNBH28.0", "JXCCNBH29.0"},
		dates: [3]string{"2014-07-18", "2014-08-10", "2014-08-11"}, board: qcom("sdhci-tegra.3")},
	{name: "fuxi", variant: "fuxi_global", romName: "FUXIGlobal", product: "fuxi_global/fuxi", android: "16",
		buildID:     "BP2A.250605.031.A3",
		fileAndroid: "16.0", versions: [3]string{"OS3.0.2.0.WMCMIXM", "OS3.0.4.0.WMCMIXM", "OS3.0.5.0.WMCMIXM"},
		dates: [3]string{"2026-02-10", "2026-03-17", "2026-03-24"}, ab: true},
}

// Models lists the models that have builds, the 2014 line-up first.
func Models() []string {
	var names []string
	for _, m := range catalogue {
		names = append(names, m.name)
	}
	return names
}

// BuildOf gives the build of a kind for a model: a copy, which the caller may change before writing it.
func BuildOf(name string, kind Kind) (Build, error) {
	m, err := modelOf(name)
	if err != nil {
		return Build{}, err
	}
	return m.build(kind)
}

func (m model) build(kind Kind) (Build, error) {
	for i, k := range Kinds() {
		if k != kind {
			continue
		}
		day, err := time.Parse(time.DateOnly, m.dates[i])
		if err != nil {
			return Build{}, fmt.Errorf("model %s: %w", m.name, err)
		}
		b := Build{Model: m.name, Variant: m.variant, Kind: kind,
			UTC: day.Unix() + 11*3600, Android: m.fileAndroid, ROMName: m.romName, AB: m.ab, Config: ConfigOf(kind)}
		b.name(m, m.versions[i])
		if kind == Patched && m.adapt != nil {
			m.adapt(&b.Config)
		}
		return b, nil
	}
	return Build{}, fmt.Errorf("kind %q: wanted unpatched, patched or bad", kind)
}

// name gives b its version, and all that is made of it.
func (b *Build) name(m model, version string) {
	b.Version, b.Incremental = version, version
	b.Fingerprint = fmt.Sprintf("Xiaomi/%s:%s/%s/%s:user/release-keys", m.product, m.android, m.buildID, version)
}

// MaxLater is how many builds of a model there are after its third.
const MaxLater = 6

// LaterBuildOf is a build after all those of BuildOf, in behaviour like one of them: what a later release ships, the
// corrected one after a bad build for example. n is 1 to 6; each is built a day after the one before, under the next
// version.
func LaterBuildOf(name string, kind Kind, n int) (Build, error) {
	m, err := modelOf(name)
	if err != nil {
		return Build{}, err
	}
	return m.later(kind, n)
}

func (m model) later(kind Kind, n int) (Build, error) {
	b, err := m.build(kind)
	if err != nil {
		return Build{}, err
	}
	if n < 1 || n > MaxLater {
		return Build{}, fmt.Errorf("build %d after the third of %s: wanted 1 to %d", n, m.name, MaxLater)
	}
	last, err := m.build(Bad)
	if err != nil {
		return Build{}, err
	}
	b.UTC = last.UTC + int64(n)*24*3600
	b.name(m, laterVersion(last.Version, n))
	return b, nil
}

// counting finds the number that counts the builds of a version: 46 in JHCMIBH46.0, 4 in OS3.0.4.0.WMCMIXM.
var counting = regexp.MustCompile(`^(.*?)([0-9]+)(\.0(?:\.[A-Z]+)?)$`)

func laterVersion(version string, n int) string {
	parts := counting.FindStringSubmatch(version)
	if parts == nil {
		return fmt.Sprintf("%s.%d", version, n)
	}
	number, _ := strconv.Atoi(parts[2])
	return fmt.Sprintf("%s%d%s", parts[1], number+n, parts[3])
}

func modelOf(name string) (model, error) {
	for _, m := range catalogue {
		if m.name == name {
			return m, nil
		}
	}
	return model{}, fmt.Errorf("model %q has no builds here: wanted one of %s", name, strings.Join(Models(), ", "))
}
