package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// BenchmarkUpdate measures durable writes of 300 bytes with 1, 8 and 64 writers. open
// makes an empty store.
func BenchmarkUpdate(b *testing.B, open func(b *testing.B) store.Store) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := open(b)
			defer s.Close()
			value := make([]byte, 300)
			b.ResetTimer()
			var wg sync.WaitGroup
			for g := range writers {
				wg.Go(func() {
					for i := g; i < b.N; i += writers {
						key := fmt.Sprintf("%08x-%d", uint32(i)*2654435761, i) // spread, as identifiers are
						if err := s.Update(context.Background(), func(w store.Writer) error { return w.Put("b", key, value) }); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
