package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// encrypt encrypts data with a key that does not leave the server (KMIP 1.2, 4.29). The
// key has to be Active, within its dates and its Usage Limits, and meant for it.
func (s *Server) encrypt(r *request, p *kmip.EncryptRequest) (response *kmip.EncryptResponse, err error) {
	response = &kmip.EncryptResponse{}
	u, err := s.begin(r, operation{p.Operation(), p.Part, p.UniqueIdentifier, p.Parameters, kmip.UsageEncrypt, func(k *usable) (w work, err error) {
		w, response.IV, err = s.cipherJob(r, k, p.IV, p.AdditionalData, true)
		return w, err
	}})
	if err != nil {
		return nil, err
	}
	defer func() { response.Correlation = u.end(&err) }()
	response.UniqueIdentifier = u.id
	if response.Data, err = u.crypt(p.Data, p.IV != nil || p.AdditionalData != nil); err != nil {
		return response, err
	}
	if sealed, ok := u.work.(*cryptography.Sealed); ok {
		response.Tag = sealed.Tag
	}
	if err = s.spend(r, u.id, int64(p.Data.Len()), u.objects()); err != nil {
		response.Data.Wipe()
	}
	return response, err
}

// decrypt decrypts data (KMIP 1.2, 4.30). The key may be Deactivated or Compromised: there
// may still be data under it.
func (s *Server) decrypt(r *request, p *kmip.DecryptRequest) (response *kmip.DecryptResponse, err error) {
	u, err := s.begin(r, operation{p.Operation(), p.Part, p.UniqueIdentifier, p.Parameters, kmip.UsageDecrypt, func(k *usable) (work, error) {
		w, _, err := s.cipherJob(r, k, p.IV, p.AdditionalData, false)
		return w, err
	}})
	if err != nil {
		return nil, err
	}
	response = &kmip.DecryptResponse{UniqueIdentifier: u.id}
	defer func() { response.Correlation = u.end(&err) }()
	if sealed, ok := u.work.(*cryptography.Sealed); ok {
		sealed.Tag = p.Tag
	} else if p.Tag != nil {
		err = kmip.Errorf(kmip.ReasonInvalidField, "an Authenticated Encryption Tag goes with authenticated encryption only")
		return response, err
	}
	response.Data, err = u.crypt(p.Data, p.IV != nil || p.AdditionalData != nil)
	return response, err
}

// crypt gives a part to a cryptography.Job. What there is of vector and additional data
// comes with the first.
func (u *unfinished) crypt(data *secret.Bytes, withFirst bool) (*secret.Bytes, error) {
	if withFirst && !u.first {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "the IV/Counter/Nonce and additional data come with the first part of the data")
	}
	if data == nil && u.first && u.last {
		return nil, kmip.Errorf(kmip.ReasonMissingData, "there are no Data")
	}
	job := u.work.(cryptography.Job)
	if u.last {
		return job.Final(data.Reveal())
	}
	return job.Update(data.Reveal())
}

// cipherJob begins to encrypt or to decrypt. made is the vector that the server has made,
// because there was none.
func (s *Server) cipherJob(r *request, k *usable, iv, additional []byte, encrypt bool) (job cryptography.Job, made []byte, err error) {
	switch {
	case k.Type == kmip.ObjectTypeSymmetricKey:
	case encrypt && (k.Type == kmip.ObjectTypePublicKey || k.Type == kmip.ObjectTypeCertificate), !encrypt && k.Type == kmip.ObjectTypePrivateKey:
		if iv != nil || additional != nil {
			return nil, nil, kmip.Errorf(kmip.ReasonInvalidField, "RSA has no IV/Counter/Nonce and no additional data")
		}
		key, err := s.asymmetric(r, k)
		if err != nil {
			return nil, nil, err
		}
		job, err := cryptography.NewRSAJob(k.parameters, key, encrypt)
		if err != nil {
			key.Wipe()
		}
		return job, nil, err
	case encrypt:
		return nil, nil, errType(k, "encrypt")
	default:
		return nil, nil, errType(k, "decrypt")
	}
	key, err := s.mustContent(r, k.Object)
	if err != nil {
		return nil, nil, err
	}
	defer key.Wipe()
	c, err := cryptography.NewCipher(k.parameters, k.Content.Algorithm, key.Reveal())
	if err != nil {
		return nil, nil, err
	}
	if c.Authenticated() && !r.Version.AtLeast(kmip.V1_4) {
		return nil, nil, kmip.Errorf(kmip.ReasonInvalidField, "authenticated encryption needs KMIP 1.4: before it there is no field for the tag")
	}
	if encrypt && iv == nil {
		if made, err = c.NewIV(); err != nil {
			return nil, nil, err
		}
		iv = made
	}
	job, err = c.Job(encrypt, iv, additional)
	return job, made, err
}
