package keyserver

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// keptDecoded is how many objects a server that starts keeps decoded; of more it
// keeps the records only.
const keptDecoded = 100_000

// load fills the index from the store. To decipher and to decode a million objects
// takes seconds, so every core takes part: each reads the objects whose
// identifiers begin with a byte, until all bytes are done.
func (s *Server) load(decoded int64) error {
	var next, count atomic.Int64
	parts := make([][]found, runtime.GOMAXPROCS(0))
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i := range parts {
		take := func(id string, value []byte) error {
			o, err := object.Unmarshal(value)
			if err != nil {
				return fmt.Errorf("object %s: %w", id, err)
			}
			e := &entry{id: o.ID, serial: o.Serial, o: o}
			if count.Add(1) > decoded {
				e.o, e.record = nil, bytes.Clone(value)
			}
			parts[i] = append(parts[i], found{e, termsOf(o)})
			return nil
		}
		wg.Go(func() {
			for first := next.Add(1) - 1; first < 256 && errs[i] == nil; first = next.Add(1) - 1 {
				errs[i] = s.store.View(func(tx store.Reader) error {
					return tx.Range(objectBucket, string([]byte{byte(first)}), take)
				})
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	all := slices.Concat(parts...)
	// In their order each goes to the end of its lists.
	slices.SortFunc(all, func(a, b found) int { return bySerial(a.entry, b.entry) })
	if len(all) > 0 {
		s.serial.Store(all[len(all)-1].serial)
	}
	s.index.fill(all)
	return nil
}
