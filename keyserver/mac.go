package keyserver

import (
	"hash"

	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// hashing is work of MAC, MAC Verify and Hash.
type hashing struct{ hash.Hash }

// Wipe implements work: Go's hashes have nothing to wipe that can be reached.
func (h hashing) Wipe() { h.Reset() }

// hash takes a part of the data.
func (u *unfinished) hash(data *secret.Bytes) (hash.Hash, error) {
	h := u.work.(hashing)
	if data == nil && u.first && u.last {
		return nil, kmip.Errorf(kmip.ReasonMissingData, "there are no Data")
	}
	h.Write(data.Reveal()) // never fails
	return h, nil
}

// mac makes a message authentication code with a key that does not leave the server (KMIP
// 1.2, 4.33).
func (s *Server) mac(r *request, p *kmip.MACRequest) (response *kmip.MACResponse, err error) {
	u, err := s.begin(r, operation{p.Operation(), p.Part, p.UniqueIdentifier, p.Parameters, kmip.UsageMACGenerate, s.startMAC(r)})
	if err != nil {
		return nil, err
	}
	response = &kmip.MACResponse{UniqueIdentifier: u.id}
	defer func() { response.Correlation = u.end(&err) }()
	h, err := u.hash(p.Data)
	if err != nil {
		return response, err
	}
	if u.last {
		response.MACData = h.Sum(nil)
	}
	err = s.spend(r, u.id, int64(p.Data.Len()), u.objects())
	return response, err
}

// macVerify checks a message authentication code (KMIP 1.2, 4.34). A wrong one is no failure.
func (s *Server) macVerify(r *request, p *kmip.MACVerifyRequest) (response *kmip.MACVerifyResponse, err error) {
	u, err := s.begin(r, operation{p.Operation(), p.Part, p.UniqueIdentifier, p.Parameters, kmip.UsageMACVerify, s.startMAC(r)})
	if err != nil {
		return nil, err
	}
	response = &kmip.MACVerifyResponse{UniqueIdentifier: u.id}
	defer func() { response.Correlation = u.end(&err) }()
	h, err := u.hash(p.Data)
	if err != nil {
		return response, err
	}
	if u.last {
		if p.MACData == nil {
			err = kmip.Errorf(kmip.ReasonMissingData, "there are no MAC Data")
			return response, err
		}
		response.Validity = validity(cryptography.VerifyMAC(h, p.MACData))
	}
	return response, err
}

func (s *Server) startMAC(r *request) func(*usable) (work, error) {
	return func(k *usable) (work, error) {
		if k.Type != kmip.ObjectTypeSymmetricKey {
			return nil, errType(k, "make a message authentication code")
		}
		key, err := s.mustContent(r, k.Object)
		if err != nil {
			return nil, err
		}
		defer key.Wipe()
		h, err := cryptography.NewMAC(k.parameters, k.Content.Algorithm, key.Reveal())
		if err != nil {
			return nil, err
		}
		return hashing{h}, nil
	}
}
