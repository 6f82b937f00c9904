package keyserver

import (
	"slices"

	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// maxDerived is the longest object that is derived, in bits.
const maxDerived = 8192

// deriveKey makes a Symmetric Key or Secret Data out of a key that the server keeps, and, in
// the place of Derivation Data, Secret Data (KMIP 1.4, 4.6). All of them have to be Active and
// meant for it, and their Usage Limits count it.
func (s *Server) deriveKey(r *request, p *kmip.DeriveKeyRequest) (*kmip.DeriveKeyResponse, error) {
	if err := s.useTemplates(r, &p.Template); err != nil {
		return nil, err
	}
	o, err := s.derivedObject(r, p)
	if err != nil {
		return nil, err
	}
	bases, err := s.derivationBases(r, p)
	if err != nil {
		return nil, err
	}
	key, err := s.derive(r, p, bases, sizeOf(o))
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	if o.Content.Algorithm == kmip.AlgorithmTripleDES {
		setParity(key)
	}
	ids := slices.Clone(p.UniqueIdentifiers)
	err = s.update(r, ids, func(tx *transaction) error {
		if bases, err = s.derivationBases(r, p); err != nil { // they may have changed while we waited
			return err
		}
		for _, b := range bases {
			o.DerivedFrom(b.Object)
		}
		tx.insert(r, o, key)
		for _, b := range bases {
			base := b.Object.Clone()
			if _, err := base.Spend(int64(key.Len()), 1, r.now); err != nil {
				return err
			}
			base.LinkDerived(o.ID, r.now)
			tx.put(base, 0)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.uid, r.names, r.from, r.Placeholder = o.ID, o.Names(), ids, o.ID
	return &kmip.DeriveKeyResponse{UniqueIdentifier: o.ID}, nil
}

// derivedObject is the new object, without its bytes.
func (s *Server) derivedObject(r *request, p *kmip.DeriveKeyRequest) (*object.Object, error) {
	if p.ObjectType != kmip.ObjectTypeSymmetricKey && p.ObjectType != kmip.ObjectTypeSecretData {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "objects of type %s cannot be derived, only Symmetric Keys and Secret Data", p.ObjectType).In2(kmip.ReasonInvalidObjectType)
	}
	o, err := object.New(p.ObjectType, p.Template.Attributes, r.now)
	if err != nil {
		return nil, err
	}
	length, ok := o.Attributes.Get(kmip.AttrCryptographicLength)
	if !ok {
		return nil, kmip.Errorf(kmip.ReasonMissingData, "Derive Key needs the attribute Cryptographic Length")
	}
	if n := length.Int; n < 8 || n > maxDerived || n%8 != 0 {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "an object of %d bits cannot be derived: they are whole bytes, and %d bits at most", n, maxDerived)
	}
	if p.ObjectType == kmip.ObjectTypeSymmetricKey {
		return o, prepareKey(o, kmip.KeyFormatRaw)
	}
	if f := o.Content.Format; f != 0 && !canConvert(o.Type, f) {
		return nil, kmip.Errorf(kmip.ReasonKeyFormatTypeNotSupported, "a %s in the format %s cannot be derived", o.Type, f)
	}
	if o.Content.Format == 0 {
		o.Content.Format = kmip.KeyFormatRaw
	}
	o.Content.SecretDataType = kmip.SecretDataSeed
	needMask(o)
	return o, nil
}

// derivationBases are the objects that a key is to be made out of, if they may be.
func (s *Server) derivationBases(r *request, p *kmip.DeriveKeyRequest) ([]*usable, error) {
	ids := p.UniqueIdentifiers
	switch n := len(ids); {
	case n == 0 || ids[0] == "":
		return nil, kmip.Errorf(kmip.ReasonMissingData, "Derive Key names the object that it derives from; the ID Placeholder does not stand for it")
	case n > 2 || n == 2 && ids[0] == ids[1]:
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "a key is derived from one object, and at most a second one as Derivation Data")
	case n == 2 && p.Method != kmip.DeriveHMAC && p.Method != kmip.DeriveENCRYPT:
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "the Derivation Method %s is over one object", p.Method)
	case n == 2 && p.Parameters.Data != nil:
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "there are Derivation Data, and a second object in their place")
	}
	var bases []*usable
	for i, id := range ids {
		b, err := s.usable(r, id, p.Parameters.Parameters, kmip.UsageDeriveKey)
		if err != nil {
			return nil, err
		}
		if b.Type != kmip.ObjectTypeSecretData && (i > 0 || b.Type != kmip.ObjectTypeSymmetricKey) {
			return nil, kmip.Errorf(kmip.ReasonInvalidField, "the object %.64q is a %s: keys are derived from Symmetric Keys and Secret Data, with Secret Data as Derivation Data", id, b.Type).In2(kmip.ReasonInvalidObjectType)
		}
		bases = append(bases, b)
	}
	return bases, nil
}

// sizeOf is the length of a new object's bytes. That of a key for 3DES may leave out its parity.
func sizeOf(o *object.Object) int {
	length, _ := o.Attributes.Get(kmip.AttrCryptographicLength)
	if o.Content.Algorithm == kmip.AlgorithmTripleDES {
		return tripleDESSize(int32(length.Int))
	}
	return int(length.Int) / 8
}

// derive makes the bytes.
func (s *Server) derive(r *request, p *kmip.DeriveKeyRequest, bases []*usable, size int) (*secret.Bytes, error) {
	var contents []*secret.Bytes
	defer func() {
		for _, c := range contents {
			c.Wipe()
		}
	}()
	for _, b := range bases {
		c, err := s.mustContent(r, b.Object)
		if err != nil {
			return nil, err
		}
		contents = append(contents, c)
	}
	d := p.Parameters
	d.Parameters = &bases[0].parameters
	if len(contents) > 1 {
		d.Data = contents[1]
	}
	if p.Method == kmip.DerivePBKDF2 {
		done, err := s.takesLong(r, "PBKDF2")
		if err != nil {
			return nil, err
		}
		defer done()
	}
	return cryptography.Derive(p.Method, d, bases[0].Content.Algorithm, contents[0].Reveal(), size)
}
