package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// CryptographicParameters say how a key is to be used (KMIP 1.4, 3.6): what there is of
// them for symmetric ciphers. Fields of 0 are not said. All but Mode and Padding have come
// with 1.2.
type CryptographicParameters struct {
	Mode      BlockCipherMode
	Padding   PaddingMethod
	Algorithm CryptographicAlgorithm
	RandomIV  bool  // the server makes the vector, where there is none
	IVLength  int32 // in bits, of a vector that the server makes
	TagLength int32 // in bytes

	// How the server's vector is to be put together of a fixed part and a counter, in bits.
	FixedFieldLength      int32
	InvocationFieldLength int32
}

func (c *CryptographicParameters) encode(w *ttlv.Writer, v Version) {
	m := w.Begin(TagCryptographicParameters)
	enumeration := func(tag ttlv.Tag, n uint32, since Version) {
		if n != 0 && v.AtLeast(since) {
			w.Enumeration(tag, n)
		}
	}
	integer := func(tag ttlv.Tag, n int32) {
		if n != 0 && v.AtLeast(V1_2) {
			w.Integer(tag, n)
		}
	}
	enumeration(TagBlockCipherMode, uint32(c.Mode), V1_0)
	enumeration(TagPaddingMethod, uint32(c.Padding), V1_0)
	enumeration(TagCryptographicAlgorithm, uint32(c.Algorithm), V1_2)
	if c.RandomIV && v.AtLeast(V1_2) {
		w.Boolean(TagRandomIV, true)
	}
	integer(TagIVLength, c.IVLength)
	integer(TagTagLength, c.TagLength)
	integer(TagFixedFieldLength, c.FixedFieldLength)
	integer(TagInvocationFieldLength, c.InvocationFieldLength)
	w.End(m)
}

// decodeParameters reads the current field. What is for hashes, signatures and counter
// modes says nothing to the ciphers that this package knows of.
func decodeParameters(r *ttlv.Reader) *CryptographicParameters {
	c := &CryptographicParameters{}
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagBlockCipherMode:
			c.Mode = BlockCipherMode(s.Enumeration())
		case TagPaddingMethod:
			c.Padding = PaddingMethod(s.Enumeration())
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
		case TagHashingAlgorithm, TagKeyRoleType, TagDigitalSignatureAlgorithm, TagCounterLength, TagInitialCounterValue,
			TagSaltLength, TagMaskGenerator, TagMaskGeneratorHashingAlgorithm, TagPSource, TagTrailerField:
			s.Skip()
		default:
			s.Unexpected()
		}
	}
	return c
}

// ParseCryptographicParameters reads the value of an attribute of this name.
func ParseCryptographicParameters(v ttlv.Value) (c CryptographicParameters) {
	number := func(tag ttlv.Tag) int64 {
		f, _ := v.Field(tag)
		return f.Int
	}
	return CryptographicParameters{
		Mode: BlockCipherMode(number(TagBlockCipherMode)), Padding: PaddingMethod(number(TagPaddingMethod)),
		Algorithm: CryptographicAlgorithm(number(TagCryptographicAlgorithm)), RandomIV: number(TagRandomIV) != 0,
		IVLength: int32(number(TagIVLength)), TagLength: int32(number(TagTagLength)),
		FixedFieldLength: int32(number(TagFixedFieldLength)), InvocationFieldLength: int32(number(TagInvocationFieldLength)),
	}
}
