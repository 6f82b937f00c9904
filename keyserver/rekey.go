package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// reKey makes a symmetric key that takes another one's place and Names (KMIP 1.4, 4.4). Both
// have a Link to the other. The old key's state does not change.
func (s *Server) reKey(r *request, p *kmip.ReKeyRequest) (*kmip.ReKeyResponse, error) {
	if err := s.useTemplates(r, &p.Template); err != nil {
		return nil, err
	}
	if err := checkProtection(p.Protection); err != nil {
		return nil, err
	}
	old, err := s.find(r, p.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	var next *object.Object
	var key *secret.Bytes
	defer func() { key.Wipe() }()
	err = s.update(r, []string{old.ID}, func(tx *transaction) error {
		if old, err = s.find(r, old.ID); err != nil { // it may have changed while we waited
			return err
		}
		if err := s.replaceable(r, old, kmip.ObjectTypeSymmetricKey); err != nil {
			return err
		}
		if next, err = old.Successor(p.Template.Attributes, p.Offset, r.now); err != nil {
			return err
		}
		if err := prepareKey(next, old.Content.Format); err != nil {
			return err
		}
		next.MarkGenerated()
		key = randomKey(next.Content.Algorithm, next.Content.Length)
		tx.insert(r, next, key)
		tx.replace(r, old, next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.uid, r.names, r.from, r.Placeholder = next.ID, next.Names(), []string{old.ID}, next.ID
	return &kmip.ReKeyResponse{UniqueIdentifier: next.ID}, nil
}

// replaceable returns nil if another object of the type can take the object's place. That
// happens once: the Names are gone then, and two keys in one place would each be half of it.
func (s *Server) replaceable(r *request, o *object.Object, t kmip.ObjectType) error {
	switch {
	case o.Type != t:
		return kmip.Errorf(kmip.ReasonIllegalOperation, "the object is a %s, and this operation replaces a %s", o.Type, t).In2(kmip.ReasonIllegalObjectType)
	case o.Destroyed() || o.Archived():
		return o.CheckAtHand()
	case o.Content.Wrapping != nil:
		return kmip.Errorf(kmip.ReasonIllegalOperation, "the object was registered wrapped, and a new one would not be: register one yourself")
	}
	if id := o.Linked(kmip.LinkReplacementObject); id != "" {
		if next := s.lookup(r, id); next != nil && mayFind(r.who, next) && !next.Destroyed() {
			return kmip.Errorf(kmip.ReasonIllegalOperation, "the object has been replaced already, by %.64q: replace that one", id)
		}
	}
	return nil
}

// replace notes in an object that another one, which was inserted, has taken its place.
func (tx *transaction) replace(r *request, old, next *object.Object) {
	replaced := old.Clone()
	replaced.ReplaceBy(next.ID, r.now)
	tx.put(replaced, 0)
}
