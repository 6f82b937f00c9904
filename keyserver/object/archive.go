package object

import (
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Archived says whether the object was put away: only its attributes are shown until it is
// recovered.
func (o *Object) Archived() bool { return !o.Dates.Archive.IsZero() }

// CheckAtHand returns why the object cannot be worked with, because it was destroyed or put
// away, or nil.
func (o *Object) CheckAtHand() error {
	if o.Destroyed() {
		return kmip.Errorf(kmip.ReasonIllegalOperation, "the object was destroyed; only its attributes are left").In2(kmip.ReasonObjectDestroyed)
	}
	return o.checkArchived()
}

func (o *Object) checkArchived() error {
	if o.Archived() {
		return kmip.Errorf(kmip.ReasonObjectArchived, "the object is archived: recover it first").In2(kmip.ReasonObjectArchived)
	}
	return nil
}

// Archive puts the object away (KMIP 1.4, 4.22). It stays in its state, and dates go on
// changing that.
func (o *Object) Archive(now time.Time) error {
	if err := o.CheckAtHand(); err != nil {
		return err
	}
	o.change(now)
	o.Dates.Archive = seconds(now)
	return nil
}

// Recover brings the object back (KMIP 1.4, 4.23). One that was not put away stays as it is,
// so that a client can repeat a request whose answer it lost; changed says whether anything
// was done.
func (o *Object) Recover(now time.Time) (changed bool, err error) {
	if o.Destroyed() {
		return false, o.CheckAtHand()
	}
	if !o.Archived() {
		return false, nil
	}
	o.change(now)
	o.Dates.Archive = time.Time{}
	return true, nil
}
