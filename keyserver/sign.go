package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// sign signs data with a private key that does not leave the server (KMIP 1.2, 4.31).
func (s *Server) sign(r *request, p *kmip.SignRequest) (response *kmip.SignResponse, err error) {
	u, err := s.begin(r, operation{p.Operation(), p.Part, p.UniqueIdentifier, p.Parameters, kmip.UsageSign, func(k *usable) (work, error) {
		if k.Type != kmip.ObjectTypePrivateKey {
			return nil, errType(k, "sign")
		}
		return s.signature(r, k)
	}})
	if err != nil {
		return nil, err
	}
	response = &kmip.SignResponse{UniqueIdentifier: u.id}
	defer func() { response.Correlation = u.end(&err) }()
	if err = u.toBeSigned(p.Data, p.DigestedData); err != nil {
		return response, err
	}
	if u.last {
		if response.SignatureData, err = u.work.(*cryptography.Signature).Sign(); err != nil {
			return response, err
		}
	}
	err = s.spend(r, u.id, int64(p.Data.Len()+p.DigestedData.Len()), u.objects())
	return response, err
}

// signatureVerify checks a signature (KMIP 1.2, 4.32). A wrong one is no failure.
func (s *Server) signatureVerify(r *request, p *kmip.SignatureVerifyRequest) (response *kmip.SignatureVerifyResponse, err error) {
	u, err := s.begin(r, operation{p.Operation(), p.Part, p.UniqueIdentifier, p.Parameters, kmip.UsageVerify, func(k *usable) (work, error) {
		if k.Type != kmip.ObjectTypePublicKey && k.Type != kmip.ObjectTypeCertificate {
			return nil, errType(k, "verify a signature")
		}
		return s.signature(r, k)
	}})
	if err != nil {
		return nil, err
	}
	response = &kmip.SignatureVerifyResponse{UniqueIdentifier: u.id}
	defer func() { response.Correlation = u.end(&err) }()
	if err = u.toBeSigned(p.Data, p.DigestedData); err != nil {
		return response, err
	}
	if u.last {
		if p.SignatureData == nil {
			err = kmip.Errorf(kmip.ReasonMissingData, "there are no Signature Data")
			return response, err
		}
		response.Validity = validity(u.work.(*cryptography.Signature).Verify(p.SignatureData))
	}
	return response, err
}

func (s *Server) signature(r *request, k *usable) (work, error) {
	key, err := s.asymmetric(r, k)
	if err != nil {
		return nil, err
	}
	w, err := cryptography.NewSignature(k.parameters, key)
	if err != nil {
		key.Wipe()
		return nil, err
	}
	return w, nil
}

// toBeSigned takes a part of the data, or their hash.
func (u *unfinished) toBeSigned(data, digested *secret.Bytes) error {
	w := u.work.(*cryptography.Signature)
	if digested != nil {
		if !u.first || !u.last || data != nil {
			return kmip.Errorf(kmip.ReasonInvalidField, "Digested Data come in one request, and without Data")
		}
		return w.Digest(digested.Reveal())
	}
	if data == nil && u.first && u.last {
		return kmip.Errorf(kmip.ReasonMissingData, "there are neither Data nor Digested Data")
	}
	return w.Update(data.Reveal())
}

func validity(right bool) kmip.ValidityIndicator {
	if right {
		return kmip.ValidityValid
	}
	return kmip.ValidityInvalid
}
