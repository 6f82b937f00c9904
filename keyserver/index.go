package keyserver

import (
	"cmp"
	"slices"
	"strconv"
	"sync"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// index is all objects in memory, found by identifier and by what Locate asks
// for. It always equals the store.
type index struct {
	mu   sync.RWMutex
	byID map[string]*entry
	all  []*entry // every object, the oldest first
	// terms lists the objects that share a term, the oldest first. Objects that
	// are destroyed have the term destroyedTerm only.
	terms map[string][]*entry
}

// entry is an object's place in the lists. What it has of the object is replaced
// under the index's lock, and never changed. It is the object, or, of a million that
// a server has found at its start, only the record: that takes a third of the memory,
// holds nothing for the garbage collector to look through, and is decoded in
// microseconds when somebody asks.
type entry struct {
	id     string
	serial uint64
	o      *object.Object // nil: there is the record
	record []byte
}

func (e *entry) object() *object.Object {
	if e.o != nil {
		return e.o
	}
	o, err := object.Unmarshal(e.record)
	if err != nil {
		panic(err) // it was decoded before it came into the index
	}
	return o
}

func newIndex() *index {
	return &index{byID: make(map[string]*entry), terms: make(map[string][]*entry)}
}

// get returns the object of an identifier, or nil.
func (x *index) get(id string) *object.Object {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if e := x.byID[id]; e != nil {
		return e.object()
	}
	return nil
}

// nameTaken says whether an object other than those excepted has the name.
func (x *index) nameTaken(owner, name string, except func(id string) bool) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, e := range x.terms[attributeTerm(owner, kmip.AttrName, name)] {
		if !except(e.id) {
			return true
		}
	}
	return false
}

// put takes in objects, or new versions of them, all at once.
func (x *index) put(objects ...*object.Object) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, o := range objects {
		x.putOne(o)
	}
}

func (x *index) putOne(o *object.Object) {
	e := x.byID[o.ID]
	var before []string
	if e == nil {
		e = &entry{id: o.ID, serial: o.Serial, o: o}
		x.byID[o.ID] = e
		x.all = insert(x.all, e)
	} else {
		before = termsOf(e.object())
		e.o, e.record = o, nil
	}
	after := termsOf(o)
	for _, t := range before {
		if !slices.Contains(after, t) {
			if list := remove(x.terms[t], e); len(list) > 0 {
				x.terms[t] = list
			} else {
				delete(x.terms, t)
			}
		}
	}
	for _, t := range after {
		if !slices.Contains(before, t) {
			x.terms[t] = insert(x.terms[t], e)
		}
	}
}

func bySerial(a, b *entry) int { return cmp.Compare(a.serial, b.serial) }

func insert(list []*entry, e *entry) []*entry {
	i, _ := slices.BinarySearchFunc(list, e, bySerial)
	return slices.Insert(list, i, e)
}

func remove(list []*entry, e *entry) []*entry {
	if i, ok := slices.BinarySearchFunc(list, e, bySerial); ok {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// Terms. An owner's name has no NUL in it, and the length of an attribute's stands
// before it, so that terms cannot be mixed up.
func ownerTerm(owner string) string     { return owner + "\x00" }
func destroyedTerm(owner string) string { return owner + "\x00\x00destroyed" }
func typeTerm(owner string, t kmip.ObjectType) string {
	return owner + "\x00\x00type\x00" + strconv.Itoa(int(t))
}
func groupTerm(owner, group string, t kmip.ObjectType) string {
	return owner + "\x00\x00group\x00" + strconv.Itoa(int(t)) + "\x00" + group
}
func attributeTerm(owner, name, value string) string {
	return owner + "\x00" + strconv.Itoa(len(name)) + ":" + name + value
}

// termsOf returns the terms that an object is listed under, each once.
func termsOf(o *object.Object) []string {
	b := o.Brief()
	return appendTerms(kindOf(&b).terms(), &b)
}

// kind is what decides the terms that many objects have in common.
type kind struct {
	owner     string
	t         kmip.ObjectType
	destroyed bool
}

func kindOf(o *object.Brief) kind { return kind{o.Owner, o.Type, o.Destroyed()} }

// terms returns those of the owner and the type.
func (k kind) terms() []string {
	if k.destroyed {
		return []string{destroyedTerm(k.owner)}
	}
	return append(make([]string, 0, 6), ownerTerm(k.owner), typeTerm(k.owner, k.t))
}

// appendTerms appends the terms of an object's attributes to a list.
func appendTerms(all []string, o *object.Brief) []string {
	if o.Destroyed() {
		return all
	}
	begin := len(all)
	for _, a := range o.Attributes {
		if !indexed(a.Name) {
			continue
		}
		t, _, ok := termOf(o.Owner, a.Name, a.Value)
		if !ok || slices.Contains(all[begin:], t) {
			continue
		}
		all = append(all, t)
		if a.Name == kmip.AttrObjectGroup {
			all = append(all, groupTerm(o.Owner, a.Value.Text, o.Type))
		}
	}
	return all
}

// indexed says whether an attribute of the name may have a term.
func indexed(name string) bool {
	switch name {
	case kmip.AttrName, kmip.AttrAppSpecificInformation, kmip.AttrObjectGroup:
		return true
	}
	return kmip.IsCustom(name)
}

// termOf returns the term of an attribute with a value, for those that are
// indexed: Object Type, Name, Object Group, Application Specific Information and
// the clients' own. whole says that an object is listed under the term if and
// only if it has the value.
func termOf(owner, name string, v ttlv.Value) (term string, whole, ok bool) {
	switch {
	case name == kmip.AttrObjectType:
		return typeTerm(owner, kmip.ObjectType(v.Int)), true, true
	case name == kmip.AttrName:
		n, has := v.Field(kmip.TagNameValue)
		return attributeTerm(owner, name, n.Text), false, has
	case name == kmip.AttrAppSpecificInformation:
		namespace, has1 := v.Field(kmip.TagApplicationNamespace)
		data, has2 := v.Field(kmip.TagApplicationData)
		return attributeTerm(owner, name, strconv.Itoa(len(namespace.Text))+":"+namespace.Text+data.Text), false, has1 && has2
	case v.Type == ttlv.TextString && (name == kmip.AttrObjectGroup || kmip.IsCustom(name)):
		return attributeTerm(owner, name, v.Text), true, true
	}
	return "", false, false
}
