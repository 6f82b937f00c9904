package cryptography

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"hash"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Signature signs data, or checks a signature of it, that comes in parts.
type Signature struct {
	key    *Key
	hash   crypto.Hash // 0 for Ed25519, which takes the data itself
	sum    hash.Hash
	whole  held
	parts  bool
	pss    *rsa.PSSOptions // nil: PKCS#1 v1.5, or no RSA
	digest []byte
}

// signatureHashes are the hashes of the schemes that name one.
var signatureHashes = map[kmip.DigitalSignatureAlgorithm]kmip.HashingAlgorithm{
	kmip.SignatureSHA1WithRSA: kmip.HashSHA1, kmip.SignatureSHA224WithRSA: kmip.HashSHA224, kmip.SignatureSHA256WithRSA: kmip.HashSHA256,
	kmip.SignatureSHA384WithRSA: kmip.HashSHA384, kmip.SignatureSHA512WithRSA: kmip.HashSHA512,
	kmip.SignatureSHA3256WithRSA: kmip.HashSHA3_256, kmip.SignatureSHA3384WithRSA: kmip.HashSHA3_384, kmip.SignatureSHA3512WithRSA: kmip.HashSHA3_512,
	kmip.SignatureECDSAWithSHA1: kmip.HashSHA1, kmip.SignatureECDSAWithSHA224: kmip.HashSHA224, kmip.SignatureECDSAWithSHA256: kmip.HashSHA256,
	kmip.SignatureECDSAWithSHA384: kmip.HashSHA384, kmip.SignatureECDSAWithSHA512: kmip.HashSHA512,
}

// NewSignature begins a signature with the key, which stays the caller's and is needed until
// the end. A Digital Signature Algorithm says all that Padding Method and Hashing Algorithm
// would, which may not say anything else.
func NewSignature(p kmip.CryptographicParameters, key *Key) (*Signature, error) {
	if p.Algorithm != 0 && !key.Is(p.Algorithm) {
		return nil, invalid("the Cryptographic Algorithm of the parameters is %s, that of the key %s", p.Algorithm, key.Algorithm())
	}
	s := &Signature{key: key}
	if key.Algorithm() == kmip.AlgorithmEd25519 {
		if p.Signature != 0 || p.Hash != 0 || p.Padding != 0 && p.Padding != kmip.PaddingNone {
			return nil, invalid("Ed25519 has no Padding Method and no Hashing Algorithm but its own")
		}
		return s, nil
	}
	if err := schemeOf(&p, key.Algorithm() == kmip.AlgorithmRSA); err != nil {
		return nil, err
	}
	var err error
	if s.hash, err = hashOf(p.Hash); err != nil {
		return nil, err
	}
	s.sum = s.hash.New()
	if p.Padding == kmip.PaddingPSS {
		s.pss, err = pssOptions(p, s.hash)
	}
	return s, err
}

// schemeOf completes padding and hash from the Digital Signature Algorithm.
func schemeOf(p *kmip.CryptographicParameters, isRSA bool) error {
	if alg := p.Signature; alg != 0 {
		h, named := signatureHashes[alg]
		padding := kmip.PaddingPKCS1v1_5
		ofRSA := named
		switch {
		case alg == kmip.SignatureRSASSAPSS:
			h, padding, ofRSA, named = p.Hash, kmip.PaddingPSS, true, true
		case alg >= kmip.SignatureECDSAWithSHA1 && alg <= kmip.SignatureECDSAWithSHA512:
			padding, ofRSA = 0, false
		}
		if !named || ofRSA != isRSA {
			return invalid("the Digital Signature Algorithm %s is not supported with this key", alg)
		}
		if p.Hash != 0 && p.Hash != h || p.Padding != 0 && p.Padding != padding {
			return invalid("the Digital Signature Algorithm %s does not go with the Hashing Algorithm %s and the Padding Method %s", alg, p.Hash, p.Padding)
		}
		p.Hash, p.Padding = h, padding
	}
	switch {
	case isRSA && p.Padding == 0:
		return invalid("there are no Cryptographic Parameters with a Padding Method (PSS or PKCS1 v1.5) or a Digital Signature Algorithm, neither in the request nor of the object")
	case isRSA && p.Padding != kmip.PaddingPSS && p.Padding != kmip.PaddingPKCS1v1_5,
		!isRSA && p.Padding != 0 && p.Padding != kmip.PaddingNone:
		return invalid("the Padding Method %s makes no signature with this key", p.Padding)
	}
	return nil
}

