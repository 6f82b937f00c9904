package object

import (
	"slices"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// All returns every attribute that the object has, those of the server first
// (KMIP 1.4, 3). Which of them a client of an older version can read is decided
// where the message is encoded.
func (o *Object) All(now time.Time) kmip.Attributes {
	return o.Some(now, func(string) bool { return true })
}

// Some returns what All does of the attributes whose names are wanted.
func (o *Object) Some(now time.Time, wanted func(name string) bool) kmip.Attributes {
	some := make(kmip.Attributes, 0, 8)
	add := func(name string, v ttlv.Value) { some = append(some, kmip.Attribute{Name: name, Value: v}) }
	if wanted(kmip.AttrUniqueIdentifier) {
		add(kmip.AttrUniqueIdentifier, ttlv.TextValue(o.ID))
	}
	if wanted(kmip.AttrObjectType) {
		add(kmip.AttrObjectType, ttlv.EnumerationValue(uint32(o.Type)))
	}
	if wanted(kmip.AttrState) {
		add(kmip.AttrState, ttlv.EnumerationValue(uint32(o.StateAt(now))))
	}
	for _, a := range o.Attributes {
		if wanted(a.Name) {
			some = append(some, a)
		}
	}
	if len(o.Digest) > 0 && wanted(kmip.AttrDigest) {
		digest := kmip.Digest{Algorithm: kmip.HashSHA256, Value: o.Digest}
		digest.Format = o.digestFormat()
		add(kmip.AttrDigest, digest.TTLV())
	}
	o.addFlags(wanted, add)
	o.addKept(wanted, add)
	if wanted(kmip.AttrLeaseTime) {
		add(kmip.AttrLeaseTime, ttlv.IntervalValue(uint32(LeaseTime/time.Second)))
	}
	if o.Generated && wanted(kmip.AttrRandomNumberGenerator) {
		add(kmip.AttrRandomNumberGenerator, Generator().TTLV())
	}
	if o.Revocation.Code != 0 && wanted(kmip.AttrRevocationReason) {
		add(kmip.AttrRevocationReason, o.Revocation.TTLV())
	}
	o.Dates.each(func(name string, date *time.Time) {
		if !date.IsZero() && wanted(name) {
			add(name, ttlv.DateTimeValue(*date))
		}
	})
	return some
}

// digestFormat is the format of the bytes that the Digest is of.
func (o *Object) digestFormat() kmip.KeyFormatType {
	switch {
	case o.Type == kmip.ObjectTypeOpaqueObject:
		return 0
	case o.Type == kmip.ObjectTypePrivateKey || o.Type == kmip.ObjectTypePublicKey:
		return o.Content.Format
	case o.Content.CertificateType == kmip.CertificateX509:
		return kmip.KeyFormatX509
	}
	return kmip.KeyFormatRaw
}

// each calls fn for every date.
func (d *Dates) each(fn func(name string, date *time.Time)) {
	fn(kmip.AttrInitialDate, &d.Initial)
	fn(kmip.AttrOriginalCreationDate, &d.OriginalCreation)
	fn(kmip.AttrActivationDate, &d.Activation)
	fn(kmip.AttrProcessStartDate, &d.ProcessStart)
	fn(kmip.AttrProtectStopDate, &d.ProtectStop)
	fn(kmip.AttrDeactivationDate, &d.Deactivation)
	fn(kmip.AttrArchiveDate, &d.Archive)
	fn(kmip.AttrDestroyDate, &d.Destroy)
	fn(kmip.AttrCompromiseOccurrenceDate, &d.CompromiseOccurrence)
	fn(kmip.AttrCompromiseDate, &d.Compromise)
	fn(kmip.AttrLastChangeDate, &d.LastChange)
}

// Add adds an instance of an attribute and returns it with its index (KMIP 1.4,
// 4.14 and 11.15).
func (o *Object) Add(a kmip.Attribute, now time.Time) (kmip.Attribute, error) {
	t, err := o.checkChange(a.Name, kmip.ClientAdds, now)
	if err != nil {
		return a, err
	}
	if a.Index != 0 {
		return a, kmip.Errorf(kmip.ReasonInvalidField, "an attribute that is added has no Attribute Index")
	}
	if err := checkValue(t, a.Value); err != nil {
		return a, err
	}
	if _, exists := o.get(a.Name); exists && !t.Multi || o.has(a.Name, a.Value) {
		return a, kmip.Errorf(kmip.ReasonIllegalOperation, "the object has the attribute %s already", a.Name).In2(taken(a.Name, t))
	}
	if date := o.Dates.field(a.Name); date != nil {
		return a, o.changeDate(a, now)
	}
	if len(o.Attributes) >= maxInstances {
		return a, kmip.Errorf(kmip.ReasonIndexOutOfBounds, "an object can have %d attributes at most", maxInstances).In2(kmip.ReasonServerLimitExceeded)
	}
	o.change(now)
	o.Attributes.Add(a.Name, asKept(a.Name, a.Value))
	return o.Attributes[len(o.Attributes)-1], nil
}

// taken is what 2.x calls it that an attribute cannot be there twice.
func taken(name string, t kmip.AttributeType) kmip.ResultReason {
	switch {
	case name == kmip.AttrName:
		return kmip.ReasonNonUniqueNameAttribute
	case t.Multi:
		return kmip.ReasonInvalidAttributeValue
	}
	return kmip.ReasonAttributeSingleValued
}

// Modify gives an instance of an attribute another value (KMIP 1.4, 4.15 and 11.16).
func (o *Object) Modify(a kmip.Attribute, now time.Time) (kmip.Attribute, error) {
	t, err := o.checkChange(a.Name, kmip.ClientChanges, now)
	if err != nil {
		return a, err
	}
	if err := checkValue(t, a.Value); err != nil {
		return a, err
	}
	if isFlag(a.Name) {
		return a, o.changeFlag(a, now)
	}
	if _, exists := o.get(a.Name); !exists {
		return a, kmip.Errorf(kmip.ReasonInvalidField, "the object has no attribute %s: add it first", a.Name).In2(kmip.ReasonAttributeNotFound)
	}
	if date := o.Dates.field(a.Name); date != nil {
		if a.Index != 0 {
			return a, noInstance(a.Name, a.Index)
		}
		return a, o.changeDate(a, now)
	}
	i := o.find(a.Name, a.Index)
	if i < 0 {
		return a, noInstance(a.Name, a.Index)
	}
	if !o.Attributes[i].Value.Equal(a.Value) && o.has(a.Name, a.Value) {
		return a, kmip.Errorf(kmip.ReasonIllegalOperation, "the object has the attribute %s with this value already", a.Name).In2(taken(a.Name, t))
	}
	o.change(now)
	o.Attributes[i].Value = asKept(a.Name, a.Value)
	return o.Attributes[i], nil
}

// Delete deletes an instance of an attribute and returns it (KMIP 1.4, 4.16 and
// 11.17). The other instances keep their indices.
func (o *Object) Delete(name string, index int32, now time.Time) (kmip.Attribute, error) {
	if _, err := o.checkChange(name, kmip.ClientDeletes, now); err != nil {
		return kmip.Attribute{}, err
	}
	i := o.find(name, index)
	if i < 0 {
		return kmip.Attribute{}, noInstance(name, index)
	}
	o.change(now)
	gone := o.Attributes[i]
	o.Attributes = slices.Delete(o.Attributes, i, i+1)
	return gone, nil
}

// checkChange says whether a client may change the attribute at all, in the
// object's state.
func (o *Object) checkChange(name string, how kmip.Access, now time.Time) (kmip.AttributeType, error) {
	t, err := typeOf(name)
	switch {
	case err != nil:
		return t, err
	case t.Client&how == 0:
		return t, kmip.Errorf(kmip.ReasonPermissionDenied, "the attribute %s cannot be changed so by a client", name).In2(kmip.ReasonAttributeReadOnly)
	case o.Destroyed():
		return t, kmip.Errorf(kmip.ReasonPermissionDenied, "the object was destroyed; its attributes stay as they are").In2(kmip.ReasonObjectDestroyed)
	case o.Archived():
		return t, o.checkArchived()
	case o.Dates.field(name) != nil:
		return t, o.checkDateChange(name, now)
	case name == kmip.AttrUsageLimits:
		return t, o.checkUsageLimitsChange()
	}
	return t, nil
}

// changeDate sets a date that checkChange has allowed to change.
func (o *Object) changeDate(a kmip.Attribute, now time.Time) error {
	before := o.Dates
	*o.Dates.field(a.Name) = a.Value.Time()
	if err := o.checkDates(); err != nil {
		o.Dates = before
		return err
	}
	o.change(now)
	return nil
}

func (o *Object) find(name string, index int32) int {
	return slices.IndexFunc(o.Attributes, func(a kmip.Attribute) bool { return a.Name == name && a.Index == index })
}

func noInstance(name string, index int32) error {
	return kmip.Errorf(kmip.ReasonItemNotFound, "the object has no attribute %s with the index %d", name, index).In2(kmip.ReasonAttributeInstanceNotFound)
}

// Filter is an attribute that objects are looked for by (KMIP 1.4, 4.9).
type Filter struct {
	Name  string
	Value ttlv.Value
	// derived is set for what All makes up and Attributes does not have.
	derived bool
}

// NewFilter returns the filter that an attribute of a Locate request stands for.
// An attribute that nothing can be found by is an error: it must not be passed
// over.
func NewFilter(a kmip.Attribute) (Filter, error) {
	t, known := kmip.AttributeTypeOf(a.Name)
	switch {
	case !known:
		return Filter{}, kmip.Errorf(kmip.ReasonInvalidField, "objects cannot be located by the attribute %.64q, which is unknown", a.Name).In2(kmip.ReasonUnsupportedAttribute)
	case a.Name == kmip.AttrDigest:
		return Filter{}, kmip.Errorf(kmip.ReasonInvalidField, "objects cannot be located by the attribute %s", a.Name).In2(kmip.ReasonUnsupportedAttribute)
	case a.Value.Type == ttlv.Structure && len(a.Value.Fields) == 0:
		return Filter{}, kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s has no fields to locate by", a.Name)
	}
	if err := checkType(t, a.Value); err != nil {
		return Filter{}, err
	}
	return Filter{a.Name, a.Value, t.Client == 0 || t.Type == ttlv.DateTime || isFlag(a.Name) || a.Name == kmip.AttrKeyFormatType}, nil
}

// IsDate says whether the filter is a date, which may be one end of a range.
func (f Filter) IsDate() bool { return f.Value.Type == ttlv.DateTime && !kmip.IsCustom(f.Name) }

// Matches says whether the object has the attribute with the value: a structure
// matches when the fields that the filter has are equal, and a usage mask when
// the object's has at least its bits.
func (o *Object) Matches(f Filter, now time.Time) bool {
	switch f.Name { // the common ones without making a list
	case kmip.AttrObjectType:
		return uint32(f.Value.Int) == uint32(o.Type)
	case kmip.AttrState:
		return uint32(f.Value.Int) == uint32(o.StateAt(now))
	}
	in := o.Attributes
	if f.derived {
		in = o.All(now)
	}
	for i := range in {
		if in[i].Name == f.Name && matches(f.Name, in[i].Value, f.Value) {
			return true
		}
	}
	return false
}

// Date returns one of the object's dates, the zero time where it is not set.
func (o *Object) Date(name string) (date time.Time) {
	o.Dates.each(func(n string, d *time.Time) {
		if n == name {
			date = *d
		}
	})
	return date
}

func matches(name string, have, want ttlv.Value) bool {
	switch {
	case name == kmip.AttrCryptographicUsageMask:
		return have.Int&want.Int == want.Int
	case want.Type != ttlv.Structure:
		return have.Equal(want)
	case have.Type != ttlv.Structure:
		return false
	}
	for _, f := range want.Fields {
		if v, ok := have.Field(f.Tag); !ok || !v.Equal(f.Value) {
			return false
		}
	}
	return true
}
