package object_test

import (
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// What is done with an archived object, in each state that it can be in: nothing, until it
// is recovered, and then it is as before.
func TestArchive(t *testing.T) {
	for _, s := range states[:4] {
		o := in(t, s)
		do(t, o.Archive(now))
		if !o.Archived() || !o.Date(kmip.AttrArchiveDate).Equal(now.Truncate(time.Second)) || o.StateAt(now) != s {
			t.Errorf("%s: %+v", s, o)
		}
		before := o.Clone()
		for what, err := range map[string]error{
			"Get": o.CheckGet(false), "Get wrapped": o.CheckGet(true), "use": o.CheckUse(kmip.UsageDecrypt, now), "allocate": o.CheckAllocate(now),
			"Activate": o.Activate(now), "Revoke": revoke(o, kmip.RevocationSuperseded), "Revoke, compromise": revoke(o, kmip.RevocationKeyCompromise),
			"Destroy": o.Destroy(now), "Archive": o.Archive(now),
			"Add":    func() error { _, err := o.Add(text("x-b", "1"), now); return err }(),
			"Modify": func() error { _, err := o.Modify(text("x-a", "2"), now); return err }(),
			"Delete": func() error { _, err := o.Delete("x-a", 0, now); return err }(),
			"a date": func() error { _, err := o.Add(kmip.DateAttribute(kmip.AttrDeactivationDate, future), now); return err }(),
		} {
			if kmip.ReasonOf(err) != kmip.ReasonObjectArchived {
				t.Errorf("%s in %s: %v", what, s, err)
			}
		}
		if string(o.Marshal()) != string(before.Marshal()) {
			t.Errorf("%s: it has changed", s)
		}
		kept, err := object.Unmarshal(o.Marshal())
		if err != nil || !kept.Archived() {
			t.Fatalf("%v", err)
		}
		changed, err := kept.Recover(now.Add(time.Minute))
		if err != nil || !changed || kept.Archived() || kept.StateAt(now) != s || kept.CheckGet(false) != nil {
			t.Errorf("%s: %v, %+v", s, err, kept)
		}
		if changed, err := kept.Recover(now); err != nil || changed {
			t.Errorf("%s, again: %v", s, err)
		}
	}
}

// Dates go on in the archive.
func TestArchive_Dates(t *testing.T) {
	o := newObject(t, kmip.DateAttribute(kmip.AttrActivationDate, past), kmip.DateAttribute(kmip.AttrDeactivationDate, future))
	do(t, o.Archive(now))
	if got := o.StateAt(future); got != deactivated {
		t.Errorf("%s", got)
	}
}
