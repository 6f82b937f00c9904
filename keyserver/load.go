package keyserver

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// load fills the index from the store. To decipher and to decode a million objects
// takes seconds, so every core takes part: each reads the objects whose
// identifiers begin with a byte, until all bytes are done.
func (s *Server) load() error {
	var next atomic.Int32
	parts := make([][]*object.Object, runtime.GOMAXPROCS(0))
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() {
			for {
				first := next.Add(1) - 1
				if first > 255 || errs[i] != nil {
					return
				}
				errs[i] = s.store.View(func(tx store.Reader) error {
					return tx.Range(objectBucket, string([]byte{byte(first)}), func(id string, value []byte) error {
						o, err := object.Unmarshal(value)
						if err != nil {
							return fmt.Errorf("object %s: %w", id, err)
						}
						parts[i] = append(parts[i], o)
						return nil
					})
				})
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	all := slices.Concat(parts...)
	// In their order each goes to the end of its lists: anywhere else it would move
	// what is there, of which a million is too much to move a million times.
	slices.SortFunc(all, func(a, b *object.Object) int { return cmp.Compare(a.Serial, b.Serial) })
	if len(all) > 0 {
		s.serial.Store(all[len(all)-1].Serial)
	}
	s.index.put(all...)
	return nil
}
