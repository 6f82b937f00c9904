package keyserver

import (
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// errNoContent: the store has lost the key bytes of an object.
var errNoContent = errors.New("the key store has no content of an object that is not destroyed")

// get gives out an object with its key bytes (KMIP 1.4, 4.11).
func (s *Server) get(r *request, p *kmip.GetRequest) (*kmip.GetResponse, error) {
	o, err := s.find(r, p.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	if o.Type == kmip.ObjectTypeTemplate {
		return getTemplate(r, o, p)
	}
	asRegistered := o.Content.Wrapping != nil && p.KeyWrapType != kmip.KeyNotWrapped
	if err := o.CheckGet(asRegistered || p.Wrapping != nil); err != nil {
		return nil, err
	}
	format := o.Content.Format
	if p.KeyFormat != 0 && p.KeyFormat != format {
		format = p.KeyFormat
		if !canConvert(o.Type, format) {
			return nil, kmip.Errorf(kmip.ReasonKeyFormatTypeNotSupported, "a %s cannot be had in the format %s", o.Type, format)
		}
	}
	if format != o.Content.Format && o.Content.Wrapping != nil {
		return nil, kmip.Errorf(kmip.ReasonKeyFormatTypeNotSupported, "the object was registered wrapped, and can be had in its own format only")
	}
	content, err := s.mustContent(r, o)
	if err == nil {
		content, err = convert(o, format, content)
	}
	if err != nil {
		return nil, err
	}
	out := assemble(o, format, content)
	switch {
	case p.Wrapping != nil:
		err = s.wrap(r, o, &out.KeyBlock, p.Wrapping)
	case o.Content.Wrapping != nil && !asRegistered:
		_, err = s.unwrap(r, &out.KeyBlock)
	}
	if err != nil {
		out.Wipe()
		return nil, err
	}
	if o.Fresh {
		messageOf(r.Call).serve(o.ID)
	}
	return &kmip.GetResponse{ObjectType: o.Type, UniqueIdentifier: o.ID, Object: out}, nil
}

// mustContent reads the key bytes of an object that has some, which is what counts as a
// use of it.
func (s *Server) mustContent(r *request, o *object.Object) (*secret.Bytes, error) {
	content, ok, err := s.content(r, o.ID)
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", o.ID, err)
	}
	if !ok {
		if now := s.lookup(r, o.ID); now.Destroyed() {
			return nil, now.CheckGet(false) // between our looking and our reading
		}
		return nil, fmt.Errorf("object %s: %w", o.ID, errNoContent)
	}
	s.usage.Note(o.ID, r.who.Name, r.now)
	return content, nil
}

// canConvert says whether objects of the type can be had and registered in a
// format. The bytes are the same in all of them, but for asymmetric keys.
func canConvert(t kmip.ObjectType, f kmip.KeyFormatType) bool {
	switch t {
	case kmip.ObjectTypePrivateKey, kmip.ObjectTypePublicKey:
		return true // convert tells
	case kmip.ObjectTypeCertificate:
		return f == kmip.KeyFormatX509
	}
	switch f {
	case kmip.KeyFormatRaw, kmip.KeyFormatOpaque:
		return t == kmip.ObjectTypeSymmetricKey || t == kmip.ObjectTypeSecretData
	case kmip.KeyFormatTransparentSymmetricKey:
		return t == kmip.ObjectTypeSymmetricKey
	}
	return false
}

// assemble makes the object that Get gives out; it owns content.
func assemble(o *object.Object, format kmip.KeyFormatType, content *secret.Bytes) kmip.Object {
	switch o.Type {
	case kmip.ObjectTypeOpaqueObject:
		return kmip.OpaqueObject(o.Content.OpaqueDataType, content)
	case kmip.ObjectTypeCertificate:
		return kmip.Object{Type: o.Type, CertificateType: o.Content.CertificateType, CertificateValue: content}
	}
	return kmip.Object{Type: o.Type, SecretDataType: o.Content.SecretDataType, Split: o.Content.Split, PGPKeyVersion: o.Content.PGPKeyVersion, KeyBlock: kmip.KeyBlock{
		Format: format, Material: content, Algorithm: o.Content.Algorithm, Length: o.Content.Length, Attributes: o.Content.Attributes,
		Wrapping: o.Content.Wrapping,
	}}
}
