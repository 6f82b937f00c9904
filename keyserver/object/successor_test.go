package object_test

import (
	"slices"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// The dates of a successor, by those of the old object and the Offset, in seconds from now;
// far away is none.
func TestSuccessor_Dates(t *testing.T) {
	names := []string{kmip.AttrActivationDate, kmip.AttrProcessStartDate, kmip.AttrProtectStopDate, kmip.AttrDeactivationDate}
	const none = int64(1) << 50
	offset := func(n uint32) *uint32 { return &n }
	for _, c := range []struct {
		name   string
		old    [4]int64
		offset *uint32
		given  kmip.Attributes
		want   [4]int64
		state  kmip.State
		reason kmip.ResultReason
	}{
		{name: "no dates", old: [4]int64{none, none, none, none}, want: [4]int64{none, none, none, none}, state: preActive},
		{name: "no dates, Offset", old: [4]int64{none, none, none, none}, offset: offset(60), want: [4]int64{60, none, none, none}, state: preActive},
		{name: "no dates, Offset 0", old: [4]int64{none, none, none, none}, offset: offset(0), want: [4]int64{0, none, none, none}, state: active},
		{name: "copied", old: [4]int64{-100, -50, 50, 100}, want: [4]int64{-100, -50, 50, 100}, state: active},
		{name: "shifted", old: [4]int64{-100, -50, 50, 100}, offset: offset(10), want: [4]int64{10, 60, 160, 210}, state: preActive},
		{name: "an old key's life begins anew", old: [4]int64{-1000, none, none, -10}, offset: offset(0), want: [4]int64{0, none, none, 990}, state: active},
		{name: "copied, and over", old: [4]int64{-1000, none, none, -10}, want: [4]int64{-1000, none, none, -10}, state: deactivated},
		{name: "the longest Offset", old: [4]int64{0, none, none, 1}, offset: offset(1<<32 - 1), want: [4]int64{1<<32 - 1, none, none, 1 << 32}, state: preActive},
		{name: "given", old: [4]int64{-100, none, none, 100}, given: kmip.Attributes{kmip.DateAttribute(kmip.AttrDeactivationDate, now.Add(time.Hour))}, want: [4]int64{-100, none, none, 3600}, state: active},
		{name: "given out of order", old: [4]int64{-100, none, 50, none}, given: kmip.Attributes{kmip.DateAttribute(kmip.AttrDeactivationDate, now)}, reason: invalid},
		{name: "given with Offset", old: [4]int64{none, none, none, none}, offset: offset(0), given: kmip.Attributes{kmip.DateAttribute(kmip.AttrProtectStopDate, future)}, reason: kmip.ReasonInvalidMessage},
		{name: "Offset from nothing", old: [4]int64{none, none, none, 100}, offset: offset(0), reason: illegal},
		{name: "too far for an Offset", old: [4]int64{0, none, none, 1 << 41}, offset: offset(0), reason: invalid},
		{name: "too far back for an Offset", old: [4]int64{-1 << 62, none, none, none}, offset: offset(0), reason: invalid},
	} {
		at := func(n int64) time.Time { return time.Unix(now.Unix()+n, 0).UTC() }
		var dates kmip.Attributes
		for i, n := range c.old {
			if n != none {
				dates = append(dates, kmip.DateAttribute(names[i], at(n)))
			}
		}
		next, err := newObject(t, dates...).Successor(c.given, c.offset, now)
		if err != nil || c.reason != 0 {
			if kmip.ReasonOf(err) != c.reason {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		for i, n := range c.want {
			want := time.Time{}
			if n != none {
				want = at(n)
			}
			if got := next.Date(names[i]); !got.Equal(want) {
				t.Errorf("%s: the %s is %v, want %v", c.name, names[i], got, want)
			}
		}
		if got := next.StateAt(now); got != c.state {
			t.Errorf("%s: %s, want %s", c.name, got, c.state)
		}
	}
}

// What a successor has from the old object, what it has not, and what is left of that.
func TestSuccessor_Attributes(t *testing.T) {
	limits := kmip.UsageLimits{Total: 10, Unit: kmip.UsageLimitsObject}
	old := newObject(t, kmip.NameAttribute("a"), kmip.NameAttribute("b"), text("x-a", "1"), text("x-a", "2"), text("x-b", "1"), asi("n", "d"),
		kmip.Attribute{Name: kmip.AttrUsageLimits, Value: limits.TTLV()}, kmip.DateAttribute(kmip.AttrActivationDate, past),
		kmip.Attribute{Name: kmip.AttrLink, Value: kmip.Link{Type: kmip.LinkDerivationBaseObject, ID: "base"}.TTLV()},
		kmip.DateAttribute(kmip.AttrOriginalCreationDate, past))
	if _, err := old.Spend(0, 3, now); err != nil {
		t.Fatal(err)
	}
	do(t, revoke(old, kmip.RevocationKeyCompromise))
	old.Fresh = false
	next, err := old.Successor(kmip.Attributes{text("x-a", "3"), kmip.NameAttribute("b"), kmip.NameAttribute("c")}, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	if got := next.Names(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("names %v", got)
	}
	if got := next.Attributes.All("x-a"); len(got) != 1 || got[0].Text != "3" {
		t.Errorf("x-a: %v", got)
	}
	if _, ok := next.Attributes.Get("x-b"); !ok || len(next.Attributes.All(kmip.AttrAppSpecificInformation)) != 1 {
		t.Errorf("not copied: %v", next.Attributes)
	}
	if u, _ := next.UsageLimits(); u.Count != 10 || u.Total != 10 {
		t.Errorf("%+v", u)
	}
	link := func(typ kmip.LinkType, id string) ttlv.Value { return kmip.Link{Type: typ, ID: id}.TTLV() }
	if got := next.Attributes.All(kmip.AttrLink); len(got) != 1 || !got[0].Equal(link(kmip.LinkReplacedObject, "id")) {
		t.Errorf("%v", got)
	}
	d := next.Dates
	if !d.Compromise.IsZero() || !d.CompromiseOccurrence.IsZero() || !d.Initial.Equal(now.Truncate(time.Second)) || !d.OriginalCreation.IsZero() || next.Revocation.Code != 0 || !next.Fresh || next.StateAt(now) != active {
		t.Errorf("%+v", next)
	}

	old.ReplaceBy("other", now)
	old.ReplaceBy("next", now)
	if got := old.Attributes.All(kmip.AttrLink); len(old.Names()) != 0 || old.Linked(kmip.LinkReplacementObject) != "next" || len(got) != 2 || !got[0].Equal(link(kmip.LinkDerivationBaseObject, "base")) {
		t.Errorf("%v", old.Attributes)
	}
	if old.StateAt(now) != compromised || !old.Dates.LastChange.Equal(now.Truncate(time.Second)) {
		t.Errorf("%s, %v", old.StateAt(now), old.Dates.LastChange)
	}
	if o, err := object.Unmarshal(old.Marshal()); err != nil || o.Linked(kmip.LinkReplacementObject) != "next" {
		t.Errorf("%v", err)
	}
}
