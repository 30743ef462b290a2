// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// composition is what is looked at of compose.yaml.
type composition struct {
	Services map[string]service        `yaml:"services"`
	Volumes  map[string]any            `yaml:"volumes"`
	Networks map[string]map[string]any `yaml:"networks"`
	Secrets  map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
}

type service struct {
	Image       string            `yaml:"image"`
	ReadOnly    bool              `yaml:"read_only"`
	User        string            `yaml:"user"`
	CapDrop     []string          `yaml:"cap_drop"`
	Environment map[string]string `yaml:"environment"`
	Secrets     []string          `yaml:"secrets"`
	Volumes     []string          `yaml:"volumes"`
	Ports       []string          `yaml:"ports"`
	Networks    networks          `yaml:"networks"`
	Ulimits     struct {
		Files int `yaml:"nofile"`
	} `yaml:"ulimits"`
	Grace       string `yaml:"stop_grace_period"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
}

// networks are written as a list, or as a map where an address is given.
type networks map[string]struct {
	Address string `yaml:"ipv4_address"`
}

func (n *networks) UnmarshalYAML(node *yaml.Node) error {
	type plain networks
	if node.Kind != yaml.SequenceNode {
		return node.Decode((*plain)(n))
	}
	*n = networks{}
	for _, name := range node.Content {
		(*n)[name.Value] = struct {
			Address string `yaml:"ipv4_address"`
		}{}
	}
	return nil
}

func compose(t *testing.T) composition {
	t.Helper()
	var c composition
	if err := yaml.Unmarshal([]byte(read(t, "compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	if len(c.servers()) < 2 {
		t.Fatalf("compose.yaml has %d servers; wanted two", len(c.servers()))
	}
	return c
}

// servers are the services that are otad.
func (c composition) servers() map[string]service {
	found := map[string]service{}
	for name, s := range c.Services {
		if s.Image == "landed" {
			found[name] = s
		}
	}
	return found
}

// TestComposeHolds: whatever is named is there, whatever is there is used, and nobody has more than he needs.
func TestComposeHolds(t *testing.T) {
	c := compose(t)
	usedSecrets, usedVolumes, usedNetworks := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for name, s := range c.Services {
		for _, secret := range s.Secrets {
			usedSecrets[secret] = true
		}
		for _, v := range s.Volumes {
			if from, _, named := strings.Cut(v, ":"); named && !strings.HasPrefix(from, ".") {
				usedVolumes[from] = true
			}
		}
		for network := range s.Networks {
			usedNetworks[network] = true
		}
		if len(s.Ports) > 0 && name != "nginx" {
			t.Errorf("%s publishes %q; only nginx may", name, s.Ports)
		}
		if len(s.Healthcheck.Test) == 0 {
			t.Errorf("nothing looks after %s", name)
		}
		for variable, value := range s.Environment {
			if strings.Contains(variable, "PASSWORD") || strings.Contains(variable, "_KEY") || variable == "PGPASSFILE" {
				file, isSecret := strings.CutPrefix(value, "/run/secrets/")
				if !isSecret || !slices.Contains(s.Secrets, file) {
					t.Errorf("%s of %s is %q; wanted one of its secrets", variable, name, value)
				}
			}
		}
	}
	same(t, "secrets", usedSecrets, c.Secrets)
	same(t, "volumes", usedVolumes, c.Volumes)
	same(t, "networks", usedNetworks, c.Networks)
	for name, s := range c.servers() {
		if !s.ReadOnly || s.User != "65532:65532" || !slices.Equal(s.CapDrop, []string{"ALL"}) {
			t.Errorf("%s may do more than it needs: %+v", name, s)
		}
		if least := 2*4096 + 128 + 2*256; s.Ulimits.Files < least {
			t.Errorf("%s may open %d files; wanted %d", name, s.Ulimits.Files, least)
		}
		if grace, err := time.ParseDuration(s.Grace); err != nil || grace < 40*time.Second {
			t.Errorf("%s has %s to end (%v); it takes 33 s", name, s.Grace, err)
		}
	}
}

func same[V any](t *testing.T, what string, used map[string]bool, declared map[string]V) {
	t.Helper()
	if u, d := slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(declared)); !slices.Equal(u, d) {
		t.Errorf("%s: %q are used and %q are declared", what, u, d)
	}
}

// TestAddressesAgree: nginx knows the servers, the servers know nginx, and what is published is what it listens at.
func TestAddressesAgree(t *testing.T) {
	c, conf := compose(t), read(t, "nginx/nginx.conf")
	edge := c.Services["nginx"]
	for name, s := range c.servers() {
		_, port, _ := strings.Cut(s.Environment["OTAD_ADDR"], ":")
		if at := s.Networks["front"].Address + ":" + port; !strings.Contains(conf, "server "+at+" ") {
			t.Errorf("%s is at %s, where nginx.conf knows nobody", name, at)
		}
		if s.Environment["OTAD_TRUSTED_PROXY"] != edge.Networks["front"].Address {
			t.Errorf("%s trusts %q and nginx is %q", name, s.Environment["OTAD_TRUSTED_PROXY"], edge.Networks["front"].Address)
		}
		admin, _, _ := strings.Cut(s.Environment["OTAD_ADMIN_ADDR"], ":")
		if admin == "" || admin != s.Networks["admin"].Address {
			t.Errorf("%s takes console and health at %q, and its address for that is %q", name, admin, s.Networks["admin"].Address)
		}
	}
	if n := strings.Count(conf, "        server 172."); n != len(c.servers()) {
		t.Errorf("nginx.conf knows %d servers, and there are %d", n, len(c.servers()))
	}
	if edge.Networks["admin"].Address != "" || len(edge.Ports) != 1 {
		t.Errorf("nginx is in the network of the console, or publishes %q", edge.Ports)
	}
	if _, inside, _ := strings.Cut(edge.Ports[0], ":"); !strings.Contains(conf, "listen "+inside+" ssl;") {
		t.Errorf("port %s of nginx is published, where it does not listen", inside)
	}
}

// TestComposeEnvironment has otad read the environment of each server: it comes as far as the data folder, which is not there.
func TestComposeEnvironment(t *testing.T) {
	for name, s := range compose(t).servers() {
		dir := t.TempDir()
		env := maps.Clone(s.Environment)
		for variable, value := range env {
			if file, ok := strings.CutPrefix(value, "/run/secrets/"); ok {
				env[variable] = filepath.Join(dir, file)
				if err := os.WriteFile(env[variable], []byte("sesame\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		env["OTAD_DATA"], env["OTAD_S3_TEMP"] = filepath.Join(dir, "nothing"), dir
		code, said := run(env, "serve")
		if code == 0 || strings.Contains(said, "OTAD_") || !strings.Contains(said, env["OTAD_DATA"]) {
			t.Errorf("%s: %d %s; wanted nothing but that there is no data folder", name, code, said)
		}
	}
}
