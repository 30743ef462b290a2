// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"net/http"

	"landed/firmware-fixtures/virtual"
)

// Image is the system that these files make, by their names: of a package, or of a build.
func Image(files map[string][]byte) (*virtual.Image, error) {
	var backup []byte
	if b, ok := files[virtual.BackupConfName]; ok {
		backup = b
	}
	return virtual.Parse(files[virtual.PropName], files[virtual.ConfName], backup)
}

// Probes makes n numbers to be planted. No country has their code, so they are of no person.
func Probes(random io.Reader, n int) (numbers []string, err error) {
	for range n {
		k, err := rand.Int(random, big.NewInt(1e10))
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, fmt.Sprintf("+999%010d", k))
	}
	return numbers, nil
}

// All carries out the three tests, in the order of evidence.Kinds; planted are the probe numbers that Plant took.
func (l *Lab) All(ctx context.Context, planted []string) (all []Result, err error) {
	for _, test := range []func(context.Context) (Result, error){l.Traffic, l.Transport,
		func(ctx context.Context) (Result, error) { return l.Retention(ctx, planted) }} {
		r, err := test(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// Forget has the service delete every number that it holds, as whoever runs it may ask.
func (r Remote) Forget(ctx context.Context) error {
	c, err := r.client("")
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, r.Secure+"/numbers", nil)
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the service did not delete its numbers; it answered %s", resp.Status)
	}
	return nil
}

// Truth is what really is so at the service, for whoever compares it with what observers signed.
type Truth struct {
	Clear, Encrypted int // registrations that came in, since it began
}

// Truth counts what came in.
func (s *Service) Truth() Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.came
}

// Holds is how many of these numbers the service holds.
func (s *Service) Holds(numbers []string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, number := range numbers {
		if s.numbers[number] {
			n++
		}
	}
	return n
}
