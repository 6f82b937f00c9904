package object

import (
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// field returns where a date that clients may set is kept, or nil for any other
// attribute.
func (d *Dates) field(name string) *time.Time {
	switch name {
	case kmip.AttrActivationDate:
		return &d.Activation
	case kmip.AttrProcessStartDate:
		return &d.ProcessStart
	case kmip.AttrProtectStopDate:
		return &d.ProtectStop
	case kmip.AttrDeactivationDate:
		return &d.Deactivation
	case kmip.AttrOriginalCreationDate:
		return &d.OriginalCreation
	}
	return nil
}

// checkDates returns nil if the dates stand in their order (KMIP 1.4, 3.24 to 3.27).
func (o *Object) checkDates() error {
	d := &o.Dates
	for _, r := range []struct {
		first, last         time.Time
		firstName, lastName string
	}{
		{d.Activation, d.ProcessStart, kmip.AttrActivationDate, kmip.AttrProcessStartDate},
		{d.ProtectStop, d.Deactivation, kmip.AttrProtectStopDate, kmip.AttrDeactivationDate},
		{d.Activation, d.Deactivation, kmip.AttrActivationDate, kmip.AttrDeactivationDate},
	} {
		if !r.first.IsZero() && !r.last.IsZero() && r.first.After(r.last) {
			return kmip.Errorf(kmip.ReasonInvalidField, "the %s is later than the %s", r.firstName, r.lastName).In2(kmip.ReasonInvalidAttributeValue)
		}
	}
	return nil
}

// checkDateChange says whether a date may be given or changed now: the Activation
// Date while Pre-Active, the others while Pre-Active or Active, Process Start and
// Protect Stop moreover not once they have come.
func (o *Object) checkDateChange(name string, now time.Time) error {
	s := o.StateAt(now)
	allowed := s == kmip.StatePreActive
	switch name {
	case kmip.AttrProcessStartDate, kmip.AttrProtectStopDate:
		if reached(*o.Dates.field(name), now) {
			return kmip.Errorf(kmip.ReasonPermissionDenied, "the %s has passed: it cannot be changed any more", name).In2(kmip.ReasonWrongKeyLifecycleState)
		}
		fallthrough
	case kmip.AttrDeactivationDate:
		allowed = allowed || s == kmip.StateActive
	}
	if !allowed {
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the %s of a %s object cannot be changed", name, s).In2(kmip.ReasonWrongKeyLifecycleState)
	}
	return nil
}
