package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// CryptographicParameters say how a key is to be used (KMIP 1.4, 3.6). Fields of 0 are not
// said. Hash, mode and padding are of 1.0, the fields of PSS and OAEP of 1.4, all others of
// 1.2.
type CryptographicParameters struct {
	Mode      BlockCipherMode
	Padding   PaddingMethod
	Hash      HashingAlgorithm
	Role      uint32 // the Key Role Type
	Signature DigitalSignatureAlgorithm
	Algorithm CryptographicAlgorithm
	RandomIV  bool  // the server makes the vector, where there is none
	IVLength  int32 // in bits, of a vector that the server makes
	TagLength int32 // in bytes

	// How the server's vector is to be put together of a fixed part and a counter, in bits.
	FixedFieldLength      int32
	InvocationFieldLength int32

	// CounterLength is how much of the vector counts in CTR, in bits; InitialCounter is where
	// it begins, nil for the vector's own.
	CounterLength  int32
	InitialCounter *int32

	// SaltLength of PSS is in bytes; nil for as long as the hash.
	SaltLength *int32
	// MaskGenerator and MaskHash are those of OAEP and PSS; a hash of 0 is Hash.
	MaskGenerator MaskGenerator
	MaskHash      HashingAlgorithm
	// PSource is the label of OAEP.
	PSource []byte
	// TrailerField of PSS; 1 is the only one that there is.
	TrailerField *int32
}

// TTLV returns the parameters as an attribute's value.
func (c *CryptographicParameters) TTLV() ttlv.Value {
	var v ttlv.Value
	v.Type = ttlv.Structure
	field := func(tag ttlv.Tag, set bool, f ttlv.Value) {
		if set {
			v.Fields = append(v.Fields, ttlv.Field{Tag: tag, Value: f})
		}
	}
	enumeration := func(tag ttlv.Tag, n uint32) { field(tag, n != 0, ttlv.EnumerationValue(n)) }
	integer := func(tag ttlv.Tag, n int32) { field(tag, n != 0, ttlv.IntegerValue(n)) }
	optional := func(tag ttlv.Tag, n *int32) {
		if n != nil {
			field(tag, true, ttlv.IntegerValue(*n))
		}
	}
	enumeration(TagBlockCipherMode, uint32(c.Mode))
	enumeration(TagPaddingMethod, uint32(c.Padding))
	enumeration(TagHashingAlgorithm, uint32(c.Hash))
	enumeration(TagKeyRoleType, c.Role)
	enumeration(TagDigitalSignatureAlgorithm, uint32(c.Signature))
	enumeration(TagCryptographicAlgorithm, uint32(c.Algorithm))
	field(TagRandomIV, c.RandomIV, ttlv.BooleanValue(true))
	integer(TagIVLength, c.IVLength)
	integer(TagTagLength, c.TagLength)
	integer(TagFixedFieldLength, c.FixedFieldLength)
	integer(TagInvocationFieldLength, c.InvocationFieldLength)
	integer(TagCounterLength, c.CounterLength)
	optional(TagInitialCounterValue, c.InitialCounter)
	optional(TagSaltLength, c.SaltLength)
	enumeration(TagMaskGenerator, uint32(c.MaskGenerator))
	enumeration(TagMaskGeneratorHashingAlgorithm, uint32(c.MaskHash))
	field(TagPSource, c.PSource != nil, ttlv.BytesValue(c.PSource))
	optional(TagTrailerField, c.TrailerField)
	return v
}

// encode appends all that is set, at any version: a server that cannot read a field has to
// refuse, since without it it would do something else.
func (c *CryptographicParameters) encode(w *ttlv.Writer) {
	if c != nil {
		w.Value(TagCryptographicParameters, c.TTLV())
	}
}

// decodeParameters reads the current field.
func decodeParameters(r *ttlv.Reader) *CryptographicParameters {
	c := &CryptographicParameters{}
	for s := r.Structure(); s.Next(); {
		integer := func() *int32 {
			n := s.Integer()
			return &n
		}
		switch s.Tag() {
		case TagBlockCipherMode:
			c.Mode = BlockCipherMode(s.Enumeration())
		case TagPaddingMethod:
			c.Padding = PaddingMethod(s.Enumeration())
		case TagHashingAlgorithm:
			c.Hash = HashingAlgorithm(s.Enumeration())
		case TagKeyRoleType:
			c.Role = s.Enumeration()
		case TagDigitalSignatureAlgorithm:
			c.Signature = DigitalSignatureAlgorithm(s.Enumeration())
		case TagCryptographicAlgorithm:
			c.Algorithm = CryptographicAlgorithm(s.Enumeration())
		case TagRandomIV:
			c.RandomIV = s.Boolean()
		case TagIVLength:
			c.IVLength = s.Integer()
		case TagTagLength:
			c.TagLength = s.Integer()
		case TagFixedFieldLength:
			c.FixedFieldLength = s.Integer()
		case TagInvocationFieldLength:
			c.InvocationFieldLength = s.Integer()
		case TagCounterLength:
			c.CounterLength = s.Integer()
		case TagInitialCounterValue:
			c.InitialCounter = integer()
		case TagSaltLength:
			c.SaltLength = integer()
		case TagMaskGenerator:
			c.MaskGenerator = MaskGenerator(s.Enumeration())
		case TagMaskGeneratorHashingAlgorithm:
			c.MaskHash = HashingAlgorithm(s.Enumeration())
		case TagPSource:
			c.PSource = bytes.Clone(s.ByteString())
		case TagTrailerField:
			c.TrailerField = integer()
		default:
			s.Unexpected()
		}
	}
	return c
}

// ParseCryptographicParameters reads the value of an attribute of this name.
func ParseCryptographicParameters(v ttlv.Value) (CryptographicParameters, error) {
	var w ttlv.Writer
	outer := w.Begin(TagAttributeValue)
	w.Value(TagCryptographicParameters, v)
	w.End(outer)
	r := ttlv.NewReader(w.Bytes(), TagAttributeValue)
	r.Next()
	c := decodeParameters(r)
	return *c, r.Err()
}
