package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// usable is a key that may be used for what a request asks, and the parameters: the
// request's, else the object's first.
type usable struct {
	*object.Object
	parameters kmip.CryptographicParameters
}

// usable finds the key that a request names, and says whether it may be used for that now.
func (s *Server) usable(r *request, id string, p *kmip.CryptographicParameters, use kmip.UsageMask) (*usable, error) {
	o, err := s.mayUse(r, id, use)
	if err != nil {
		return nil, err
	}
	k := &usable{Object: o}
	if p != nil {
		k.parameters = *p
	} else if own, ok := o.Attributes.Get(kmip.AttrCryptographicParameters); ok {
		if k.parameters, err = kmip.ParseCryptographicParameters(own); err != nil {
			return nil, kmip.Errorf(kmip.ReasonInvalidField, "the object's Cryptographic Parameters: %v", err)
		}
	}
	return k, nil
}

func (s *Server) mayUse(r *request, id string, use kmip.UsageMask) (*object.Object, error) {
	o, err := s.find(r, id)
	if err != nil {
		return nil, err
	}
	return o, o.CheckUse(use, r.now)
}

// asymmetric reads a private key, or the public key that is an object or in a certificate.
// It is the caller's to wipe.
func (s *Server) asymmetric(r *request, k *usable) (*cryptography.Key, error) {
	material, err := s.mustContent(r, k.Object)
	if err != nil {
		return nil, err
	}
	defer material.Wipe()
	switch k.Type {
	case kmip.ObjectTypePrivateKey:
		return cryptography.ParsePrivateKey(k.Content.Format, material.Reveal())
	case kmip.ObjectTypePublicKey:
		return cryptography.ParsePublicKey(k.Content.Format, material.Reveal())
	}
	return cryptography.CertificateKey(material.Reveal())
}

// errType refuses to do something with an object of another type.
func errType(k *usable, doing string) error {
	return kmip.Errorf(kmip.ReasonInvalidField, "a %s cannot %s", k.Type, doing).In2(kmip.ReasonInvalidObjectType)
}

// spend takes from the key's Usage Limits what has been protected with it. That is durable
// before the client gets the result, and exact: nobody else changes the object meanwhile.
func (s *Server) spend(r *request, id string, bytes, objects int64) error {
	if _, limited := s.lookup(r, id).UsageLimits(); !limited {
		return nil
	}
	// A reader may have a key wrapped, and uses up nothing that its group shares.
	if err := permitted(r.who, kmip.OpEncrypt); err != nil {
		return kmip.Errorf(kmip.ReasonPermissionDenied, "the key has Usage Limits, and the role of this client, %s, may not use them up", r.who.Role)
	}
	if err := s.ready(); err != nil {
		return err
	}
	_, err := s.change(r, id, func(o *object.Object) error {
		changed, err := o.Spend(bytes, objects, r.now)
		if err == nil && !changed {
			return errNothing
		}
		return err
	})
	return err
}
