package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// create makes a symmetric key (KMIP 1.4, 4.1).
func (s *Server) create(r *request, p *kmip.CreateRequest) (*kmip.CreateResponse, error) {
	if err := ownerOnly(r, "create objects: they would be its own, and it gets no key bytes"); err != nil {
		return nil, err
	}
	if p.ObjectType != kmip.ObjectTypeSymmetricKey {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "objects of type %s cannot be created, only Symmetric Keys", p.ObjectType)
	}
	if err := noTemplates(p.Template); err != nil {
		return nil, err
	}
	o, err := object.New(p.ObjectType, p.Template.Attributes, r.now)
	if err != nil {
		return nil, err
	}
	alg, okAlg := o.Attributes.Get(kmip.AttrCryptographicAlgorithm)
	length, okLength := o.Attributes.Get(kmip.AttrCryptographicLength)
	if _, okMask := o.Attributes.Get(kmip.AttrCryptographicUsageMask); !okAlg || !okLength || !okMask {
		return nil, kmip.Errorf(kmip.ReasonMissingData, "Create needs the attributes Cryptographic Algorithm, Cryptographic Length and Cryptographic Usage Mask")
	}
	o.Content = object.Content{Format: kmip.KeyFormatRaw, Algorithm: kmip.CryptographicAlgorithm(alg.Int), Length: int32(length.Int)}
	if !canCreate(o.Content.Algorithm, o.Content.Length) {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "a key for %s of %d bits cannot be created", o.Content.Algorithm, o.Content.Length)
	}
	key := secret.Random(int(o.Content.Length) / 8)
	defer key.Wipe()
	if err := s.insert(r, o, key); err != nil {
		return nil, err
	}
	return &kmip.CreateResponse{ObjectType: o.Type, UniqueIdentifier: o.ID}, nil
}

// canCreate says whether random bits are a key for the algorithm.
func canCreate(alg kmip.CryptographicAlgorithm, bits int32) bool {
	switch alg {
	case kmip.AlgorithmAES:
		return bits == 128 || bits == 192 || bits == 256
	case kmip.AlgorithmChaCha20, kmip.AlgorithmChaCha20Poly1305:
		return bits == 256
	case kmip.AlgorithmHMACSHA1, kmip.AlgorithmHMACSHA224, kmip.AlgorithmHMACSHA256, kmip.AlgorithmHMACSHA384, kmip.AlgorithmHMACSHA512:
		return bits >= 112 && bits <= 4096 && bits%8 == 0
	}
	return false
}

// noTemplates refuses the names of Template objects, which this server has none of.
func noTemplates(t kmip.Template) error {
	if len(t.Names) > 0 {
		return kmip.Errorf(kmip.ReasonItemNotFound, "there is no Template of the name %.64q", t.Names[0].Value)
	}
	return nil
}
