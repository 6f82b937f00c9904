package object_test

import (
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

const (
	preActive   = kmip.StatePreActive
	active      = kmip.StateActive
	deactivated = kmip.StateDeactivated
	compromised = kmip.StateCompromised
	destroyed   = kmip.StateDestroyed
	destrCompr  = kmip.StateDestroyedCompromised

	denied  = kmip.ReasonPermissionDenied
	invalid = kmip.ReasonInvalidField
	illegal = kmip.ReasonIllegalOperation
	absent  = kmip.ReasonItemNotFound
)

var (
	states = []kmip.State{preActive, active, deactivated, compromised, destroyed, destrCompr}
	now    = time.Date(2026, 5, 6, 7, 8, 9, 500_000_000, time.UTC)
	past   = now.Add(-time.Hour)
	future = now.Add(time.Hour)
)

func newObject(t *testing.T, attrs ...kmip.Attribute) *object.Object {
	t.Helper()
	o, err := object.New(kmip.ObjectTypeSymmetricKey, attrs, past)
	if err != nil {
		t.Fatal(err)
	}
	o.ID, o.Owner, o.Serial = "id", "db", 7
	return o
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func revoke(o *object.Object, code kmip.RevocationReasonCode) error {
	_, err := o.Revoke(kmip.RevocationReason{Code: code}, time.Time{}, now)
	return err
}

// in returns an object that has come to the state by operations only.
func in(t *testing.T, s kmip.State) *object.Object {
	t.Helper()
	o := newObject(t, kmip.NameAttribute("n"), kmip.Attribute{Name: "x-a", Value: ttlv.TextValue("1")})
	switch s {
	case active:
		do(t, o.Activate(now))
	case deactivated:
		do(t, o.Activate(now))
		do(t, revoke(o, kmip.RevocationSuperseded))
	case compromised:
		do(t, revoke(o, kmip.RevocationKeyCompromise))
	case destroyed:
		do(t, o.Destroy(now))
	case destrCompr:
		do(t, revoke(o, kmip.RevocationCACompromise))
		do(t, o.Destroy(now))
	}
	if got := o.StateAt(now); got != s {
		t.Fatalf("the way to %s leads to %s", s, got)
	}
	return o
}

// TestStateTable is the table of KMIP 1.4, 3.22 and what each operation says in
// each state: where it leads, or why it fails.
func TestStateTable(t *testing.T) {
	type cell struct {
		to     kmip.State
		reason kmip.ResultReason
	}
	to := func(s kmip.State) cell { return cell{to: s} }
	no := func(r kmip.ResultReason) cell { return cell{reason: r} }
	date := func(name string, at time.Time) kmip.Attribute { return kmip.DateAttribute(name, at) }
	add := func(a kmip.Attribute) func(*object.Object) error {
		return func(o *object.Object) error { _, err := o.Add(a, now); return err }
	}
	modify := func(a kmip.Attribute) func(*object.Object) error {
		return func(o *object.Object) error { _, err := o.Modify(a, now); return err }
	}
	stay := [4]cell{to(preActive), to(active), to(deactivated), to(compromised)}
	for _, row := range []struct {
		operation string
		do        func(*object.Object) error
		cells     [6]cell // in the order of states
	}{
		{"Activate", func(o *object.Object) error { return o.Activate(now) },
			[6]cell{to(active), no(denied), no(denied), no(denied), no(denied), no(denied)}},
		{"Revoke, Unspecified", func(o *object.Object) error { return revoke(o, kmip.RevocationUnspecified) },
			[6]cell{no(denied), to(deactivated), to(deactivated), no(denied), no(denied), no(denied)}},
		{"Revoke, Privilege Withdrawn", func(o *object.Object) error { return revoke(o, kmip.RevocationPrivilegeWithdrawn) },
			[6]cell{no(denied), to(deactivated), to(deactivated), no(denied), no(denied), no(denied)}},
		{"Revoke, Key Compromise", func(o *object.Object) error { return revoke(o, kmip.RevocationKeyCompromise) },
			[6]cell{to(compromised), to(compromised), to(compromised), to(compromised), to(destrCompr), to(destrCompr)}},
		{"Revoke, CA Compromise", func(o *object.Object) error { return revoke(o, kmip.RevocationCACompromise) },
			[6]cell{to(compromised), to(compromised), to(compromised), to(compromised), to(destrCompr), to(destrCompr)}},
		{"Revoke, no such reason", func(o *object.Object) error { return revoke(o, 8) },
			[6]cell{no(invalid), no(invalid), no(invalid), no(invalid), no(invalid), no(invalid)}},
		{"Destroy", func(o *object.Object) error { return o.Destroy(now) },
			[6]cell{to(destroyed), no(denied), to(destroyed), to(destrCompr), no(denied), no(denied)}},
		{"Get", func(o *object.Object) error { return o.CheckGet(false) },
			[6]cell{stay[0], stay[1], stay[2], stay[3], no(illegal), no(illegal)}},
		{"Archive", func(o *object.Object) error { return o.Archive(now) },
			[6]cell{stay[0], stay[1], stay[2], stay[3], no(illegal), no(illegal)}},
		{"Recover", func(o *object.Object) error { _, err := o.Recover(now); return err },
			[6]cell{stay[0], stay[1], stay[2], stay[3], no(illegal), no(illegal)}},
		{"Add Activation Date, past", func(o *object.Object) error {
			o.Dates.Activation = time.Time{}
			return add(date(kmip.AttrActivationDate, past))(o)
		},
			[6]cell{to(active), no(denied), no(denied), no(denied), no(denied), no(denied)}},
		{"Add Activation Date, future", func(o *object.Object) error {
			o.Dates.Activation = time.Time{}
			return add(date(kmip.AttrActivationDate, future))(o)
		},
			[6]cell{to(preActive), no(denied), no(denied), no(denied), no(denied), no(denied)}},
		{"Modify Activation Date, past", func(o *object.Object) error {
			o.Dates.Activation = future
			return modify(date(kmip.AttrActivationDate, past))(o)
		},
			[6]cell{to(active), no(denied), no(denied), no(denied), no(denied), no(denied)}},
		{"Add Deactivation Date, now", func(o *object.Object) error {
			o.Dates.Deactivation = time.Time{}
			return add(date(kmip.AttrDeactivationDate, now))(o)
		},
			[6]cell{to(preActive), to(deactivated), no(denied), no(denied), no(denied), no(denied)}},
		{"Modify Deactivation Date, future", func(o *object.Object) error {
			o.Dates.Deactivation = future
			return modify(date(kmip.AttrDeactivationDate, future.Add(time.Hour)))(o)
		},
			[6]cell{to(preActive), to(active), no(denied), no(denied), no(denied), no(denied)}},
		{"Add Process Start Date, future", add(date(kmip.AttrProcessStartDate, future)),
			[6]cell{to(preActive), to(active), no(denied), no(denied), no(denied), no(denied)}},
		{"Add Protect Stop Date, future", add(date(kmip.AttrProtectStopDate, future)),
			[6]cell{to(preActive), to(active), no(denied), no(denied), no(denied), no(denied)}},
		{"Modify Protect Stop Date, reached", func(o *object.Object) error {
			o.Dates.ProtectStop = past
			return modify(date(kmip.AttrProtectStopDate, future))(o)
		},
			[6]cell{no(denied), no(denied), no(denied), no(denied), no(denied), no(denied)}},
		{"Add another attribute", add(kmip.Attribute{Name: "x-b", Value: ttlv.IntegerValue(1)}),
			[6]cell{stay[0], stay[1], stay[2], stay[3], no(denied), no(denied)}},
		{"Modify another attribute", modify(kmip.NameAttribute("other")),
			[6]cell{stay[0], stay[1], stay[2], stay[3], no(denied), no(denied)}},
		{"Delete another attribute", func(o *object.Object) error { _, err := o.Delete(kmip.AttrName, 0, now); return err },
			[6]cell{stay[0], stay[1], stay[2], stay[3], no(denied), no(denied)}},
		{"Modify State", modify(kmip.EnumerationAttribute(kmip.AttrState, active)),
			[6]cell{no(denied), no(denied), no(denied), no(denied), no(denied), no(denied)}},
	} {
		for i, from := range states {
			o := in(t, from)
			before := o.Clone()
			err := row.do(o)
			want := row.cells[i]
			if kmip.ReasonOf(err) != want.reason || (err != nil) != (want.reason != 0) {
				t.Errorf("%s in %s: %v, want reason %d", row.operation, from, err, want.reason)
			}
			if want.reason != 0 {
				want.to = from
			}
			if got := o.StateAt(now); got != want.to {
				t.Errorf("%s in %s leads to %s, want %s", row.operation, from, got, want.to)
			}
			if err != nil && o.Dates.LastChange != before.Dates.LastChange {
				t.Errorf("%s in %s failed and changed the Last Change Date", row.operation, from)
			}
		}
	}
}

func TestStateAt_DatesChangeTheState(t *testing.T) {
	o := newObject(t, kmip.DateAttribute(kmip.AttrActivationDate, now), kmip.DateAttribute(kmip.AttrDeactivationDate, future))
	for _, c := range []struct {
		at   time.Time
		want kmip.State
	}{{past, preActive}, {now.Add(-2 * time.Second), preActive}, {now, active}, {future.Add(-2 * time.Second), active}, {future, deactivated}, {future.Add(time.Hour), deactivated}} {
		if got := o.StateAt(c.at); got != c.want {
			t.Errorf("at %v: %s, want %s", c.at, got, c.want)
		}
	}
	// A change that follows a date makes the date's effect part of the record.
	o.Dates.Deactivation = time.Time{}
	if _, err := o.Add(kmip.NameAttribute("n"), now); err != nil || o.State != active {
		t.Errorf("%s, %v", o.State, err)
	}
	if got := o.StateAt(past); got != active {
		t.Errorf("a clock that goes back takes the object back to %s", got)
	}
	if o := newObject(t, kmip.DateAttribute(kmip.AttrActivationDate, past)); o.State != active {
		t.Errorf("an Activation Date that has come: %s", o.State)
	}
	if o := newObject(t, kmip.DateAttribute(kmip.AttrDeactivationDate, past)); o.StateAt(now) != preActive {
		t.Errorf("a Pre-Active object cannot become Deactivated, but is %s", o.StateAt(now))
	}
}

func TestRevoke_Dates(t *testing.T) {
	cut := now.Truncate(time.Second)
	o := in(t, active)
	do(t, revoke(o, kmip.RevocationSuperseded))
	if o.Dates.Deactivation != cut || !o.Dates.Compromise.IsZero() || o.Revocation.Code != kmip.RevocationSuperseded || o.Dates.LastChange != cut {
		t.Errorf("deactivated: %+v", o)
	}
	// Again: nothing changes, the first reason stays.
	changed, err := o.Revoke(kmip.RevocationReason{Code: kmip.RevocationUnspecified}, time.Time{}, future)
	if changed || err != nil || o.Revocation.Code != kmip.RevocationSuperseded || o.Dates.Deactivation != cut {
		t.Errorf("revoked again: %v, %v, %+v", changed, err, o)
	}
	do(t, revoke(o, kmip.RevocationKeyCompromise))
	if o.Dates.Compromise != cut || o.Dates.CompromiseOccurrence != o.Dates.Initial {
		t.Errorf("compromised: %+v", o.Dates)
	}
	o = in(t, preActive)
	if _, err := o.Revoke(kmip.RevocationReason{Code: kmip.RevocationKeyCompromise}, past.Add(time.Minute), now); err != nil || o.Dates.CompromiseOccurrence != past.Add(time.Minute).Truncate(time.Second) {
		t.Errorf("%v, %+v", err, o.Dates)
	}
	o = in(t, active) // of a client whose clock is ahead
	if _, err := o.Revoke(kmip.RevocationReason{Code: kmip.RevocationKeyCompromise}, now.Add(time.Minute), now); err != nil || o.Dates.CompromiseOccurrence != now.Truncate(time.Second) {
		t.Errorf("%v, %+v", err, o.Dates)
	}
	for _, c := range []struct {
		code kmip.RevocationReasonCode
		at   time.Time
	}{{kmip.RevocationUnspecified, past}, {kmip.RevocationKeyCompromise, now.Add(61 * time.Minute)}} {
		o := in(t, active)
		if _, err := o.Revoke(kmip.RevocationReason{Code: c.code}, c.at, now); kmip.ReasonOf(err) != invalid || o.State != active {
			t.Errorf("%s with an occurrence at %v: %v", c.code, c.at, err)
		}
	}
}

func TestActivate_AfterTheDeactivationDate(t *testing.T) {
	o := newObject(t, kmip.DateAttribute(kmip.AttrDeactivationDate, past.Add(time.Minute)))
	if err := o.Activate(now); kmip.ReasonOf(err) != denied {
		t.Errorf("%v", err)
	}
}

func TestCheckGet_SensitiveAndExtractable(t *testing.T) {
	for _, c := range []struct {
		attr   string
		value  bool
		reason kmip.ResultReason
	}{
		{kmip.AttrSensitive, true, kmip.ReasonSensitive}, {kmip.AttrSensitive, false, 0},
		{kmip.AttrExtractable, false, kmip.ReasonNotExtractable}, {kmip.AttrExtractable, true, 0},
	} {
		o := newObject(t, kmip.Attribute{Name: c.attr, Value: ttlv.BooleanValue(c.value)})
		if got := kmip.ReasonOf(o.CheckGet(false)); got != c.reason {
			t.Errorf("%s %v: %s", c.attr, c.value, got)
		}
	}
}
