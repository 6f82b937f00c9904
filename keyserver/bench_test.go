package keyserver_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/bolt"
	"github.com/dbkeyring/dbkeyring/keyserver/store/journal"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/secret"
)

// durable is the server as `dbkeyring serve` runs it: bbolt behind a
// journal, sealed, with an audit log.
func durable(b *testing.B) *keyservertest.Server {
	b.Helper()
	dir := b.TempDir()
	base, err := bolt.Open(filepath.Join(dir, "store.db"))
	if err != nil {
		b.Fatal(err)
	}
	disk, err := journal.Open(base, filepath.Join(dir, "store.journal"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	root := secret.Random(store.DataKeySize)
	defer root.Wipe()
	sealed, err := store.Seal(disk, store.DataKey{Key: root})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { sealed.Close() })
	log, err := audit.Open(filepath.Join(dir, "audit.log"), audit.Head{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { log.Close() })
	return keyservertest.New(b, keyservertest.WithStore(sealed), func(o *keyserver.Options) { o.Audit = log })
}

// perSecond runs op on n connections of one endpoint, after prepare on one of
// them, and reports operations a second.
func perSecond(b *testing.B, s *keyservertest.Server, n int, prepare func(*kmiptest.Conn), op func(*kmiptest.Conn)) {
	b.Helper()
	cert, key := s.NewClient("db")
	conf := s.ClientConfig(cert, key)
	var wg sync.WaitGroup
	var todo atomic.Int64
	todo.Store(int64(b.N))
	conns := make([]*kmiptest.Conn, n)
	for i := range conns {
		conns[i] = kmiptest.Dial(b, s.Addr, conf)
	}
	prepare(conns[0])
	b.ResetTimer()
	for _, c := range conns {
		wg.Go(func() {
			for todo.Add(-1) >= 0 {
				op(c)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

func BenchmarkGet(b *testing.B) {
	eachConns(b, func(b *testing.B, n int) {
		var id string
		perSecond(b, durable(b), n, func(c *kmiptest.Conn) { id = create(b, c, "") }, func(c *kmiptest.Conn) {
			it := c.One(kmip.V1_2, &kmip.GetRequest{UniqueIdentifier: id})
			if err := it.Err(); err != nil {
				b.Error(err)
			}
			kmip.WipePayload(it.Payload)
		})
	})
}

func BenchmarkCreate(b *testing.B) {
	eachConns(b, func(b *testing.B, n int) {
		perSecond(b, durable(b), n, func(*kmiptest.Conn) {}, func(c *kmiptest.Conn) {
			it := c.One(kmip.V1_2, aes(""))
			if err := it.Err(); err != nil {
				b.Error(err)
			}
		})
	})
}

// BenchmarkNew reads 10,000 objects from the disk.
func BenchmarkNew(b *testing.B) {
	s := durable(b)
	server, err := keyserver.New(keyserver.Options{Store: s.Store, Endpoints: byCN{}})
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 64 { // they share commits
		wg.Go(func() {
			for i := range 10_000 / 64 {
				if _, err := (caller{server, "db"}).do(aes(fmt.Sprint("key", w, "-", i))); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for b.Loop() {
		if _, err := keyserver.New(keyserver.Options{Store: s.Store, Endpoints: byCN{}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLocate has 10,000 objects.
func BenchmarkLocate(b *testing.B) {
	const objects = 10_000
	server, err := keyserver.New(keyserver.Options{Store: memory.New(), Endpoints: byCN{}})
	if err != nil {
		b.Fatal(err)
	}
	c := caller{server, "db"}
	for i := range objects {
		if _, err := c.do(aes(fmt.Sprint("key", i), kmip.TextAttribute(kmip.AttrObjectGroup, "g"))); err != nil {
			b.Fatal(err)
		}
	}
	offset := int32(objects / 2)
	for name, p := range map[string]*kmip.LocateRequest{
		"Name":              {Attributes: kmip.Attributes{kmip.NameAttribute("key5000")}},
		"Type, page of 16":  {MaximumItems: 16, OffsetItems: &offset, Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey)}},
		"Type+Group, 16":    {MaximumItems: 16, OffsetItems: &offset, Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey), kmip.TextAttribute(kmip.AttrObjectGroup, "g")}},
		"State, page of 16": {MaximumItems: 16, OffsetItems: &offset, Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrState, kmip.StatePreActive)}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.do(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func eachConns(b *testing.B, run func(b *testing.B, n int)) {
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("conns=%d", n), func(b *testing.B) { run(b, n) })
	}
}
