package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// DeriveKeyRequest has the server make a Symmetric Key or Secret Data out of objects that it
// keeps (KMIP 1.4, 4.6). The template has to give the Cryptographic Length. There is no ID
// Placeholder in the place of the identifiers.
type DeriveKeyRequest struct {
	ObjectType ObjectType
	// UniqueIdentifiers are the key and, if the parameters have no data, Secret Data in their
	// place.
	UniqueIdentifiers []string
	Method            DerivationMethod
	Parameters        DerivationParameters
	Template          Template
}

// DerivationParameters say how a key is made out of another one (KMIP 1.4, 2.1.13 and 4.6).
// What the message owns is wiped with it.
type DerivationParameters struct {
	Parameters *CryptographicParameters // nil: the object's own
	IV         []byte                   // the Initialization Vector of ENCRYPT
	Data       *secret.Bytes            // the Derivation Data of HMAC and ENCRYPT
	Salt       []byte                   // of PBKDF2
	Iterations int32                    // of PBKDF2
}

// DeriveKeyResponse names the new object. Template holds what the server set of its own
// accord, and is nil where that is nothing.
type DeriveKeyResponse struct {
	UniqueIdentifier string
	Template         *Template
}

// Operation is Derive Key.
func (*DeriveKeyRequest) Operation() Operation { return OpDeriveKey }

// Operation is Derive Key.
func (*DeriveKeyResponse) Operation() Operation { return OpDeriveKey }

// Encode appends the payload's fields.
func (p *DeriveKeyRequest) Encode(w *ttlv.Writer, v Version) {
	w.Enumeration(TagObjectType, uint32(p.ObjectType))
	for _, id := range p.UniqueIdentifiers {
		w.TextString(TagUniqueIdentifier, id)
	}
	w.Enumeration(TagDerivationMethod, uint32(p.Method))
	p.Parameters.encode(w)
	p.Template.encode(w, v)
}

// Decode reads the payload's fields.
func (p *DeriveKeyRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch asOf1(r.Tag()) {
		case TagObjectType:
			p.ObjectType = ObjectType(r.Enumeration())
		case TagUniqueIdentifier:
			p.UniqueIdentifiers = append(p.UniqueIdentifiers, r.TextString())
		case TagDerivationMethod:
			p.Method = DerivationMethod(r.Enumeration())
		case TagDerivationParameters:
			p.Parameters.decode(r)
		case TagTemplateAttribute:
			p.Template = decodeTemplate(r)
		default:
			r.Unexpected()
		}
	}
}

func (d *DerivationParameters) encode(w *ttlv.Writer) {
	m := w.Begin(TagDerivationParameters)
	d.Parameters.encode(w)
	writeBytes(w, TagInitializationVector, d.IV)
	if d.Data != nil {
		w.ByteString(TagDerivationData, d.Data.Reveal())
	}
	writeBytes(w, TagSalt, d.Salt)
	if d.Iterations != 0 {
		w.Integer(TagIterationCount, d.Iterations)
	}
	w.End(m)
}

func (d *DerivationParameters) decode(r *ttlv.Reader) {
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagCryptographicParameters:
			d.Parameters = decodeParameters(s)
		case TagInitializationVector:
			d.IV = bytes.Clone(s.ByteString())
		case TagDerivationData:
			d.Data.Wipe()
			d.Data = secret.Copy(s.ByteString())
		case TagSalt:
			d.Salt = bytes.Clone(s.ByteString())
		case TagIterationCount:
			d.Iterations = s.Integer()
		default:
			s.Unexpected()
		}
	}
}

// Encode appends the payload's fields.
func (p *DeriveKeyResponse) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	encodeTemplate(w, v, p.Template)
}

// Decode reads the payload's fields.
func (p *DeriveKeyResponse) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Template = decodeNewObject(r)
}
