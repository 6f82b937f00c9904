package object

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// An object is stored as one TTLV structure. Tags of our own stand where KMIP
// has none; a field that is not set is left out.
const (
	tagRecord        ttlv.Tag = 0x540100
	tagRecordVersion ttlv.Tag = 0x540101
	tagOwner         ttlv.Tag = 0x540102
	tagSerial        ttlv.Tag = 0x540103
	tagDates         ttlv.Tag = 0x540104
	tagAttributes    ttlv.Tag = 0x540105
	tagContent       ttlv.Tag = 0x540106
	tagFlags         ttlv.Tag = 0x540107

	recordVersion = 1
)

// ErrRecord: a stored object cannot be read.
var ErrRecord = errors.New("a stored object is damaged or of a newer version of this program")

// Marshal returns the object as it is stored.
func (o *Object) Marshal() []byte {
	w := ttlv.NewWriter(make([]byte, 0, 512))
	rec := w.Begin(tagRecord)
	w.Integer(tagRecordVersion, recordVersion)
	w.TextString(kmip.TagUniqueIdentifier, o.ID)
	w.TextString(tagOwner, o.Owner)
	w.LongInteger(tagSerial, int64(o.Serial))
	w.Enumeration(kmip.TagObjectType, uint32(o.Type))
	w.Enumeration(kmip.TagState, uint32(o.State))
	dates := w.Begin(tagDates)
	o.Dates.each(func(name string, d *time.Time) {
		if !d.IsZero() {
			t, _ := kmip.AttributeTypeOf(name)
			w.DateTime(t.Tag, *d)
		}
	})
	w.End(dates)
	if o.Revocation.Code != 0 {
		w.Value(kmip.TagRevocationReason, o.Revocation.TTLV())
	}
	w.ByteString(kmip.TagDigestValue, o.Digest)
	w.Integer(tagFlags, o.flags())
	marshalAttributes(w, o.Attributes)
	c := w.Begin(tagContent)
	w.Enumeration(kmip.TagKeyFormatType, uint32(o.Content.Format))
	w.Enumeration(kmip.TagCryptographicAlgorithm, uint32(o.Content.Algorithm))
	w.Integer(kmip.TagCryptographicLength, o.Content.Length)
	w.Enumeration(kmip.TagSecretDataType, uint32(o.Content.SecretDataType))
	w.Enumeration(kmip.TagOpaqueDataType, o.Content.OpaqueDataType)
	marshalAttributes(w, o.Content.Attributes)
	if o.Content.Wrapping != nil {
		o.Content.Wrapping.Encode(w, kmip.V1_4)
	}
	o.Content.marshalMore(w)
	w.End(c)
	w.End(rec)
	return w.Bytes()
}

func marshalAttributes(w *ttlv.Writer, l kmip.Attributes) {
	m := w.Begin(tagAttributes)
	for _, a := range l {
		i := w.Begin(kmip.TagAttribute)
		w.TextString(kmip.TagAttributeName, a.Name)
		w.Integer(kmip.TagAttributeIndex, a.Index)
		w.Value(kmip.TagAttributeValue, a.Value)
		w.End(i)
	}
	w.End(m)
}

