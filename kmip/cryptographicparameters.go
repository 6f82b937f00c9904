package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// BlockCipherMode is how a block cipher is used (KMIP 1.4, 9.1.3.2.14).
type BlockCipherMode uint32

// The modes that this project uses.
const (
	ModeCBC BlockCipherMode = 1
	ModeGCM BlockCipherMode = 9
)

// PaddingMethod fills a text up to whole blocks (KMIP 1.4, 9.1.3.2.15).
type PaddingMethod uint32

// The methods that this project uses.
const (
	PaddingNone  PaddingMethod = 1
	PaddingPKCS5 PaddingMethod = 3
)

// CryptographicParameters say how a key is to be used (KMIP 1.4, 3.6). Fields of 0 are
// not said. Others than these are read over.
type CryptographicParameters struct {
	Mode      BlockCipherMode
	Padding   PaddingMethod
	Algorithm CryptographicAlgorithm // since 1.2
	RandomIV  bool                   // since 1.2: the server makes the vector
	TagLength int32                  // since 1.4, in bytes
}

func (c *CryptographicParameters) encode(w *ttlv.Writer, v Version) {
	m := w.Begin(TagCryptographicParameters)
	if c.Mode != 0 {
		w.Enumeration(TagBlockCipherMode, uint32(c.Mode))
	}
	if c.Padding != 0 {
		w.Enumeration(TagPaddingMethod, uint32(c.Padding))
	}
	if c.Algorithm != 0 && v.AtLeast(V1_2) {
		w.Enumeration(TagCryptographicAlgorithm, uint32(c.Algorithm))
	}
	if c.RandomIV && v.AtLeast(V1_2) {
		w.Boolean(TagRandomIV, true)
	}
	if c.TagLength != 0 && v.AtLeast(V1_4) {
		w.Integer(TagTagLength, c.TagLength)
	}
	w.End(m)
}

func (c *CryptographicParameters) decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagBlockCipherMode:
			c.Mode = BlockCipherMode(r.Enumeration())
		case TagPaddingMethod:
			c.Padding = PaddingMethod(r.Enumeration())
		case TagCryptographicAlgorithm:
			c.Algorithm = CryptographicAlgorithm(r.Enumeration())
		case TagRandomIV:
			c.RandomIV = r.Boolean()
		case TagTagLength:
			c.TagLength = r.Integer()
		}
	}
}

// ParseCryptographicParameters reads the value of an attribute of this name.
func ParseCryptographicParameters(v ttlv.Value) (c CryptographicParameters) {
	for tag, field := range map[ttlv.Tag]*uint32{TagBlockCipherMode: (*uint32)(&c.Mode), TagPaddingMethod: (*uint32)(&c.Padding), TagCryptographicAlgorithm: (*uint32)(&c.Algorithm)} {
		if f, ok := v.Field(tag); ok {
			*field = uint32(f.Int)
		}
	}
	if f, ok := v.Field(TagRandomIV); ok {
		c.RandomIV = f.Int != 0
	}
	if f, ok := v.Field(TagTagLength); ok {
		c.TagLength = int32(f.Int)
	}
	return c
}
