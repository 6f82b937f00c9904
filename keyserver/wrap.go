package keyserver

import (
	"errors"
	"slices"

	"github.com/dbkeyring/dbkeyring/internal/keywrap"
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// wrap puts a key into the wrapped form that a Get asks for (KMIP 1.4, 2.1.6): under
// AES Key Wrap, with another key of the client's, which is Active and meant for it.
func (s *Server) wrap(r *request, o *object.Object, b *kmip.KeyBlock, spec *kmip.KeyWrappingSpecification) error {
	switch {
	case b.Material == nil:
		return kmip.Errorf(kmip.ReasonIllegalOperation, "a %s has no Key Value that could be wrapped", o.Type).In2(kmip.ReasonIllegalObjectType)
	case b.Wrapping != nil:
		return kmip.Errorf(kmip.ReasonIllegalOperation, "the object was registered wrapped, and is not wrapped once more")
	case spec.Method != kmip.WrapEncrypt || spec.MACKey != nil:
		return kmip.Errorf(kmip.ReasonFeatureNotSupported, "keys are wrapped by the Wrapping Method Encrypt alone, not %s", spec.Method)
	case spec.Encoding > kmip.EncodingTTLV:
		return kmip.Errorf(kmip.ReasonInvalidField, "the Encoding Option %s is unknown", spec.Encoding)
	case spec.Encoding == kmip.EncodingNone && (len(spec.AttributeNames) > 0 || b.Format.Transparent()):
		return kmip.Errorf(kmip.ReasonEncodingOptionError, "without encoding only the bytes of a key can be wrapped, no attributes and no format %s", b.Format)
	}
	for _, name := range spec.AttributeNames {
		some := visible(r, o, func(n string) bool { return n == name })
		if len(some) == 0 {
			return kmip.Errorf(kmip.ReasonItemNotFound, "the object has no attribute %.64q that could be wrapped with it", name).In2(kmip.ReasonAttributeNotFound)
		}
		b.Attributes = append(slices.Clip(b.Attributes), some...)
	}
	kek, mode, err := s.wrappingKey(r, spec.EncryptionKey, kmip.UsageWrapKey)
	if err != nil {
		return err
	}
	defer kek.Wipe()
	value := b.KeyValue(spec.Encoding, r.Version)
	defer value.Wipe()
	method := keywrap.Wrap
	if mode == kmip.ModeAESKeyWrapPadding {
		method = keywrap.WrapPad
	}
	wrapped, err := method(kek, value)
	if err != nil {
		return kmip.Errorf(kmip.ReasonCryptographicFailure, "%v", err)
	}
	uid, names := r.uid, r.names // the audit line is about the key that is wrapped
	err = s.spend(r, spec.EncryptionKey.UniqueIdentifier, int64(value.Len()), 1)
	r.uid, r.names = uid, names
	if err != nil {
		return err
	}
	b.Material.Wipe()
	b.Material = secret.Copy(wrapped)
	b.Wrapping = &kmip.KeyWrappingData{Method: spec.Method, Encoding: spec.Encoding, EncryptionKey: &kmip.KeyInformation{
		UniqueIdentifier: spec.EncryptionKey.UniqueIdentifier, Parameters: spec.EncryptionKey.Parameters,
	}}
	if b.Wrapping.EncryptionKey.Parameters == nil {
		b.Wrapping.EncryptionKey.Parameters = &kmip.CryptographicParameters{Mode: mode}
	}
	return nil
}

// unwrap takes a key block out of its wrapping. found is false if the wrapping key is
// not here, or may not be used for that.
func (s *Server) unwrap(r *request, b *kmip.KeyBlock) (found bool, err error) {
	w := b.Wrapping
	if w.Method != kmip.WrapEncrypt || w.MACKey != nil || w.EncryptionKey == nil {
		return false, kmip.Errorf(kmip.ReasonFeatureNotSupported, "keys are unwrapped by the Wrapping Method Encrypt alone, not %s", w.Method)
	}
	kek, mode, err := s.wrappingKey(r, w.EncryptionKey, kmip.UsageUnwrapKey)
	if err != nil {
		return false, err
	}
	defer kek.Wipe()
	method := keywrap.Unwrap
	if mode == kmip.ModeAESKeyWrapPadding {
		method = keywrap.UnwrapPad
	}
	value, err := method(kek, b.Material.Reveal())
	if err != nil {
		return true, kmip.Errorf(kmip.ReasonCryptographicFailure, "%v with the object %.64q", err, w.EncryptionKey.UniqueIdentifier)
	}
	defer value.Wipe()
	plain := kmip.KeyBlock{Format: b.Format}
	if err := plain.SetKeyValue(value, w.Encoding, r.Version); err != nil || plain.Material == nil {
		plain.Material.Wipe()
		return true, kmip.Errorf(kmip.ReasonCryptographicFailure, "what was wrapped is no Key Value in this encoding")
	}
	b.Material.Wipe()
	b.Material, b.Attributes, b.Wrapping = plain.Material, plain.Attributes, nil
	return true, nil
}

// wrappingKey returns the key that wraps others, which the caller wipes, and the mode.
func (s *Server) wrappingKey(r *request, info *kmip.KeyInformation, use kmip.UsageMask) (*secret.Bytes, kmip.BlockCipherMode, error) {
	if info == nil || info.UniqueIdentifier == "" {
		return nil, 0, kmip.Errorf(kmip.ReasonInvalidField, "there is no Encryption Key Information that names the wrapping key")
	}
	uid, names := r.uid, r.names // the audit line is about the key that is wrapped
	o, err := s.find(r, info.UniqueIdentifier)
	r.uid, r.names = uid, names
	if err == nil {
		err = o.CheckUse(use, r.now)
	}
	if err != nil {
		return nil, 0, aboutWrapping(err)
	}
	parameters := info.Parameters
	if own, ok := o.Attributes.Get(kmip.AttrCryptographicParameters); ok && parameters == nil {
		p, err := kmip.ParseCryptographicParameters(own)
		if err != nil {
			return nil, 0, kmip.Errorf(kmip.ReasonInvalidField, "the Cryptographic Parameters of the wrapping key: %v", err)
		}
		parameters = &p
	}
	mode := kmip.ModeNISTKeyWrap
	if parameters != nil && parameters.Mode != 0 {
		mode = parameters.Mode
	}
	if mode != kmip.ModeNISTKeyWrap && mode != kmip.ModeAESKeyWrapPadding {
		return nil, 0, kmip.Errorf(kmip.ReasonInvalidField, "keys are wrapped by NISTKeyWrap and AESKeyWrapPadding, not by the Block Cipher Mode %s", mode)
	}
	if o.Type != kmip.ObjectTypeSymmetricKey || o.Content.Algorithm != kmip.AlgorithmAES {
		return nil, 0, kmip.Errorf(kmip.ReasonInvalidField, "keys are wrapped by Symmetric Keys of the algorithm AES only")
	}
	kek, err := s.mustContent(r, o)
	return kek, mode, err
}

// aboutWrapping says in 2.x of what the wrapping key lacks that it is the wrapping key's.
func aboutWrapping(err error) error {
	var told *kmip.Error
	if !errors.As(err, &told) {
		return err
	}
	about := *told
	switch about.Reason2 {
	case kmip.ReasonObjectNotFound:
		about.Reason2 = kmip.ReasonWrappingObjectNotFound
	case kmip.ReasonObjectDestroyed:
		about.Reason2 = kmip.ReasonWrappingObjectDestroyed
	case kmip.ReasonObjectArchived:
		about.Reason2 = kmip.ReasonWrappingObjectArchived
	}
	return &about
}

// checkWrapped looks at a key that is registered wrapped, and kept so. If the wrapping
// key is here, what is in it is checked, and gives the Digest; else the client is
// believed what it says of the key.
func (s *Server) checkWrapped(r *request, o *object.Object, b *kmip.KeyBlock) error {
	o.Content.Wrapping = b.Wrapping
	plain := *b
	plain.Material = b.Material.Clone()
	defer func() { plain.Material.Wipe() }()
	found, err := s.unwrap(r, &plain)
	switch {
	case err == nil:
		o.SetDigest(plain.Material.Reveal())
		return checkPlain(o, &plain)
	case found:
		return err
	case !canConvert(o.Type, b.Format):
		return kmip.Errorf(kmip.ReasonKeyFormatTypeNotSupported, "a %s in the format %s is not supported", o.Type, b.Format)
	}
	if alg, ok := o.Attributes.Get(kmip.AttrCryptographicAlgorithm); !ok && b.Algorithm != 0 {
		o.Attributes.Add(kmip.AttrCryptographicAlgorithm, ttlv.EnumerationValue(uint32(b.Algorithm)))
	} else if ok {
		o.Content.Algorithm = kmip.CryptographicAlgorithm(alg.Int)
	}
	if length, ok := o.Attributes.Get(kmip.AttrCryptographicLength); !ok && b.Length != 0 {
		o.Attributes.Add(kmip.AttrCryptographicLength, ttlv.IntegerValue(b.Length))
	} else if ok {
		o.Content.Length = int32(length.Int)
	}
	if o.Type == kmip.ObjectTypeSymmetricKey && (o.Content.Algorithm == 0 || o.Content.Length == 0) {
		return kmip.Errorf(kmip.ReasonMissingData, "Register of a wrapped Symmetric Key needs its Cryptographic Algorithm and Cryptographic Length")
	}
	if _, ok := o.Attributes.Get(kmip.AttrCryptographicUsageMask); !ok {
		o.Attributes.Add(kmip.AttrCryptographicUsageMask, ttlv.IntegerValue(0))
	}
	return nil
}
