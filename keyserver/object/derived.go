package object

import (
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// DerivedFrom notes in o, which is new, that it was made out of another object (KMIP 1.4,
// 4.6). What could be known of that could be known of o: o was always Sensitive, or never
// Extractable, only if its base was, too.
func (o *Object) DerivedFrom(base *Object) {
	o.Attributes.Add(kmip.AttrLink, kmip.Link{Type: kmip.LinkDerivationBaseObject, ID: base.ID}.TTLV())
	o.WasPlain = o.WasPlain || base.WasPlain || !base.Sensitive()
	o.WasExtractable = o.WasExtractable || base.WasExtractable || base.Extractable()
}

// LinkDerived notes in o that another object was made out of it. One that has as many
// attributes as an object can have gets no further Link.
func (o *Object) LinkDerived(id string, now time.Time) {
	o.change(now)
	if len(o.Attributes) < maxInstances {
		o.Attributes.Add(kmip.AttrLink, kmip.Link{Type: kmip.LinkDerivedKey, ID: id}.TTLV())
	}
}
