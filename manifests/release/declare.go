// SPDX-License-Identifier: Apache-2.0

package release

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"landed/manifests/strict"
)

// DeclareCsigs writes csigs, by model, into the source of a release, below clients.MODEL.custota, and leaves its other values
// and its comments as they are. What stands there already is not written twice. It does not look at what a csig holds.
func DeclareCsigs(source []byte, csigs map[string][]Csig) ([]byte, error) {
	var document yaml.Node
	if err := strict.YAML(source, &document); err != nil {
		return nil, fmt.Errorf("declare csigs: %w", err)
	}
	if document.Kind != yaml.DocumentNode || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("declare csigs: the source is no release in YAML")
	}
	for _, model := range slices.Sorted(maps.Keys(csigs)) {
		list, err := descend(document.Content[0], "clients", model, "custota")
		if err != nil {
			return nil, err
		}
		for _, one := range csigs[model] {
			if err := declare(list, one); err != nil {
				return nil, fmt.Errorf("clients.%s.custota: %w", model, err)
			}
		}
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&document), enc.Close()); err != nil {
		return nil, fmt.Errorf("declare csigs: %w", err)
	}
	return out.Bytes(), nil
}

// descend finds the list at a path of keys, and makes what is not there. All on the way is put into lines of its own: a csig
// is long.
func descend(at *yaml.Node, path ...string) (*yaml.Node, error) {
	for i, key := range path {
		kind, tag := yaml.MappingNode, "!!map"
		if i == len(path)-1 {
			kind, tag = yaml.SequenceNode, "!!seq"
		}
		at.Style &^= yaml.FlowStyle
		next := member(at, key)
		if next == nil {
			next = &yaml.Node{Kind: kind, Tag: tag}
			at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, next)
		}
		if next.Kind == yaml.ScalarNode && next.Tag == "!!null" { // a key with nothing behind it
			*next = yaml.Node{Kind: kind, Tag: tag}
		}
		if next.Kind != kind {
			return nil, fmt.Errorf("line %d: %s of the release is not what a csig can be added to; write it out", next.Line, key)
		}
		at = next
	}
	at.Style &^= yaml.FlowStyle
	return at, nil
}

// member is the value of a key of a mapping, nil if there is none.
func member(at *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(at.Content); i += 2 {
		if at.Content[i].Value == key {
			return at.Content[i+1]
		}
	}
	return nil
}

// declare adds one csig to a list of them.
func declare(list *yaml.Node, one Csig) error {
	for _, node := range list.Content {
		var have Csig
		if err := node.Decode(&have); err != nil {
			return err
		}
		if have == one {
			return nil
		}
		if have.Csig == one.Csig {
			return fmt.Errorf("the csig %.16s… stands there already, from %q, and now it is said to start from %q", one.Csig, have.From, one.From)
		}
	}
	var node yaml.Node
	if err := node.Encode(one); err != nil {
		return err
	}
	list.Content = append(list.Content, &node)
	return nil
}
