package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// RNGParameters describe a generator of random numbers (KMIP 1.4, 2.1.18). Fields of 0
// are not said.
type RNGParameters struct {
	Algorithm              RNGAlgorithm
	CryptographicAlgorithm CryptographicAlgorithm
	CryptographicLength    int32 // in bits
}

// TTLV returns them as the value of the attribute Random Number Generator.
func (p RNGParameters) TTLV() ttlv.Value {
	v := ttlv.StructureValue(ttlv.Field{Tag: TagRNGAlgorithm, Value: ttlv.EnumerationValue(uint32(p.Algorithm))})
	if p.CryptographicAlgorithm != 0 {
		v.Fields = append(v.Fields, ttlv.Field{Tag: TagCryptographicAlgorithm, Value: ttlv.EnumerationValue(uint32(p.CryptographicAlgorithm))})
	}
	if p.CryptographicLength != 0 {
		v.Fields = append(v.Fields, ttlv.Field{Tag: TagCryptographicLength, Value: ttlv.IntegerValue(p.CryptographicLength)})
	}
	return v
}

// Decode reads the structure's fields, and passes over others.
func (p *RNGParameters) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagRNGAlgorithm:
			p.Algorithm = RNGAlgorithm(r.Enumeration())
		case TagCryptographicAlgorithm:
			p.CryptographicAlgorithm = CryptographicAlgorithm(r.Enumeration())
		case TagCryptographicLength:
			p.CryptographicLength = r.Integer()
		}
	}
}
