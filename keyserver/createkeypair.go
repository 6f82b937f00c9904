package keyserver

import (
	"slices"

	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// maxGenerating is how many key pairs and keys by PBKDF2 are made at a time. One takes a
// processor for up to seconds, and others are to be served meanwhile.
const maxGenerating = 2

// createKeyPair makes a private and a public key, which know of each other (KMIP 1.4, 4.2).
// The ID Placeholder is the private key.
func (s *Server) createKeyPair(r *request, p *kmip.CreateKeyPairRequest) (*kmip.CreateKeyPairResponse, error) {
	private, err := s.halfOfPair(r, kmip.ObjectTypePrivateKey, p.Common, p.Private)
	if err != nil {
		return nil, err
	}
	public, err := s.halfOfPair(r, kmip.ObjectTypePublicKey, p.Common, p.Public)
	if err != nil {
		return nil, err
	}
	key, err := s.generate(r, private)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	if err := s.insertPair(r, key, private, public); err != nil {
		return nil, err
	}
	return &kmip.CreateKeyPairResponse{PrivateKey: private.ID, PublicKey: public.ID}, nil
}

// halfOfPair returns one of the two objects with the attributes that were given for it, and
// those for both.
func (s *Server) halfOfPair(r *request, t kmip.ObjectType, common, own kmip.Template) (*object.Object, error) {
	for _, t := range []*kmip.Template{&common, &own} {
		if err := s.useTemplates(r, t); err != nil {
			return nil, err
		}
	}
	o, err := object.New(t, withCommon(common, own), r.now)
	if err != nil {
		return nil, err
	}
	if _, ok := o.Attributes.Get(kmip.AttrCryptographicUsageMask); !ok {
		return nil, kmip.Errorf(kmip.ReasonMissingData, "Create Key Pair needs a Cryptographic Usage Mask for the %s", t)
	}
	o.MarkGenerated()
	return o, nil
}

// withCommon returns the attributes of one half of a pair: what is given for it goes before
// what is given for both.
func withCommon(common, own kmip.Template) kmip.Attributes {
	attributes := slices.Clone(own.Attributes)
	for _, a := range common.Attributes {
		if _, ok := own.Attributes.Get(a.Name); !ok {
			attributes = append(attributes, a)
		}
	}
	return attributes
}

// generate makes a key for the object's attributes, as soon as not too many are being made.
func (s *Server) generate(r *request, o *object.Object) (*cryptography.Key, error) {
	alg, ok := o.Attributes.Get(kmip.AttrCryptographicAlgorithm)
	if !ok {
		return nil, kmip.Errorf(kmip.ReasonMissingData, "Create Key Pair needs the attribute Cryptographic Algorithm")
	}
	algorithm := kmip.CryptographicAlgorithm(alg.Int)
	if algorithm == kmip.AlgorithmEd25519 && r.Version.Major < 2 {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "KMIP %s has no Ed25519", r.Version)
	}
	length, _ := o.Attributes.Get(kmip.AttrCryptographicLength)
	var domain kmip.DomainParameters
	if v, ok := o.Attributes.Get(kmip.AttrCryptographicDomain); ok {
		var err error
		if domain, err = kmip.ParseDomainParameters(v); err != nil {
			return nil, kmip.Errorf(kmip.ReasonInvalidField, "%v", err)
		}
	}
	if err := cryptography.CheckGenerate(algorithm, int32(length.Int), domain.Curve); err != nil {
		return nil, err
	}
	what := ""
	if algorithm == kmip.AlgorithmRSA {
		what = "an RSA key"
	}
	done, err := s.takesLong(r, what)
	if err != nil {
		return nil, err
	}
	defer done()
	return cryptography.Generate(algorithm, int32(length.Int), domain.Curve)
}

// takesLong waits until not too much is being made that takes a processor, and is followed by
// a call of done. What takes seconds has a name, and is refused where others wait for the
// request.
func (s *Server) takesLong(r *request, what string) (done func(), err error) {
	if what != "" && r.tx != nil && r.tx.locked {
		return nil, kmip.Errorf(kmip.ReasonFeatureNotSupported, "%s takes long to make: in a batch with the option Undo it has to come before all that changes something", what)
	}
	select {
	case s.generating <- struct{}{}:
		return func() { <-s.generating }, nil
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
}

// insertPair makes both objects in one transaction.
func (s *Server) insertPair(r *request, key *cryptography.Key, private, public *object.Object) error {
	halves, err := completePair(key, private, public)
	defer halves.wipe()
	if err != nil {
		return err
	}
	r.names = append(private.Names(), public.Names()...)
	err = s.update(r, nil, func(tx *transaction) error {
		tx.insertPair(r, halves)
		return nil
	})
	if err == nil {
		r.pairMade(private, public)
	}
	return err
}

// pairHalves are the private and the public key of a new pair.
type pairHalves [2]struct {
	o       *object.Object
	link    kmip.LinkType // from it to the other
	content *secret.Bytes
}

func (h *pairHalves) wipe() {
	for i := range h {
		h[i].content.Wipe()
	}
}

// completePair gives the objects the attributes and the bytes of the key. The caller wipes
// what it returns, also after an error.
func completePair(key *cryptography.Key, private, public *object.Object) (halves pairHalves, err error) {
	halves[0].o, halves[0].link = private, kmip.LinkPublicKey
	halves[1].o, halves[1].link = public, kmip.LinkPrivateKey
	for i, k := range []*cryptography.Key{key, key.Public()} {
		h := &halves[i]
		if f := h.o.Content.Format; f != 0 && f != k.OwnFormat() { // which 2.x may ask for
			return halves, kmip.Errorf(kmip.ReasonKeyFormatTypeNotSupported, "a %s for %s is created in the format %s, not %s", h.o.Type, k.Algorithm(), k.OwnFormat(), f)
		}
		h.o.Content.Format = k.OwnFormat()
		if err := describe(h.o, k, 0); err != nil {
			return halves, err
		}
		if h.content, err = k.Marshal(h.o.Content.Format); err != nil {
			return halves, err
		}
	}
	return halves, nil
}

// insertPair stages both objects, each with a Link to the other.
func (tx *transaction) insertPair(r *request, halves pairHalves) {
	for _, h := range halves {
		tx.insert(r, h.o, h.content)
	}
	for i, h := range halves {
		linked := h.o.Clone()
		linked.Attributes.Add(kmip.AttrLink, kmip.Link{Type: h.link, ID: halves[1-i].o.ID}.TTLV())
		tx.put(linked, kmip.ReasonInvalidField)
	}
}

// pairMade notes for the audit line and the rest of the batch what was made.
func (r *request) pairMade(private, public *object.Object) {
	r.uid, r.Placeholder = private.ID, private.ID
	r.names = append(private.Names(), public.Names()...)
}
