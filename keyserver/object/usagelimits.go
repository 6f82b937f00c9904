package object

import (
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// UsageLimits returns how much the key may still protect, and whether that is limited.
func (o *Object) UsageLimits() (u kmip.UsageLimits, limited bool) {
	v, ok := o.Attributes.Get(kmip.AttrUsageLimits)
	if !ok {
		return u, false
	}
	u, err := kmip.ParseUsageLimits(v)
	return u, err == nil // checkValue has seen to it
}

// CheckAllocate returns why a client cannot have some of what the Usage Limits leave, to
// protect something by itself, or nil (KMIP 1.4, 4.18).
func (o *Object) CheckAllocate(now time.Time) error {
	if err := o.CheckAtHand(); err != nil {
		return err
	}
	if _, limited := o.UsageLimits(); !limited {
		return kmip.Errorf(kmip.ReasonIllegalOperation, "the object has no Usage Limits")
	}
	return o.allows(protecting, now)
}

// Spend takes from the Usage Limits what is to be protected with the key: so many bytes, and
// so many objects (KMIP 1.4, 3.21). It fails with Permission Denied where less is left, and
// then takes nothing. changed says whether anything is counted at all.
func (o *Object) Spend(bytes, objects int64, now time.Time) (changed bool, err error) {
	u, limited := o.UsageLimits()
	if !limited {
		return false, nil
	}
	n := bytes
	if u.Unit == kmip.UsageLimitsObject {
		n = objects
	}
	if n == 0 {
		return false, nil
	}
	if n < 0 || n > u.Count {
		return false, kmip.Errorf(kmip.ReasonPermissionDenied, "the object's Usage Limits leave %d of the unit %s, and this needs %d", u.Count, u.Unit, n).In2(kmip.ReasonUsageLimitExceeded)
	}
	o.change(now)
	u.Count -= n
	for i := range o.Attributes {
		if o.Attributes[i].Name == kmip.AttrUsageLimits {
			o.Attributes[i].Value = u.TTLV()
		}
	}
	return true, nil
}

// checkUsageLimits says whether a client can have given the limits.
func checkUsageLimits(v ttlv.Value) error {
	u, err := kmip.ParseUsageLimits(v)
	switch {
	case err != nil:
		return kmip.Errorf(kmip.ReasonInvalidField, "%v", err)
	case u.Total < 0:
		return kmip.Errorf(kmip.ReasonInvalidField, "the Usage Limits Total is %d", u.Total)
	case u.Unit != kmip.UsageLimitsByte && u.Unit != kmip.UsageLimitsObject:
		return kmip.Errorf(kmip.ReasonInvalidField, "the Usage Limits Unit %s is unknown", u.Unit)
	}
	return nil
}

// checkUsageLimitsChange refuses to give a key that has been used new limits, or none: what
// it has protected would be forgotten.
func (o *Object) checkUsageLimitsChange() error {
	if u, limited := o.UsageLimits(); limited && u.Count != u.Total {
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the key has been used: its Usage Limits stay as they are").In2(kmip.ReasonAttributeReadOnly)
	}
	return nil
}

// asKept returns the value as an object keeps it: all of what a client's Usage Limits allow
// is left (KMIP 1.4, 3.21).
func asKept(name string, v ttlv.Value) ttlv.Value {
	if name != kmip.AttrUsageLimits {
		return v
	}
	u, err := kmip.ParseUsageLimits(v)
	if err != nil {
		return v
	}
	u.Count = u.Total
	return u.TTLV()
}
