package object

import (
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// maxInstances bounds the attributes of an object, so that a client cannot make
// one that no answer can hold.
const maxInstances = 1000

// New returns an object with the attributes that a client gave it in a request
// that makes one (KMIP 1.4, 4.1 and 4.3). The caller fills in the ID, Owner,
// Serial, Digest and Content. With an Activation Date that has come it is Active.
func New(typ kmip.ObjectType, given kmip.Attributes, now time.Time) (*Object, error) {
	o := &Object{Type: typ, State: kmip.StatePreActive, Fresh: true}
	o.Dates.Initial, o.Dates.LastChange = seconds(now), seconds(now)
	if len(given) > maxInstances {
		return nil, kmip.Errorf(kmip.ReasonIndexOutOfBounds, "an object can have %d attributes at most", maxInstances).In2(kmip.ReasonServerLimitExceeded)
	}
	for _, a := range given {
		if err := o.set(a); err != nil {
			return nil, err
		}
	}
	if err := o.checkDates(); err != nil {
		return nil, err
	}
	if err := o.checkQuantumSafe(); err != nil {
		return nil, err
	}
	o.State = o.StateAt(now)
	return o, nil
}

// set puts an attribute of the request that makes the object into it. The indices
// that a client gives are not taken: the instances are numbered as they come.
func (o *Object) set(a kmip.Attribute) error {
	t, err := typeOf(a.Name)
	if err != nil {
		return err
	}
	if a.Name == kmip.AttrObjectType && a.Value.Type == ttlv.Enumeration && kmip.ObjectType(a.Value.Int) == o.Type {
		return nil // clients of 2.x say it again
	}
	if a.Name == kmip.AttrFresh && a.Value.Type == ttlv.Boolean { // which 2.x may set
		o.Fresh = a.Value.Int != 0
		return nil
	}
	if t.Client&kmip.ClientSets == 0 || a.Name == kmip.AttrCertificateType && o.Type != kmip.ObjectTypeCertificate {
		return kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s cannot be given by a client", a.Name).In2(kmip.ReasonAttributeReadOnly)
	}
	if err := checkValue(t, a.Value); err != nil {
		return err
	}
	if a.Name == kmip.AttrKeyFormatType {
		o.Content.Format = kmip.KeyFormatType(a.Value.Int)
		return nil
	}
	_, exists := o.get(a.Name)
	if exists && !t.Multi {
		return kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s can be given once only", a.Name).In2(kmip.ReasonAttributeSingleValued)
	}
	if date := o.Dates.field(a.Name); date != nil {
		*date = a.Value.Time()
		return nil
	}
	if o.has(a.Name, a.Value) {
		return kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s is given twice with the same value", a.Name).In2(kmip.ReasonInvalidAttributeValue)
	}
	o.Attributes.Add(a.Name, asKept(a.Name, a.Value))
	return nil
}

// checkQuantumSafe refuses to call a key safe from a quantum computer that is not known to be:
// such a one halves the strength of a symmetric key, and breaks all others.
func (o *Object) checkQuantumSafe() error {
	wanted, _ := o.Attributes.Get(kmip.AttrQuantumSafe)
	length, _ := o.Attributes.Get(kmip.AttrCryptographicLength)
	if wanted.Int == 0 || o.Type == kmip.ObjectTypeSymmetricKey && length.Int >= 256 {
		return nil
	}
	return kmip.Errorf(kmip.ReasonGeneralFailure, "this server calls only Symmetric Keys of 256 bits or more, whose length is given, %s", kmip.AttrQuantumSafe)
}

// typeOf returns what is known of an attribute by name.
func typeOf(name string) (kmip.AttributeType, error) {
	t, ok := kmip.AttributeTypeOf(name)
	if !ok || len(name) > maxName {
		return t, kmip.Errorf(kmip.ReasonInvalidField, "the attribute %.64q is unknown", name).In2(kmip.ReasonUnsupportedAttribute)
	}
	return t, nil
}

// maxName is the longest name of an attribute that is taken, in bytes.
const maxName = 1024

// checkType returns nil if a value has the type that the attribute's values have.
func checkType(t kmip.AttributeType, v ttlv.Value) error {
	if v.Type == 0 {
		return kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s has no value", t.Name).In2(kmip.ReasonInvalidAttributeValue)
	}
	if t.Type != 0 && v.Type != t.Type {
		return kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s is of type %s, not %s", t.Name, t.Type, v.Type).In2(kmip.ReasonInvalidDataType)
	}
	return nil
}

// checkValue returns nil if an attribute can have the value.
func checkValue(t kmip.AttributeType, v ttlv.Value) error {
	if err := checkType(t, v); err != nil {
		return err
	}
	var err error
	switch t.Name {
	case kmip.AttrName:
		var n kmip.Name
		if n, err = kmip.ParseName(v); err == nil {
			if n.Value == "" {
				return kmip.Errorf(kmip.ReasonInvalidField, "a Name must not be empty").In2(kmip.ReasonInvalidAttributeValue)
			}
			if n.Type != kmip.NameUninterpretedTextString && n.Type != kmip.NameURI {
				return kmip.Errorf(kmip.ReasonInvalidField, "the Name Type %s is unknown", n.Type).In2(kmip.ReasonInvalidAttributeValue)
			}
		}
	case kmip.AttrAppSpecificInformation:
		if _, err = kmip.ParseApplicationSpecificInformation(v); err == nil {
			if _, ok := v.Field(kmip.TagApplicationData); !ok {
				return kmip.Errorf(kmip.ReasonApplicationNamespaceNotSupported, "this server makes up no Application Data: the client has to give it")
			}
		}
	case kmip.AttrRotateAutomatic:
		if v.Int != 0 {
			return kmip.Errorf(kmip.ReasonFeatureNotSupported, "this server does not rotate keys by itself")
		}
	case kmip.AttrLink:
		_, err = kmip.ParseLink(v)
	case kmip.AttrUsageLimits:
		return checkUsageLimits(v)
	case kmip.AttrCryptographicParameters:
		_, err = kmip.ParseCryptographicParameters(v)
	case kmip.AttrCryptographicDomain:
		_, err = kmip.ParseDomainParameters(v)
	}
	if err != nil {
		return kmip.Errorf(kmip.ReasonInvalidField, "%v", err).In2(kmip.ReasonInvalidAttributeValue)
	}
	return nil
}

// get returns the first instance of an attribute that a client can have set.
func (o *Object) get(name string) (ttlv.Value, bool) {
	if date := o.Dates.field(name); date != nil {
		return ttlv.DateTimeValue(*date), !date.IsZero()
	}
	return o.Attributes.Get(name)
}

// has says whether an attribute has an instance with the value.
func (o *Object) has(name string, v ttlv.Value) bool {
	for _, w := range o.Attributes.All(name) {
		if w.Equal(v) {
			return true
		}
	}
	return false
}
