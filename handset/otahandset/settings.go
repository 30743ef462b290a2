// SPDX-License-Identifier: Apache-2.0

package otahandset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"landed/handset/slots"
	"landed/internal/durable"
	"landed/manifests/otapkg"
)

// settings are remembered in the folder. Root, Firmware and Keys are files at set-up.
type settings struct {
	Server   string        `json:"server"`
	Model    string        `json:"model"`
	Channel  string        `json:"channel"`
	Style    slots.Style   `json:"style"`
	Certs    []string      `json:"certs"` // PEM
	Root     string        `json:"-"`
	Firmware string        `json:"-"`
	Keys     []string      `json:"-"`
	Clock    time.Duration `json:"-"` // how far the clock is ahead, in this run
}

// loadOrSetUp reads the settings, or writes them at set-up; it returns the system that the handset is sold with.
func (h *handset) loadOrSetUp(s settings) (map[string][]byte, error) {
	text, err := os.ReadFile(h.path(settingFile))
	if err == nil {
		if err := json.Unmarshal(text, &h.set); err != nil || h.set.Model == "" {
			return nil, errors.Join(fmt.Errorf("%s is damaged; it holds what the handset was set up with. Remove it, and set "+
				"the handset up again with the same flags: its systems and its installation stay", h.path(settingFile)), err)
		}
		if s.Server != "" {
			h.set.Server = s.Server
		}
		if s.Model != "" && s.Model != h.set.Model {
			return nil, fmt.Errorf("this handset is a %s; use another --dir for a %s", h.set.Model, s.Model)
		}
		return nil, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if s.Server == "" || s.Model == "" || s.Root == "" || s.Firmware == "" || len(s.Keys) == 0 {
		return nil, fmt.Errorf("no handset in %s; to set one up give --server, --model, --root, --firmware and --ota-key",
			h.dir)
	}
	files, style, err := readFirmware(s.Firmware)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Firmware, err)
	}
	s.Style = style
	for _, name := range s.Keys {
		cert, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		s.Certs = append(s.Certs, string(cert))
	}
	root, err := os.ReadFile(s.Root)
	if err != nil {
		return nil, err
	}
	if _, err := s.keys(); err != nil {
		return nil, err
	}
	h.set = s
	if _, err := slots.Open(h.path("slots"), style, files); err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(s, "", "  ")
	// the settings last: they say that all is there
	return files, errors.Join(err, durable.WriteFile(h.path(rootFile), root, 0o600),
		durable.WriteFile(h.path(settingFile), out, 0o600))
}

// readFirmware unpacks the firmware and says how its model installs packages.
func readFirmware(name string) (map[string][]byte, slots.Style, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, "", err
	}
	p := slots.Package{Reader: file, Size: info.Size()}
	files, err := slots.Files(p)
	if err != nil {
		return nil, "", err
	}
	style, err := slots.StyleOf(p)
	return files, style, err
}

func (s settings) keys() (keys []otapkg.Pin, err error) {
	for _, text := range s.Certs {
		found, err := otapkg.ParsePins([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("--ota-key: %w", err)
		}
		keys = append(keys, found...)
	}
	return keys, nil
}
