package keyserver

import (
	"cmp"
	"slices"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// locate finds objects by their attributes (KMIP 1.4, 4.9). A filter that cannot
// be used fails the request: it must never be passed over, or the client would
// take another's answer for its own.
func (s *Server) locate(r *request, p *kmip.LocateRequest) (*kmip.LocateResponse, error) {
	q, err := newQuery(r, p)
	if err != nil {
		return nil, err
	}
	offset, limit := int32(0), p.MaximumItems
	if p.OffsetItems != nil {
		offset = *p.OffsetItems
	}
	if offset < 0 || limit < 0 {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "Maximum Items is %d and Offset Items %d: neither can be negative", limit, offset)
	}
	found, total := s.search(r, q, int(offset), int(limit))
	response := &kmip.LocateResponse{UniqueIdentifiers: found}
	// Located Items is a field of 1.3. libkmip reads it at any version, and sends
	// Offset Items at 1.0.
	if r.Version.AtLeast(kmip.V1_3) || p.OffsetItems != nil {
		n := int32(total)
		response.LocatedItems = &n
	}
	r.Placeholder = ""
	if len(found) == 1 {
		r.Placeholder = found[0]
		r.uid = found[0]
	}
	return response, nil
}

// query is a Locate that has been understood.
type query struct {
	owner     string // whose objects; ignored if anyOwner
	anyOwner  bool
	now       time.Time
	id        string // the Unique Identifier, if one is asked for
	destroyed bool   // only destroyed objects can match
	online    bool   // objects that are not archived can match
	archived  bool   // objects that are can match
	nothing   bool   // no object can match
	equal     []object.Filter
	dates     []dateRange
}

type dateRange struct {
	name     string
	from, to time.Time // both included
	both     bool      // two dates were given
}

// maxFilters bounds the work of one Locate.
const maxFilters = 64

// storageStatusMask is sent by keyring_okv as an attribute, too.
const storageStatusMask = "Storage Status Mask"

func newQuery(r *request, p *kmip.LocateRequest) (*query, error) {
	// Objects that are archived are found, too, unless the mask says otherwise: who does not
	// know of archives would take a key that is in one for a key that is not there.
	q := &query{online: true, archived: true, owner: r.who.Owner(), anyOwner: r.who.Role.SeesAll(), now: r.now}
	switch p.ObjectGroupMember {
	case 0:
	case kmip.GroupMemberFresh:
		if err := q.add(kmip.Attribute{Name: kmip.AttrFresh, Value: ttlv.BooleanValue(true)}); err != nil {
			return nil, err
		}
	default:
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "objects cannot be located by the Object Group Member %s: groups have no default member here", p.ObjectGroupMember)
	}
	if len(p.Attributes) > maxFilters {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "objects cannot be located by more than %d attributes at a time", maxFilters)
	}
	storage := p.StorageStatus
	for _, a := range p.Attributes {
		if a.Name == storageStatusMask && a.Value.Type == ttlv.Integer {
			storage |= kmip.StorageMask(a.Value.Int)
			continue
		}
		if err := q.add(a); err != nil {
			return nil, err
		}
	}
	if storage != 0 {
		q.online, q.archived = storage&kmip.StorageOnline != 0, storage&kmip.StorageArchival != 0
		q.nothing = q.nothing || !q.online && !q.archived
	}
	return q, nil
}

// add takes in a filter.
func (q *query) add(a kmip.Attribute) error {
	f, err := object.NewFilter(a)
	if err != nil {
		return err
	}
	switch a.Name {
	case kmip.AttrUniqueIdentifier:
		q.nothing = q.nothing || q.id != "" && q.id != a.Value.Text || a.Value.Text == ""
		q.id = a.Value.Text
		return nil
	case kmip.AttrState:
		s := kmip.State(a.Value.Int)
		q.destroyed = q.destroyed || s == kmip.StateDestroyed || s == kmip.StateDestroyedCompromised
	case kmip.AttrDestroyDate:
		q.destroyed = true
	}
	if f.IsDate() {
		return q.addDate(a.Name, a.Value.Time())
	}
	q.equal = append(q.equal, f)
	return nil
}

