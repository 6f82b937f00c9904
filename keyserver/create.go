package keyserver

import (
	"cmp"
	"math/bits"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// create makes a symmetric key (KMIP 1.4, 4.1).
func (s *Server) create(r *request, p *kmip.CreateRequest) (*kmip.CreateResponse, error) {
	if p.ObjectType != kmip.ObjectTypeSymmetricKey {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "objects of type %s cannot be created, only Symmetric Keys", p.ObjectType).In2(kmip.ReasonInvalidObjectType)
	}
	if err := s.useTemplates(r, &p.Template); err != nil {
		return nil, err
	}
	if err := checkProtection(p.Protection); err != nil {
		return nil, err
	}
	o, err := object.New(p.ObjectType, p.Template.Attributes, r.now)
	if err != nil {
		return nil, err
	}
	if err := prepareKey(o, kmip.KeyFormatRaw); err != nil {
		return nil, err
	}
	o.MarkGenerated()
	key := randomKey(o.Content.Algorithm, o.Content.Length)
	defer key.Wipe()
	if err := s.insert(r, o, key); err != nil {
		return nil, err
	}
	return &kmip.CreateResponse{ObjectType: o.Type, UniqueIdentifier: o.ID}, nil
}

// prepareKey completes a Symmetric Key whose bytes are to be made here. format is the one that
// it has unless its attributes, which 2.x may have, say otherwise.
func prepareKey(o *object.Object, format kmip.KeyFormatType) error {
	alg, okAlg := o.Attributes.Get(kmip.AttrCryptographicAlgorithm)
	length, okLength := o.Attributes.Get(kmip.AttrCryptographicLength)
	if _, okMask := o.Attributes.Get(kmip.AttrCryptographicUsageMask); !okAlg || !okLength || !okMask {
		return kmip.Errorf(kmip.ReasonMissingData, "a key needs the attributes Cryptographic Algorithm, Cryptographic Length and Cryptographic Usage Mask")
	}
	format = cmp.Or(o.Content.Format, format)
	if !canConvert(o.Type, format) {
		return kmip.Errorf(kmip.ReasonKeyFormatTypeNotSupported, "a %s in the format %s cannot be created", o.Type, format)
	}
	o.Content = object.Content{Format: format, Algorithm: kmip.CryptographicAlgorithm(alg.Int), Length: int32(length.Int)}
	if !canCreate(o.Content.Algorithm, o.Content.Length) {
		return kmip.Errorf(kmip.ReasonInvalidField, "a key for %s of %d bits cannot be created", o.Content.Algorithm, o.Content.Length)
	}
	return nil
}

// canCreate says whether random bits are a key for the algorithm.
func canCreate(alg kmip.CryptographicAlgorithm, length int32) bool {
	switch alg {
	case kmip.AlgorithmAES:
		return length == 128 || length == 192 || length == 256
	case kmip.AlgorithmTripleDES:
		return length == 112 || length == 168 || length == 128 || length == 192
	case kmip.AlgorithmChaCha20, kmip.AlgorithmChaCha20Poly1305:
		return length == 256
	case kmip.AlgorithmHMACSHA1, kmip.AlgorithmHMACSHA224, kmip.AlgorithmHMACSHA256, kmip.AlgorithmHMACSHA384, kmip.AlgorithmHMACSHA512:
		return length >= 112 && length <= 4096 && length%8 == 0
	}
	return false
}

// randomKey makes a key of the length. The length of one for 3DES may leave out its
// parity bits, which are odd (FIPS 46-3).
func randomKey(alg kmip.CryptographicAlgorithm, length int32) *secret.Bytes {
	if alg != kmip.AlgorithmTripleDES {
		return secret.Random(int(length) / 8)
	}
	key := secret.Random(tripleDESSize(length))
	setParity(key)
	return key
}

// setParity makes the number of ones in each byte odd, as keys for 3DES have it.
func setParity(key *secret.Bytes) {
	for i, b := range key.Reveal() {
		key.Reveal()[i] = b&^1 | byte(bits.OnesCount8(b&^1)&1^1)
	}
}

// tripleDESSize is the size of a key for 3DES in bytes: with two or three parts, of 8
// bytes, of 56 bits each without parity.
func tripleDESSize(length int32) int {
	if length == 112 || length == 128 {
		return 16
	}
	return 24
}