func pssOptions(p kmip.CryptographicParameters, h crypto.Hash) (*rsa.PSSOptions, error) {
	switch {
	case p.MaskGenerator != 0 && p.MaskGenerator != kmip.MaskMGF1, p.MaskHash != 0 && p.MaskHash != p.Hash:
		return nil, invalid("PSS is supported with the Mask Generator MGF1 over the Hashing Algorithm itself only")
	case p.TrailerField != nil && *p.TrailerField != 1:
		return nil, invalid("the Trailer Field of PSS is %d; 1 is the only one that there is", *p.TrailerField)
	}
	o := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: h}
	if p.SaltLength != nil {
		if o.SaltLength = int(*p.SaltLength); o.SaltLength < 0 {
			return nil, invalid("the Salt Length is %d", o.SaltLength)
		}
		if o.SaltLength == 0 {
			return nil, invalid("PSS without a salt is not supported")
		}
	}
	return o, nil
}

// Update takes a part of the data.
func (s *Signature) Update(data []byte) error {
	s.parts = s.parts || len(data) > 0
	if s.hash == 0 {
		_, err := s.whole.Update(data)
		return err
	}
	s.sum.Write(data) // never fails
	return nil
}

// Digest takes the hash of the data in place of the data.
func (s *Signature) Digest(digest []byte) error {
	switch {
	case s.hash == 0:
		return invalid("Ed25519 signs the data itself, not its hash")
	case s.parts:
		return invalid("there are both Data and Digested Data")
	case len(digest) != s.hash.Size():
		return invalid("the Digested Data have %d bytes, and the Hashing Algorithm makes %d", len(digest), s.hash.Size())
	}
	s.digest = append([]byte(nil), digest...)
	return nil
}

func (s *Signature) final() []byte {
	if s.digest != nil {
		return s.digest
	}
	return s.sum.Sum(nil)
}

// Sign returns the signature, of ECDSA in ASN.1.
func (s *Signature) Sign() ([]byte, error) {
	var sig []byte
	var err error
	switch k := s.key.private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(k, s.whole.data.Reveal()), nil
	case *ecdsa.PrivateKey:
		sig, err = ecdsa.SignASN1(rand.Reader, k, s.final())
	case *rsa.PrivateKey:
		if s.pss == nil {
			sig, err = rsa.SignPKCS1v15(rand.Reader, k, s.hash, s.final())
			break
		}
		o := *s.pss
		if o.SaltLength == rsa.PSSSaltLengthAuto {
			o.SaltLength = rsa.PSSSaltLengthEqualsHash
		}
		sig, err = rsa.SignPSS(rand.Reader, k, s.hash, s.final(), &o)
	default:
		return nil, invalid("a signature needs a private key")
	}
	if err != nil {
		return nil, ErrCryptography
	}
	return sig, nil
}

// Verify says whether the signature is one of the data.
func (s *Signature) Verify(sig []byte) bool {
	switch k := s.key.public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(k, s.whole.data.Reveal(), sig)
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, s.final(), sig)
	case *rsa.PublicKey:
		if s.pss == nil {
			return rsa.VerifyPKCS1v15(k, s.hash, s.final(), sig) == nil
		}
		return rsa.VerifyPSS(k, s.hash, s.final(), sig, s.pss) == nil
	}
	return false
}

// Wipe wipes what is held, the key included.
func (s *Signature) Wipe() {
	s.whole.Wipe()
	s.key.Wipe()
	secret.Wipe(s.digest)
}
