package object

import (
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// LeaseTime is how long a client may use an object before it should ask again
// (KMIP 1.4, 3.20). Nothing happens at its end: this server takes no key back.
const LeaseTime = time.Hour

// Generator is where random keys come from: the kernel's generator, which is none of
// those that the standard names.
func Generator() kmip.RNGParameters {
	return kmip.RNGParameters{Algorithm: kmip.RNGUnspecified, CryptographicAlgorithm: kmip.AlgorithmChaCha20, CryptographicLength: 256}
}

// isFlag says whether an attribute is one of the two that rule what Get gives out.
// Each has a value always, and a client can change it one way only.
func isFlag(name string) bool { return name == kmip.AttrSensitive || name == kmip.AttrExtractable }

// MarkGenerated notes that the key server has made the key bytes.
func (o *Object) MarkGenerated() {
	o.Generated = true
	if o.Dates.OriginalCreation.IsZero() {
		o.Dates.OriginalCreation = o.Dates.Initial
	}
}

// Sensitive says whether the content is given out wrapped only (KMIP 1.4, 3.48).
func (o *Object) Sensitive() bool {
	v, ok := o.Attributes.Get(kmip.AttrSensitive)
	return ok && v.Int != 0
}

// Extractable says whether the content is given out at all (KMIP 1.4, 3.50).
func (o *Object) Extractable() bool {
	v, ok := o.Attributes.Get(kmip.AttrExtractable)
	return !ok || v.Int != 0
}

// addFlags adds the attributes that are true or false. What the client has set is
// among its attributes.
func (o *Object) addFlags(wanted func(string) bool, add func(string, ttlv.Value)) {
	for _, f := range []struct {
		name  string
		value bool
	}{
		{kmip.AttrFresh, o.Fresh},
		{kmip.AttrSensitive, o.Sensitive()},
		{kmip.AttrAlwaysSensitive, o.Sensitive() && !o.WasPlain},
		{kmip.AttrExtractable, o.Extractable()},
		{kmip.AttrNeverExtractable, !o.Extractable() && !o.WasExtractable},
	} {
		if _, given := o.Attributes.Get(f.name); !given && wanted(f.name) {
			add(f.name, ttlv.BooleanValue(f.value))
		}
	}
}

// changeFlag makes an object Sensitive, or not Extractable. The way back is refused:
// who can change attributes could else get at what was to stay here.
func (o *Object) changeFlag(a kmip.Attribute, now time.Time) error {
	if a.Index != 0 {
		return noInstance(a.Name, a.Index)
	}
	wasSensitive, wasExtractable := o.Sensitive(), o.Extractable()
	switch set := a.Value.Int != 0; {
	case a.Name == kmip.AttrSensitive && wasSensitive && !set:
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the object is Sensitive, and stays so").In2(kmip.ReasonAttributeReadOnly)
	case a.Name == kmip.AttrExtractable && !wasExtractable && set:
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the object is not Extractable, and stays so").In2(kmip.ReasonAttributeReadOnly)
	}
	o.change(now)
	if i := o.find(a.Name, 0); i >= 0 {
		o.Attributes[i].Value = a.Value
	} else {
		o.Attributes.Add(a.Name, a.Value)
	}
	o.WasPlain = o.WasPlain || !wasSensitive && o.Sensitive()
	o.WasExtractable = o.WasExtractable || wasExtractable && !o.Extractable()
	return nil
}
