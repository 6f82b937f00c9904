package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// Kind is what objects are counted by.
type Kind struct {
	Type  kmip.ObjectType
	State kmip.State
}

// Count returns how many objects there are of each type, in the state that they are in
// now: dates change it without anybody's doing. Changes meanwhile may or may not be counted.
func (s *Server) Count() map[Kind]int {
	counts := make(map[Kind]int)
	now := s.now()
	some := make([]*object.Object, 0, 4096) // a million at once would hold up changes
	for from := 0; ; from += cap(some) {
		some = s.index.some(from, some[:0])
		for _, o := range some {
			counts[Kind{o.Type, o.StateAt(now)}]++
		}
		if len(some) < cap(some) {
			return counts
		}
	}
}

// some appends objects to list until it is full, from a place in the order of age.
func (x *index) some(from int, list []*object.Object) []*object.Object {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i := from; i < len(x.all) && len(list) < cap(list); i++ {
		list = append(list, x.all[i].object())
	}
	return list
}
