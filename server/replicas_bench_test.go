// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/server/cluster"
)

// BenchmarkReplicaPolls has handsets poll one server, and three on one database in turns. All share this machine, so x_one says what
// a poll costs more because servers agree with each other; it does not say how much three machines carry.
func BenchmarkReplicaPolls(b *testing.B) {
	const polls, handsets = 400, 16
	rounds := 15 // by turns, so that a busy moment hits both alike
	if testing.Short() {
		rounds = 1
	}
	one, three := newReplicasOf(b, 1, cluster.Times{}), newReplicasOf(b, 3, cluster.Times{})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: handsets}}
	defer client.CloseIdleConnections()
	var took [2]time.Duration
	for range b.N * rounds {
		for i, rs := range []*replicas{one, three} {
			var next atomic.Int64
			var group sync.WaitGroup
			began := time.Now()
			for range handsets {
				group.Go(func() {
					for n := next.Add(1); n <= polls; n = next.Add(1) {
						resp, err := client.Get(rs.all[n%int64(len(rs.all))].web.URL + "/tuf/metadata/timestamp.json")
						if err != nil {
							b.Error(err)
							return
						}
						if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
							b.Errorf("%s, %v", resp.Status, err)
						}
						resp.Body.Close()
					}
				})
			}
			group.Wait()
			took[i] += time.Since(began)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(polls*rounds*b.N)/took[0].Seconds(), "polls-of-one/s")
	b.ReportMetric(float64(polls*rounds*b.N)/took[1].Seconds(), "polls-of-three/s")
	b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "x_one")
}