// Unmarshal reads what Marshal wrote; any fault is ErrRecord.
func Unmarshal(b []byte) (*Object, error) {
	if err := ttlv.Check(b, ttlv.Limits{}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	o := &Object{}
	r := ttlv.NewReader(b, tagRecord)
	for r.Next() {
		switch r.Tag() {
		case tagRecordVersion:
			checkVersion(r)
		case kmip.TagUniqueIdentifier:
			o.ID = r.TextString()
		case tagOwner:
			o.Owner = r.TextString()
		case tagSerial:
			o.Serial = uint64(r.LongInteger())
		case kmip.TagObjectType:
			o.Type = kmip.ObjectType(r.Enumeration())
		case kmip.TagState:
			o.State = kmip.State(r.Enumeration())
		case tagDates:
			o.Dates.unmarshal(r)
		case kmip.TagRevocationReason:
			var err error
			if o.Revocation, err = kmip.ParseRevocationReason(r.Value()); err != nil {
				r.Fail(err)
			}
		case kmip.TagDigestValue:
			o.Digest = append([]byte(nil), r.ByteString()...)
		case tagFlags:
			o.setFlags(r.Integer())
		case tagAttributes:
			o.Attributes = unmarshalAttributes(r)
		case tagContent:
			o.Content.unmarshal(r)
		default:
			r.Unexpected()
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if o.ID == "" || o.Type == 0 || o.State == 0 {
		return nil, fmt.Errorf("%w: it has no identifier, type or state", ErrRecord)
	}
	return o, nil
}

func checkVersion(r *ttlv.Reader) {
	if v := r.Integer(); v != recordVersion {
		r.Fail(fmt.Errorf("version %d", v))
	}
}

// The bits of the flags. A record without them is of an older version: all are unset.
const (
	flagFresh = 1 << iota
	flagGenerated
	flagWasPlain
	flagWasExtractable
)

func (o *Object) flags() (bits int32) {
	set := func(bit int32, on bool) {
		if on {
			bits |= bit
		}
	}
	set(flagFresh, o.Fresh)
	set(flagGenerated, o.Generated)
	set(flagWasPlain, o.WasPlain)
	set(flagWasExtractable, o.WasExtractable)
	return bits
}

func (o *Object) setFlags(bits int32) {
	o.Fresh, o.Generated = bits&flagFresh != 0, bits&flagGenerated != 0
	o.WasPlain, o.WasExtractable = bits&flagWasPlain != 0, bits&flagWasExtractable != 0
}

func (d *Dates) unmarshal(r *ttlv.Reader) {
	for s := r.Structure(); s.Next(); {
		known, tag := false, kmip.NameOfTag(s.Tag()) // an attribute's name is its tag's
		d.each(func(name string, date *time.Time) {
			if name == tag {
				*date, known = s.DateTime(), true
			}
		})
		if !known {
			s.Unexpected()
		}
	}
}

func (c *Content) unmarshal(r *ttlv.Reader) {
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case kmip.TagKeyFormatType:
			c.Format = kmip.KeyFormatType(s.Enumeration())
		case kmip.TagCryptographicAlgorithm:
			c.Algorithm = kmip.CryptographicAlgorithm(s.Enumeration())
		case kmip.TagCryptographicLength:
			c.Length = s.Integer()
		case kmip.TagSecretDataType:
			c.SecretDataType = kmip.SecretDataType(s.Enumeration())
		case kmip.TagOpaqueDataType:
			c.OpaqueDataType = s.Enumeration()
		case tagAttributes:
			c.Attributes = unmarshalAttributes(s)
		case kmip.TagKeyWrappingData:
			c.Wrapping = kmip.DecodeKeyWrappingData(s)
		default:
			c.unmarshalMore(s)
		}
	}
}

// marshalMore appends what only some types have.
func (c *Content) marshalMore(w *ttlv.Writer) {
	if c.CertificateType != 0 {
		w.Enumeration(kmip.TagCertificateType, uint32(c.CertificateType))
	}
	if c.PGPKeyVersion != 0 {
		w.Integer(kmip.TagPGPKeyVersion, c.PGPKeyVersion)
	}
	if s := &c.Split; s.Parts != 0 {
		w.Integer(kmip.TagSplitKeyParts, s.Parts)
		w.Integer(kmip.TagKeyPartIdentifier, s.Identifier)
		w.Integer(kmip.TagSplitKeyThreshold, s.Threshold)
		w.Enumeration(kmip.TagSplitKeyMethod, uint32(s.Method))
		if s.PrimeFieldSize != nil {
			w.BigInteger(kmip.TagPrimeFieldSize, s.PrimeFieldSize)
		}
	}
}

func (c *Content) unmarshalMore(r *ttlv.Reader) {
	switch r.Tag() {
	case kmip.TagCertificateType:
		c.CertificateType = kmip.CertificateType(r.Enumeration())
	case kmip.TagPGPKeyVersion:
		c.PGPKeyVersion = r.Integer()
	case kmip.TagSplitKeyParts:
		c.Split.Parts = r.Integer()
	case kmip.TagKeyPartIdentifier:
		c.Split.Identifier = r.Integer()
	case kmip.TagSplitKeyThreshold:
		c.Split.Threshold = r.Integer()
	case kmip.TagSplitKeyMethod:
		c.Split.Method = kmip.SplitKeyMethod(r.Enumeration())
	case kmip.TagPrimeFieldSize:
		c.Split.PrimeFieldSize = bytes.Clone(r.BigInteger())
	default:
		r.Unexpected()
	}
}

func unmarshalAttributes(r *ttlv.Reader) kmip.Attributes { return appendAttributes(nil, r, nil) }

// appendAttributes appends those whose names are wanted; nil wants all.
func appendAttributes(l kmip.Attributes, r *ttlv.Reader, wanted func(name string) bool) kmip.Attributes {
	for s := r.Structure(); s.Next(); {
		var a kmip.Attribute
		take := true
		for f := s.Structure(); f.Next() && take; {
			switch f.Tag() {
			case kmip.TagAttributeName:
				a.Name = kmip.AttributeName(f.TextBytes())
				take = wanted == nil || wanted(a.Name) // it comes first
			case kmip.TagAttributeIndex:
				a.Index = f.Integer()
			case kmip.TagAttributeValue:
				a.Value = f.Value()
			default:
				f.Unexpected()
			}
		}
		if take {
			l = append(l, a)
		}
	}
	return l
}
