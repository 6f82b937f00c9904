package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// reKeyKeyPair makes a key pair that takes another one's place and Names (KMIP 1.4, 4.5). Each
// key has a Link to the one that it replaces, and that one to it. The old keys' states do not
// change. The ID Placeholder is the new private key.
func (s *Server) reKeyKeyPair(r *request, p *kmip.ReKeyKeyPairRequest) (*kmip.ReKeyKeyPairResponse, error) {
	for _, t := range []*kmip.Template{&p.Common, &p.Private, &p.Public} {
		if err := s.useTemplates(r, t); err != nil {
			return nil, err
		}
	}
	id := p.PrivateKey
	old, next, err := s.pairSuccessors(r, id, p)
	if err != nil {
		return nil, err
	}
	id = old[0].ID
	// To make the key takes long, so nothing is held meanwhile; what it is for stays.
	key, err := s.generate(r, next[0])
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	var halves pairHalves
	defer func() { halves.wipe() }()
	err = s.update(r, []string{old[0].ID, old[1].ID}, func(tx *transaction) error {
		public := old[1].ID
		if old, next, err = s.pairSuccessors(r, id, p); err != nil {
			return err
		}
		if old[1].ID != public {
			return kmip.Errorf(kmip.ReasonGeneralFailure, "the private key's Link was changed meanwhile: ask again")
		}
		if halves, err = completePair(key, next[0], next[1]); err != nil {
			return err
		}
		tx.insertPair(r, halves)
		for i := range old {
			tx.replace(r, old[i], next[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.pairMade(next[0], next[1])
	r.from = []string{old[0].ID, old[1].ID}
	return &kmip.ReKeyKeyPairResponse{PrivateKey: next[0].ID, PublicKey: next[1].ID}, nil
}

// pairSuccessors returns the private and the public key that are to be replaced, and what is
// to replace them, without key bytes.
func (s *Server) pairSuccessors(r *request, id string, p *kmip.ReKeyKeyPairRequest) (old, next [2]*object.Object, err error) {
	if old[0], err = s.find(r, id); err != nil {
		return old, next, err
	}
	if err = s.replaceable(r, old[0], kmip.ObjectTypePrivateKey); err != nil {
		return old, next, err
	}
	if old[1], err = s.publicKeyOf(r, old[0]); err != nil {
		return old, next, err
	}
	if err = s.replaceable(r, old[1], kmip.ObjectTypePublicKey); err != nil {
		return old, next, err
	}
	for i, own := range []kmip.Template{p.Private, p.Public} {
		if next[i], err = old[i].Successor(withCommon(p.Common, own), p.Offset, r.now); err != nil {
			return old, next, err
		}
		next[i].MarkGenerated()
	}
	return old, next, nil
}

// publicKeyOf returns the public key that a private key has a Link to.
func (s *Server) publicKeyOf(r *request, private *object.Object) (*object.Object, error) {
	if id := private.Linked(kmip.LinkPublicKey); id != "" {
		if o := s.lookup(r, id); o != nil && mayFind(r.who, o) {
			return o, nil
		}
	}
	return nil, kmip.Errorf(kmip.ReasonIllegalOperation, "the private key has no Link to a public key that is here")
}
