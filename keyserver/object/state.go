package object

import (
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// maxSkew is how far a client's clock may be ahead of ours: a compromise must not
// go unrecorded over that.
const maxSkew = time.Hour

// CheckGet returns why the content cannot be had, wrapped or not, or nil. An object in
// any state but the destroyed ones is given out: its owner may still have data under it.
func (o *Object) CheckGet(wrapped bool) error {
	if err := o.CheckAtHand(); err != nil {
		return err
	}
	if o.Sensitive() && !wrapped {
		return kmip.Errorf(kmip.ReasonSensitive, "the object is Sensitive: it is given out wrapped only")
	}
	if !o.Extractable() {
		return kmip.Errorf(kmip.ReasonNotExtractable, "the object is not Extractable")
	}
	return nil
}

// CheckUse returns why a key cannot be used for something now, or nil (KMIP 1.4, 3.22: what
// protects needs an Active object; what processes is protected already, and may be done
// with one that was taken out of use).
func (o *Object) CheckUse(use kmip.UsageMask, now time.Time) error {
	if err := o.CheckAtHand(); err != nil {
		return err
	}
	if o.Content.Wrapping != nil {
		return kmip.Errorf(kmip.ReasonIllegalOperation, "the key was registered wrapped, and is kept so: it can be got, not used")
	}
	return o.allows(use, now)
}

// protecting is the uses that protect something.
const protecting = kmip.UsageEncrypt | kmip.UsageSign | kmip.UsageWrapKey | kmip.UsageMACGenerate | kmip.UsageDeriveKey

// allows says whether the usage mask, the state and the dates allow one of the uses.
func (o *Object) allows(use kmip.UsageMask, now time.Time) error {
	if mask, _ := o.Attributes.Get(kmip.AttrCryptographicUsageMask); kmip.UsageMask(mask.Int)&use == 0 {
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the object's Cryptographic Usage Mask does not allow this").In2(kmip.ReasonIncompatibleCryptographicUsageMask)
	}
	state := o.StateAt(now)
	protects := use&protecting != 0
	switch {
	case state == kmip.StatePreActive, protects && state != kmip.StateActive:
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the object is %s", state).In2(kmip.ReasonWrongKeyLifecycleState)
	case protects && reached(o.Dates.ProtectStop, now):
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the object's Protect Stop Date has passed").In2(kmip.ReasonWrongKeyLifecycleState)
	case !protects && !o.Dates.ProcessStart.IsZero() && !reached(o.Dates.ProcessStart, now):
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the object's Process Start Date has not come").In2(kmip.ReasonWrongKeyLifecycleState)
	}
	return nil
}

// Activate makes a Pre-Active object Active (KMIP 1.4, 4.19).
func (o *Object) Activate(now time.Time) error {
	if err := o.checkArchived(); err != nil {
		return err
	}
	if s := o.StateAt(now); s != kmip.StatePreActive {
		return kmip.Errorf(kmip.ReasonPermissionDenied, "only a Pre-Active object can be activated; this one is %s", s).In2(kmip.ReasonWrongKeyLifecycleState)
	}
	if reached(o.Dates.Deactivation, now) {
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the object's Deactivation Date has passed").In2(kmip.ReasonWrongKeyLifecycleState)
	}
	o.change(now)
	o.State = kmip.StateActive
	o.Dates.Activation = seconds(now)
	return nil
}

// Revoke takes an object out of use (KMIP 1.4, 4.20). An object that is in the
// state where the reason leads stays as it is, so that a client can repeat a
// request whose answer it lost; changed says whether anything was done. The zero
// occurrence stands for one not given.
func (o *Object) Revoke(reason kmip.RevocationReason, occurrence, now time.Time) (changed bool, err error) {
	if reason.Code < kmip.RevocationUnspecified || reason.Code > kmip.RevocationPrivilegeWithdrawn {
		return false, kmip.Errorf(kmip.ReasonInvalidField, "the Revocation Reason Code %s is unknown", reason.Code)
	}
	compromise := reason.Code == kmip.RevocationKeyCompromise || reason.Code == kmip.RevocationCACompromise
	if !occurrence.IsZero() {
		if !compromise {
			return false, kmip.Errorf(kmip.ReasonInvalidField, "a Compromise Occurrence Date needs a Revocation Reason of compromise, not %s", reason.Code)
		}
		switch ahead := occurrence.Sub(now); {
		case ahead > maxSkew:
			return false, kmip.Errorf(kmip.ReasonInvalidField, "the Compromise Occurrence Date is in the future")
		case ahead > 0:
			occurrence = now
		}
	}
	if err := o.checkArchived(); err != nil {
		return false, err
	}
	from := o.StateAt(now)
	to, ok := afterRevoke(from, compromise)
	if !ok {
		return false, kmip.Errorf(kmip.ReasonPermissionDenied, "a %s object cannot be revoked for the reason %s", from, reason.Code).In2(kmip.ReasonWrongKeyLifecycleState)
	}
	if to == from {
		return false, nil
	}
	o.change(now)
	o.State = to
	o.Revocation = reason
	if !compromise {
		o.Dates.Deactivation = seconds(now)
		return true, nil
	}
	o.Dates.Compromise = seconds(now)
	if occurrence.IsZero() {
		occurrence = o.Dates.Initial
	}
	o.Dates.CompromiseOccurrence = seconds(occurrence)
	return true, nil
}

// afterRevoke returns the state that a revocation leads to, and whether there is
// a transition at all (KMIP 1.4, 3.22: 3, 5, 6, 8, 10).
func afterRevoke(from kmip.State, compromise bool) (kmip.State, bool) {
	switch {
	case compromise && (from == kmip.StateDestroyed || from == kmip.StateDestroyedCompromised):
		return kmip.StateDestroyedCompromised, true
	case compromise:
		return kmip.StateCompromised, true
	case from == kmip.StateActive || from == kmip.StateDeactivated:
		return kmip.StateDeactivated, true
	}
	return 0, false
}

// Destroy marks the object as destroyed; the caller deletes its content (KMIP
// 1.4, 4.21). An Active object has to be revoked first.
func (o *Object) Destroy(now time.Time) error {
	if err := o.checkArchived(); err != nil {
		return err
	}
	s := o.StateAt(now)
	var to kmip.State
	switch s {
	case kmip.StatePreActive, kmip.StateDeactivated:
		to = kmip.StateDestroyed
	case kmip.StateCompromised:
		to = kmip.StateDestroyedCompromised
	case kmip.StateActive:
		return kmip.Errorf(kmip.ReasonPermissionDenied, "an Active object cannot be destroyed; revoke it first").In2(kmip.ReasonWrongKeyLifecycleState)
	default:
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the object was destroyed before").In2(kmip.ReasonObjectDestroyed)
	}
	o.change(now)
	o.State = to
	o.Dates.Destroy = seconds(now)
	return nil
}

// change begins a change: the transitions that dates have caused become part of
// the record, and the Last Change Date is set.
func (o *Object) change(now time.Time) {
	o.State = o.StateAt(now)
	o.Dates.LastChange = seconds(now)
}
