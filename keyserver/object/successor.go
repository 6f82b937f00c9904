package object

import (
	"slices"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// movingDates are those that a successor has from the object whose place it takes.
var movingDates = []string{kmip.AttrActivationDate, kmip.AttrProcessStartDate, kmip.AttrProtectStopDate, kmip.AttrDeactivationDate}

// farthest is the latest date that an Offset is reckoned with, in seconds from 1970: some
// 30,000 years, so that no sum overflows.
const farthest = 1 << 40

// Successor returns a new object that takes o's place (KMIP 1.4, 4.4 and 4.5): with its Names
// and all that a client can give an object but its Links. What is given goes before that;
// Names that are given come on top. The caller fills in what New leaves to it.
//
// The four dates of the life are o's, or, with an offset in seconds, such that the Activation
// Date is the offset from now and the others are as far from it as they were in o.
func (o *Object) Successor(given kmip.Attributes, offset *uint32, now time.Time) (*Object, error) {
	if offset != nil {
		for _, name := range movingDates {
			if _, both := given.Get(name); both {
				return nil, kmip.Errorf(kmip.ReasonInvalidMessage, "an Offset and the %s cannot be given together", name)
			}
		}
	}
	dates, err := o.movedDates(offset, now)
	if err != nil {
		return nil, err
	}
	all := make(kmip.Attributes, 0, len(o.Attributes)+len(dates)+len(given))
	for _, a := range slices.Concat(o.Attributes, dates) {
		same := func(g kmip.Attribute) bool {
			return g.Name == a.Name && (a.Name != kmip.AttrName || g.Value.Equal(a.Value))
		}
		if a.Name != kmip.AttrLink && !slices.ContainsFunc(given, same) {
			all = append(all, a)
		}
	}
	next, err := New(o.Type, append(all, given...), now)
	if err != nil {
		return nil, err
	}
	next.Attributes.Add(kmip.AttrLink, kmip.Link{Type: kmip.LinkReplacedObject, ID: o.ID}.TTLV())
	return next, nil
}

// movedDates are the dates of a successor that are reckoned from those of o.
func (o *Object) movedDates(offset *uint32, now time.Time) (moved kmip.Attributes, err error) {
	shift := int64(0)
	first := o.Dates.Activation
	if offset != nil {
		start := seconds(now).Unix() + int64(*offset)
		if first.IsZero() {
			moved = kmip.Attributes{kmip.DateAttribute(kmip.AttrActivationDate, time.Unix(start, 0).UTC())}
		} else {
			shift = start - first.Unix()
		}
	}
	for _, name := range movingDates {
		date := *o.Dates.field(name)
		switch {
		case date.IsZero():
			continue
		case offset != nil && first.IsZero():
			return nil, kmip.Errorf(kmip.ReasonIllegalOperation, "the object has no Activation Date, so that an Offset does not say what its %s is to become", name)
		case offset != nil && (date.Unix() > farthest || date.Unix() < -farthest):
			return nil, kmip.Errorf(kmip.ReasonInvalidField, "the object's %s is too far away for an Offset", name)
		case offset != nil:
			date = time.Unix(date.Unix()+shift, 0).UTC()
		}
		moved = append(moved, kmip.DateAttribute(name, date))
	}
	return moved, nil
}

// Linked returns the object that a Link of the type points to, the last of several, "" if
// there is none.
func (o *Object) Linked(t kmip.LinkType) (id string) {
	for _, v := range o.Attributes.All(kmip.AttrLink) {
		if l, err := kmip.ParseLink(v); err == nil && l.Type == t {
			id = l.ID
		}
	}
	return id
}

// ReplaceBy notes that another object has taken o's place, and o's Names with it. The State
// stays: there may be data under o still, and the client revokes it when there are none.
func (o *Object) ReplaceBy(id string, now time.Time) {
	o.change(now)
	o.Attributes = slices.DeleteFunc(o.Attributes, func(a kmip.Attribute) bool {
		l, err := kmip.ParseLink(a.Value)
		return a.Name == kmip.AttrName || a.Name == kmip.AttrLink && err == nil && l.Type == kmip.LinkReplacementObject
	})
	o.Attributes.Add(kmip.AttrLink, kmip.Link{Type: kmip.LinkReplacementObject, ID: id}.TTLV())
}