// addDate takes in a date: given once it has to be equal, given twice the two are
// a range.
func (q *query) addDate(name string, date time.Time) error {
	i := slices.IndexFunc(q.dates, func(d dateRange) bool { return d.name == name })
	if i < 0 {
		q.dates = append(q.dates, dateRange{name: name, from: date, to: date})
		return nil
	}
	d := &q.dates[i]
	if d.both {
		return kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s is given more than twice", name)
	}
	d.both = true
	if date.Before(d.from) {
		d.from = date
	} else {
		d.to = date
	}
	return nil
}

// matches says whether an object fits the filters.
func (q *query) matches(o *object.Object) bool {
	for i := range q.equal {
		if !o.Matches(q.equal[i], q.now) {
			return false
		}
	}
	for _, d := range q.dates {
		date := o.Date(d.name)
		if date.IsZero() || date.Before(d.from) || date.After(d.to) {
			return false
		}
	}
	return true
}

// search returns a page of identifiers, the oldest object first, and how many
// objects match in all, as the request sees them. A limit of 0 is none.
func (s *Server) search(r *request, q *query, offset, limit int) (page []string, total int) {
	if r.tx == nil || len(r.tx.order) == 0 {
		return s.index.locate(q, offset, limit)
	}
	found := slices.DeleteFunc(s.index.matches(q), func(o *object.Object) bool { return r.tx.staged.get(o.ID) != nil })
	found = append(found, r.tx.staged.matches(q)...)
	slices.SortFunc(found, func(a, b *object.Object) int { return cmp.Compare(a.Serial, b.Serial) })
	for i, o := range found {
		if i >= offset && (limit == 0 || i < offset+limit) {
			page = append(page, o.ID)
		}
	}
	return page, len(found)
}

// matches returns all objects that match, the oldest first.
func (x *index) matches(q *query) (found []*object.Object) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	candidates, exact := x.candidates(q)
	for _, e := range candidates {
		if o := e.object(); exact || q.selects(o) {
			found = append(found, o)
		}
	}
	return found
}

// selects says whether an object is one that the client may see and asks for.
func (q *query) selects(o *object.Object) bool {
	if o.Archived() && !q.archived || !o.Archived() && !q.online {
		return false
	}
	return (q.id != "" || o.Destroyed() == q.destroyed) && (q.anyOwner || o.Owner == q.owner) && q.matches(o)
}

// locate returns a page of identifiers and how many objects match in all.
func (x *index) locate(q *query, offset, limit int) (page []string, total int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	candidates, exact := x.candidates(q)
	end := offset + limit
	if limit == 0 {
		end = len(candidates)
	}
	if exact {
		for _, e := range candidates[min(offset, len(candidates)):min(end, len(candidates))] {
			page = append(page, e.id)
		}
		return page, len(candidates)
	}
	for _, e := range candidates {
		if !q.selects(e.object()) {
			continue
		}
		if total >= offset && total < end {
			page = append(page, e.id)
		}
		total++
	}
	return page, total
}

// candidates returns the shortest list that has every match. exact says that it
// has nothing else.
func (x *index) candidates(q *query) (list []*entry, exact bool) {
	switch {
	case q.nothing:
		return nil, true
	case q.id != "":
		if e := x.byID[q.id]; e != nil {
			return []*entry{e}, false
		}
		return nil, true
	case q.anyOwner:
		return x.all, false
	case q.destroyed:
		return x.terms[destroyedTerm(q.owner)], false
	}
	list, exact = x.terms[ownerTerm(q.owner)], len(q.equal)+len(q.dates) == 0
	for i, f := range q.equal {
		term, whole, ok := termOf(q.owner, f.Name, f.Value)
		if !ok {
			continue
		}
		if l := x.terms[term]; len(l) <= len(list) {
			list, exact = l, whole && len(q.equal)+len(q.dates) == 1
		}
		// A page of the keys of one type and group is what Percona's component
		// asks for all the time.
		if f.Name == kmip.AttrObjectGroup {
			for j, t := range q.equal {
				if j != i && t.Name == kmip.AttrObjectType {
					if l := x.terms[groupTerm(q.owner, f.Value.Text, kmip.ObjectType(t.Value.Int))]; len(l) <= len(list) {
						list, exact = l, len(q.equal)+len(q.dates) == 2
					}
				}
			}
		}
	}
	return list, exact && q.online && q.archived
}
