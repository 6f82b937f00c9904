package keyserver

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// keptDecoded is with how many objects a server that starts keeps them decoded; of more
// it keeps the records only.
const keptDecoded = 100_000

// load fills the index from the store. To decipher and to decode a million objects
// takes seconds, so every core takes part: each reads the objects whose
// identifiers begin with a byte, until all bytes are done.
func (s *Server) load(decoded int) error {
	var next atomic.Int64
	loaders := make([]loader, runtime.GOMAXPROCS(0))
	errs := make([]error, len(loaders))
	var wg sync.WaitGroup
	for i := range loaders {
		l := &loaders[i]
		take := func(id string, value []byte) error {
			err := l.take(id, value)
			if err != nil {
				err = fmt.Errorf("object %s: %w", id, err)
			}
			return err
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
	if total(loaders) <= decoded {
		for i := range loaders {
			wg.Go(func() { errs[i] = loaders[i].decode() })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	if newest := s.index.fill(loaders); newest != nil {
		s.serial.Store(newest.serial)
	}
	return nil
}

// found is an object that was read from the store.
type found struct {
	*entry
	serial uint64 // the entry's
	kind   *common
	terms  []string // of its attributes
}

// common is a kind, with its terms and, when the index is filled, their lists.
type common struct {
	kind
	terms []string
	lists []*[]*entry
}

// The sizes of what loaders allocate at once.
const (
	entriesAtOnce = 1 << 10
	termsAtOnce   = 1 << 12
	recordsAtOnce = 1 << 20 // bytes
)

// loader reads objects. What it keeps of a million lies in few allocations, one
// object's beside the next one's: the garbage collector and the processor's caches
// have less work.
type loader struct {
	all     []found
	brief   object.Brief
	last    *common
	kinds   map[kind]*common
	entries []entry
	terms   []string
	records []byte
}

func total(loaders []loader) (n int) {
	for i := range loaders {
		n += len(loaders[i].all)
	}
	return n
}

// decode decodes the objects, whose records are then not needed any more.
func (l *loader) decode() error {
	for _, f := range l.all {
		o, err := object.Unmarshal(f.record)
		if err != nil {
			return fmt.Errorf("object %s: %w", f.id, err)
		}
		f.o, f.record = o, nil
	}
	return nil
}

// take takes in an object's record.
func (l *loader) take(id string, value []byte) error {
	if err := l.brief.Unmarshal(id, value, indexed); err != nil {
		return err
	}
	e := l.entry()
	e.id, e.serial, e.record = id, l.brief.Serial, l.record(value)
	if most := len(l.brief.Attributes) * 2; cap(l.terms)-len(l.terms) < most {
		l.terms = make([]string, 0, max(termsAtOnce, most))
	}
	begin := len(l.terms)
	l.terms = appendTerms(l.terms, &l.brief)
	l.all = append(l.all, found{e, e.serial, l.common(kindOf(&l.brief)), l.terms[begin:len(l.terms):len(l.terms)]})
	return nil
}

func (l *loader) common(k kind) *common {
	if l.last != nil && l.last.kind == k {
		return l.last
	}
	l.last = l.kinds[k]
	if l.last == nil {
		if l.kinds == nil {
			l.kinds = make(map[kind]*common)
		}
		l.last = &common{kind: k, terms: k.terms()}
		l.kinds[k] = l.last
	}
	return l.last
}

func (l *loader) entry() *entry {
	if len(l.entries) == cap(l.entries) {
		l.entries = make([]entry, 0, entriesAtOnce)
	}
	l.entries = append(l.entries, entry{})
	return &l.entries[len(l.entries)-1]
}

func (l *loader) record(value []byte) []byte {
	if cap(l.records)-len(l.records) < len(value) {
		l.records = make([]byte, 0, max(recordsAtOnce, len(value)))
	}
	begin := len(l.records)
	l.records = append(l.records, value...)
	return l.records[begin:len(l.records):len(l.records)]
}

// inOrder returns all objects, the oldest first. Where few have gone their numbers are
// almost their places.
func inOrder(loaders []loader) []found {
	n, last := total(loaders), uint64(0)
	for i := range loaders {
		for j := range loaders[i].all {
			last = max(last, loaders[i].all[j].serial)
		}
	}
	var places []found
	if last < uint64(2*n) {
		places = make([]found, last+1)
	}
	for i := range loaders {
		for _, f := range loaders[i].all {
			if f.serial >= uint64(len(places)) || places[f.serial].entry != nil {
				return sorted(loaders)
			}
			places[f.serial] = f
		}
	}
	return slices.DeleteFunc(places, func(f found) bool { return f.entry == nil })
}

func sorted(loaders []loader) (all []found) {
	for i := range loaders {
		all = append(all, loaders[i].all...)
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.serial, b.serial) })
	return all
}

// fill takes what was read into an empty index, and returns the newest object, if there
// is one. The maps are filled in the order in which the objects were read and lie in
// memory: in the order of their age that takes several times as long.
func (x *index) fill(loaders []loader) (newest *entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := total(loaders)
	var all []found
	var wg sync.WaitGroup
	wg.Go(func() {
		x.byID = make(map[string]*entry, n)
		for i := range loaders {
			for _, f := range loaders[i].all {
				x.byID[f.id] = f.entry
			}
		}
		all = inOrder(loaders)
	})
	x.fillTerms(loaders, n)
	wg.Wait()
	x.fillCommon(loaders, all)
	if n > 0 {
		newest = x.all[n-1]
	}
	return newest
}

// fillTerms fills the lists of the attributes' terms.
func (x *index) fillTerms(loaders []loader, n int) {
	x.terms = make(map[string][]*entry, n) // most have a name
	singles := make([]*entry, n)           // the lists of terms that one object has
	var several []string
	for i := range loaders {
		for _, f := range loaders[i].all {
			for _, t := range f.terms {
				list, ok := x.terms[t]
				if !ok && len(singles) > 0 {
					list, singles = singles[:0:1], singles[1:]
				}
				if len(list) == 1 {
					several = append(several, t)
				}
				x.terms[t] = append(list, f.entry)
			}
		}
	}
	for _, t := range several {
		slices.SortFunc(x.terms[t], bySerial)
	}
}

// fillCommon fills the list of all objects, and those of the owners' and types' terms.
func (x *index) fillCommon(loaders []loader, all []found) {
	lists := make(map[string]*[]*entry)
	for i := range loaders {
		for _, c := range loaders[i].kinds {
			for _, t := range c.terms {
				if lists[t] == nil {
					lists[t] = new([]*entry)
				}
				c.lists = append(c.lists, lists[t])
			}
		}
	}
	x.all = make([]*entry, len(all))
	for i, f := range all {
		x.all[i] = f.entry
		for _, l := range f.kind.lists {
			*l = append(*l, f.entry)
		}
	}
	for t, l := range lists {
		x.terms[t] = *l
	}
}
