package kmip

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Dump returns a message as indented text for a log, a field a line. Key bytes,
// passwords and everything else that may hold a secret is shown as its length
// only. Bytes that are no TTLV are told by their number, not shown.
func Dump(frame []byte) string {
	if err := ttlv.Check(frame, ttlv.Limits{}); err != nil {
		return fmt.Sprintf("[%d bytes: %v]", len(frame), err)
	}
	var b strings.Builder
	tag := ttlv.Tag(uint32(frame[0])<<16 | uint32(frame[1])<<8 | uint32(frame[2]))
	if ttlv.Type(frame[3]) != ttlv.Structure {
		return fmt.Sprintf("[%d bytes: a message is a Structure, not %s]", len(frame), ttlv.Type(frame[3]))
	}
	b.WriteString(NameOfTag(tag) + "\n")
	dumpFields(&b, ttlv.NewReader(frame, tag), 1, "")
	return b.String()
}

// dumpFields writes the fields of one structure. The name of an attribute says
// how to read the value beside it.
func dumpFields(b *strings.Builder, r *ttlv.Reader, depth int, attribute string) {
	for r.Next() {
		if r.Tag() == TagAttributeName && r.Type() == ttlv.TextString {
			attribute = r.TextString()
		}
		fmt.Fprintf(b, "%s%s: ", strings.Repeat("  ", depth), NameOfTag(r.Tag()))
		switch {
		case hidden(r.Tag()):
			fmt.Fprintf(b, "[secret, %d bytes]\n", size(r))
		case r.Type() == ttlv.Structure:
			b.WriteByte('\n')
			dumpFields(b, r.Structure(), depth+1, attribute)
		default:
			b.WriteString(dumpValue(r.Tag(), attribute, r.Value()) + "\n")
		}
	}
}

// hidden says whether a field may hold key bytes or a password. Key Material and
// Credential Value are hidden with all that is below them.
func hidden(tag ttlv.Tag) bool {
	switch tag {
	case TagKeyMaterial, TagKey, TagOpaqueDataValue, TagCredentialValue, TagPassword, TagData, TagCertificateValue,
		TagDerivationData, TagSignatureData, TagDigestedData, TagMACData, TagIVCounterNonce, TagInitializationVector,
		TagAuthenticatedEncryptionAdditionalData,
		TagTicketValue, TagServerHashedPassword, TagOneTimePassword, TagHashedPassword, TagPKCS11InputParameters, TagPKCS11OutputParameters:
		return true
	}
	return false
}

// size is that of the current field's value, in bytes.
func size(r *ttlv.Reader) int {
	if r.Type() == ttlv.Structure {
		return len(r.Fields())
	}
	v := r.Value()
	return len(v.Bytes) + len(v.Text)
}

func dumpValue(tag ttlv.Tag, attribute string, v ttlv.Value) string {
	switch v.Type {
	case ttlv.Enumeration:
		if tag == TagAttributeValue {
			if t, ok := AttributeTypeOf(attribute); ok {
				tag = t.Tag
			}
		}
		return enumText(tag, uint32(v.Int))
	case ttlv.TextString:
		return fmt.Sprintf("%q", v.Text)
	case ttlv.ByteString, ttlv.BigInteger:
		return hex.EncodeToString(v.Bytes)
	case ttlv.DateTime:
		return v.Time().Format(time.RFC3339)
	case ttlv.Boolean:
		return fmt.Sprint(v.Int == 1)
	case ttlv.Interval:
		return fmt.Sprintf("%d s", v.Int)
	}
	return fmt.Sprint(v.Int)
}

// enumText names a code by the field that it stands in.
func enumText(tag ttlv.Tag, code uint32) string {
	switch tag {
	case TagAttributeReference:
		return NameOfTag(ttlv.Tag(code))
	case TagNISTKeyType:
		return NISTKeyType(code).String()
	case TagAdjustmentType:
		return AdjustmentType(code).String()
	case TagInteropFunction:
		return InteropFunction(code).String()
	case TagOperation:
		return Operation(code).String()
	case TagObjectType:
		return ObjectType(code).String()
	case TagState:
		return State(code).String()
	case TagResultStatus:
		return ResultStatus(code).String()
	case TagResultReason:
		return ResultReason(code).String()
	case TagRevocationReasonCode:
		return RevocationReasonCode(code).String()
	case TagNameType:
		return NameType(code).String()
	case TagCryptographicAlgorithm:
		return CryptographicAlgorithm(code).String()
	case TagHashingAlgorithm:
		return HashingAlgorithm(code).String()
	case TagBlockCipherMode:
		return BlockCipherMode(code).String()
	case TagPaddingMethod:
		return PaddingMethod(code).String()
	case TagKeyFormatType:
		return KeyFormatType(code).String()
	case TagSecretDataType:
		return SecretDataType(code).String()
	case TagQueryFunction:
		return QueryFunction(code).String()
	case TagBatchErrorContinuationOption:
		return BatchErrorContinuation(code).String()
	case TagRecommendedCurve:
		return RecommendedCurve(code).String()
	case TagDigitalSignatureAlgorithm:
		return DigitalSignatureAlgorithm(code).String()
	case TagMaskGenerator:
		return MaskGenerator(code).String()
	case TagMaskGeneratorHashingAlgorithm:
		return HashingAlgorithm(code).String()
	case TagValidityIndicator:
		return ValidityIndicator(code).String()
	case TagCertificateType:
		return CertificateType(code).String()
	case TagSplitKeyMethod:
		return SplitKeyMethod(code).String()
	case TagUsageLimitsUnit:
		return UsageLimitsUnit(code).String()
	case TagLinkType:
		return LinkType(code).String()
	}
	return fmt.Sprintf("0x%08X", code)
}
