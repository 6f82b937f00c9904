package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// KeyInformation names the key that wraps others, and how it does (KMIP 1.4, 2.1.5).
type KeyInformation struct {
	UniqueIdentifier string
	Parameters       *CryptographicParameters // nil for the key's own
}

// KeyWrappingSpecification asks for a key in wrapped form (KMIP 1.4, 2.1.6).
type KeyWrappingSpecification struct {
	Method         WrappingMethod
	EncryptionKey  *KeyInformation
	MACKey         *KeyInformation
	AttributeNames []string       // of attributes that are wrapped with the key
	Encoding       EncodingOption // 0 is TTLV; since 1.1
}

// KeyWrappingData says how a key is wrapped (KMIP 1.4, 2.1.5).
type KeyWrappingData struct {
	Method        WrappingMethod
	EncryptionKey *KeyInformation
	MACKey        *KeyInformation
	MACSignature  []byte
	IV            []byte
	Encoding      EncodingOption // 0 is TTLV; since 1.1
}

func (k *KeyInformation) encode(w *ttlv.Writer, tag ttlv.Tag) {
	if k == nil {
		return
	}
	m := w.Begin(tag)
	w.TextString(TagUniqueIdentifier, k.UniqueIdentifier)
	k.Parameters.encode(w)
	w.End(m)
}

func decodeKeyInformation(r *ttlv.Reader) *KeyInformation {
	k := &KeyInformation{}
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagUniqueIdentifier:
			k.UniqueIdentifier = s.TextString()
		case TagCryptographicParameters:
			k.Parameters = decodeParameters(s)
		default:
			s.Unexpected()
		}
	}
	return k
}

func (k *KeyWrappingSpecification) encode(w *ttlv.Writer) {
	m := w.Begin(TagKeyWrappingSpecification)
	w.Enumeration(TagWrappingMethod, uint32(k.Method))
	k.EncryptionKey.encode(w, TagEncryptionKeyInformation)
	k.MACKey.encode(w, TagMACSignatureKeyInformation)
	for _, n := range k.AttributeNames {
		w.TextString(TagAttributeName, n)
	}
	if k.Encoding != 0 {
		w.Enumeration(TagEncodingOption, uint32(k.Encoding))
	}
	w.End(m)
}

func decodeWrappingSpecification(r *ttlv.Reader) *KeyWrappingSpecification {
	k := &KeyWrappingSpecification{}
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagWrappingMethod:
			k.Method = WrappingMethod(s.Enumeration())
		case TagEncryptionKeyInformation:
			k.EncryptionKey = decodeKeyInformation(s)
		case TagMACSignatureKeyInformation:
			k.MACKey = decodeKeyInformation(s)
		case TagAttributeName:
			k.AttributeNames = append(k.AttributeNames, s.TextString())
		case TagEncodingOption:
			k.Encoding = EncodingOption(s.Enumeration())
		default:
			s.Unexpected()
		}
	}
	return k
}

// Encode appends the structure; 1.0 has no Encoding Option.
func (k *KeyWrappingData) Encode(w *ttlv.Writer, v Version) {
	m := w.Begin(TagKeyWrappingData)
	w.Enumeration(TagWrappingMethod, uint32(k.Method))
	k.EncryptionKey.encode(w, TagEncryptionKeyInformation)
	k.MACKey.encode(w, TagMACSignatureKeyInformation)
	if k.MACSignature != nil {
		w.ByteString(TagMACSignature, k.MACSignature)
	}
	if k.IV != nil {
		w.ByteString(TagIVCounterNonce, k.IV)
	}
	if k.Encoding != 0 && v.AtLeast(V1_1) {
		w.Enumeration(TagEncodingOption, uint32(k.Encoding))
	}
	w.End(m)
}

// DecodeKeyWrappingData reads the current field.
func DecodeKeyWrappingData(r *ttlv.Reader) *KeyWrappingData {
	k := &KeyWrappingData{}
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagWrappingMethod:
			k.Method = WrappingMethod(s.Enumeration())
		case TagEncryptionKeyInformation:
			k.EncryptionKey = decodeKeyInformation(s)
		case TagMACSignatureKeyInformation:
			k.MACKey = decodeKeyInformation(s)
		case TagMACSignature:
			k.MACSignature = bytes.Clone(s.ByteString())
		case TagIVCounterNonce:
			k.IV = bytes.Clone(s.ByteString())
		case TagEncodingOption:
			k.Encoding = EncodingOption(s.Enumeration())
		default:
			s.Unexpected()
		}
	}
	return k
}

// KeyValue returns the Key Value as it is wrapped under the encoding: the key's bytes
// alone, or the whole structure (KMIP 1.4, 9.1.3.2.32). The caller wipes it.
func (k *KeyBlock) KeyValue(e EncodingOption, v Version) *secret.Bytes {
	if e == EncodingNone {
		return k.Material.Clone()
	}
	var attributes ttlv.Writer
	k.Attributes.encode(&attributes, v)
	// Large enough from the start: a buffer that grows leaves the key behind.
	w := ttlv.NewWriter(make([]byte, 0, 5*ttlv.HeaderSize+k.Material.Len()+attributes.Len()))
	k.encodeValue(w, v)
	value := secret.Copy(w.Bytes())
	secret.Wipe(w.Bytes())
	return value
}

// SetKeyValue is the way back: it takes the material, and attributes, out of a Key Value
// that was unwrapped. The key block must have its Format.
func (k *KeyBlock) SetKeyValue(value *secret.Bytes, e EncodingOption, v Version) error {
	if e == EncodingNone {
		k.Material.Wipe()
		k.Material = value.Clone()
		return nil
	}
	if err := ttlv.Check(value.Reveal(), ttlv.Limits{}); err != nil {
		return err
	}
	k.Attributes = nil
	r := ttlv.NewReader(value.Reveal(), TagKeyValue)
	r.SetEdition(v.Major)
	k.decodeFields(r)
	return r.Err()
}
