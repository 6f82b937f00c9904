package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// UsageLimits say how much a key may still protect (KMIP 1.4, 3.21).
type UsageLimits struct {
	Total int64
	Count int64 // what is left; a server does not take a client's
	Unit  UsageLimitsUnit
}

// TTLV returns the limits as an attribute's value.
func (u UsageLimits) TTLV() ttlv.Value {
	return ttlv.StructureValue(
		ttlv.Field{Tag: TagUsageLimitsTotal, Value: ttlv.LongIntegerValue(u.Total)},
		ttlv.Field{Tag: TagUsageLimitsCount, Value: ttlv.LongIntegerValue(u.Count)},
		ttlv.Field{Tag: TagUsageLimitsUnit, Value: ttlv.EnumerationValue(uint32(u.Unit))},
	)
}

// ParseUsageLimits reads the value of a Usage Limits attribute. A count that is left out is
// the total.
func ParseUsageLimits(v ttlv.Value) (UsageLimits, error) {
	f := fields{v: v, what: AttrUsageLimits}
	u := UsageLimits{Total: f.get(TagUsageLimitsTotal, ttlv.LongInteger).Int, Unit: UsageLimitsUnit(f.enumeration(TagUsageLimitsUnit))}
	u.Count = u.Total
	if _, ok := v.Field(TagUsageLimitsCount); ok {
		u.Count = f.get(TagUsageLimitsCount, ttlv.LongInteger).Int
	}
	return u, f.err
}

// DomainParameters say more of an asymmetric key than its length does (KMIP 1.4, 3.7). Fields
// of 0 are not said.
type DomainParameters struct {
	Qlength int32 // of DSA and Diffie-Hellman, in bits
	Curve   RecommendedCurve
}

// TTLV returns them as the value of the attribute Cryptographic Domain Parameters.
func (d DomainParameters) TTLV() ttlv.Value {
	v := ttlv.StructureValue()
	if d.Qlength != 0 {
		v.Fields = append(v.Fields, ttlv.Field{Tag: TagQlength, Value: ttlv.IntegerValue(d.Qlength)})
	}
	if d.Curve != 0 {
		v.Fields = append(v.Fields, ttlv.Field{Tag: TagRecommendedCurve, Value: ttlv.EnumerationValue(uint32(d.Curve))})
	}
	return v
}

// ParseDomainParameters reads the value of such an attribute.
func ParseDomainParameters(v ttlv.Value) (d DomainParameters, err error) {
	f := fields{v: v, what: AttrCryptographicDomain}
	for _, field := range v.Fields {
		switch field.Tag {
		case TagQlength:
			d.Qlength = int32(f.get(TagQlength, ttlv.Integer).Int)
		case TagRecommendedCurve:
			d.Curve = RecommendedCurve(f.enumeration(TagRecommendedCurve))
		}
	}
	return d, f.err
}
