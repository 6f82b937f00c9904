package keyserver

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// encrypt encrypts data with a key that does not leave the server (KMIP 1.2, 4.29). The
// key has to be Active, within its dates, and meant for it.
func (s *Server) encrypt(r *request, p *kmip.EncryptRequest) (*kmip.EncryptResponse, error) {
	if !p.Single() {
		return nil, errParts
	}
	job, err := s.cipherJob(r, p.UniqueIdentifier, p.Parameters, kmip.UsageEncrypt)
	if err != nil {
		return nil, err
	}
	defer job.key.Wipe()
	response := &kmip.EncryptResponse{UniqueIdentifier: job.id}
	iv := p.IV
	if iv == nil {
		iv = make([]byte, job.ivSize())
		if _, err := rand.Read(iv); err != nil {
			return nil, err
		}
		response.IV = iv
	}
	if err := job.check(iv, p.AdditionalData); err != nil {
		return nil, err
	}
	if job.Mode == kmip.ModeGCM {
		aead, err := job.gcm()
		if err != nil {
			return nil, err
		}
		sealed := aead.Seal(nil, iv, p.Data.Reveal(), p.AdditionalData)
		response.Data, response.Tag = secret.Copy(sealed[:p.Data.Len()]), sealed[p.Data.Len():]
		return response, nil
	}
	response.Data, err = job.sealCBC(iv, p.Data)
	return response, err
}

// decrypt decrypts data (KMIP 1.2, 4.30). The key may be Deactivated or Compromised: there
// may still be data under it.
func (s *Server) decrypt(r *request, p *kmip.DecryptRequest) (*kmip.DecryptResponse, error) {
	if !p.Single() {
		return nil, errParts
	}
	job, err := s.cipherJob(r, p.UniqueIdentifier, p.Parameters, kmip.UsageDecrypt)
	if err != nil {
		return nil, err
	}
	defer job.key.Wipe()
	if err := job.check(p.IV, p.AdditionalData); err != nil {
		return nil, err
	}
	response := &kmip.DecryptResponse{UniqueIdentifier: job.id}
	if job.Mode == kmip.ModeCBC {
		response.Data, err = job.openCBC(p.IV, p.Data)
		return response, err
	}
	if len(p.Tag) != int(job.TagLength) {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "the Authenticated Encryption Tag has %d bytes, and the Tag Length is %d", len(p.Tag), job.TagLength)
	}
	aead, err := job.gcm()
	if err != nil {
		return nil, err
	}
	response.Data = secret.New(p.Data.Len())
	sealed := append(append([]byte(nil), p.Data.Reveal()...), p.Tag...)
	if _, err := aead.Open(response.Data.Reveal()[:0], p.IV, sealed, p.AdditionalData); err != nil {
		response.Data.Wipe()
		return nil, errDecrypt
	}
	return response, nil
}

var errParts = kmip.Errorf(kmip.ReasonFeatureNotSupported, "data in several parts is not supported: send it in one request")

// errDecrypt does not tell what is wrong: padding, tag or key.
var errDecrypt = kmip.Errorf(kmip.ReasonCryptographicFailure, "the data cannot be decrypted with this key and these parameters")

// cipherJob is a key and what is done with it.
type cipherJob struct {
	kmip.CryptographicParameters
	id  string
	key *secret.Bytes
}

// cipherJob finds the key, and says whether it may be used so.
func (s *Server) cipherJob(r *request, id string, p *kmip.CryptographicParameters, use kmip.UsageMask) (*cipherJob, error) {
	if !r.Version.AtLeast(kmip.V1_2) {
		return nil, kmip.Errorf(kmip.ReasonOperationNotSupported, "KMIP %s has no such operation", r.Version)
	}
	o, err := s.find(r, id)
	if err != nil {
		return nil, err
	}
	if err := ownerOnly(r, "use a key"); err != nil {
		return nil, err
	}
	if err := o.CheckUse(use, r.now); err != nil {
		return nil, err
	}
	job := &cipherJob{id: o.ID}
	if err := job.parameters(o, p, r.Version); err != nil {
		return nil, err
	}
	key, ok, err := s.content(r, o.ID)
	if err != nil || !ok {
		return nil, fmt.Errorf("object %s: %w", o.ID, errNoContent)
	}
	job.key = key
	switch key.Len() {
	case 16, 24, 32:
		return job, nil
	}
	defer key.Wipe()
	return nil, kmip.Errorf(kmip.ReasonInvalidField, "an AES key has 16, 24 or 32 bytes, and this one has %d", key.Len())
}

// parameters are the request's, else the object's own.
func (j *cipherJob) parameters(o *object.Object, p *kmip.CryptographicParameters, v kmip.Version) error {
	if p != nil {
		j.CryptographicParameters = *p
	} else if own, ok := o.Attributes.Get(kmip.AttrCryptographicParameters); ok {
		var err error
		if j.CryptographicParameters, err = kmip.ParseCryptographicParameters(own); err != nil {
			return kmip.Errorf(kmip.ReasonInvalidField, "the object's Cryptographic Parameters: %v", err)
		}
	}
	if o.Type != kmip.ObjectTypeSymmetricKey || o.Content.Algorithm != kmip.AlgorithmAES || j.Algorithm != 0 && j.Algorithm != kmip.AlgorithmAES {
		return kmip.Errorf(kmip.ReasonInvalidField, "data are encrypted with Symmetric Keys of the algorithm AES only")
	}
	switch {
	case j.Mode == kmip.ModeCBC && (j.Padding == 0 || j.Padding == kmip.PaddingNone || j.Padding == kmip.PaddingPKCS5):
		return nil
	case j.Mode == kmip.ModeGCM && !v.AtLeast(kmip.V1_4):
		return kmip.Errorf(kmip.ReasonInvalidField, "Block Cipher Mode GCM needs KMIP 1.4: before it there is no field for the tag")
	case j.Mode == kmip.ModeGCM && (j.Padding == 0 || j.Padding == kmip.PaddingNone):
		if j.TagLength == 0 {
			j.TagLength = 16
		}
		if j.TagLength < 12 || j.TagLength > 16 {
			return kmip.Errorf(kmip.ReasonInvalidField, "the Tag Length is %d; it may be 12 to 16", j.TagLength)
		}
		return nil
	case j.Mode == 0:
		return kmip.Errorf(kmip.ReasonInvalidField, "there are no Cryptographic Parameters with a Block Cipher Mode, neither in the request nor of the object")
	}
	return kmip.Errorf(kmip.ReasonInvalidField, "Block Cipher Mode %d with Padding Method %d is not supported: CBC with PKCS5 or none, and GCM are", j.Mode, j.Padding)
}

func (j *cipherJob) ivSize() int {
	if j.Mode == kmip.ModeGCM {
		return 12
	}
	return aes.BlockSize
}

// check looks at what comes with the data.
func (j *cipherJob) check(iv, additional []byte) error {
	if len(iv) != j.ivSize() {
		return kmip.Errorf(kmip.ReasonInvalidField, "the IV/Counter/Nonce has %d bytes; this mode needs %d", len(iv), j.ivSize())
	}
	if additional != nil && j.Mode != kmip.ModeGCM {
		return kmip.Errorf(kmip.ReasonInvalidField, "Authenticated Encryption Additional Data go with GCM only")
	}
	return nil
}

func (j *cipherJob) gcm() (cipher.AEAD, error) {
	block, err := aes.NewCipher(j.key.Reveal())
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithTagSize(block, int(j.TagLength))
}

func (j *cipherJob) sealCBC(iv []byte, data *secret.Bytes) (*secret.Bytes, error) {
	block, err := aes.NewCipher(j.key.Reveal())
	if err != nil {
		return nil, err
	}
	size, pad := data.Len(), 0
	if j.Padding == kmip.PaddingPKCS5 {
		pad = aes.BlockSize - size%aes.BlockSize
	} else if size%aes.BlockSize != 0 {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "the data have %d bytes: without padding that has to be a multiple of %d", size, aes.BlockSize)
	}
	out := secret.New(size + pad)
	text := out.Reveal()
	copy(text, data.Reveal())
	for i := size; i < size+pad; i++ {
		text[i] = byte(pad)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	return out, nil
}

func (j *cipherJob) openCBC(iv []byte, data *secret.Bytes) (*secret.Bytes, error) {
	block, err := aes.NewCipher(j.key.Reveal())
	if err != nil {
		return nil, err
	}
	size := data.Len()
	if size%aes.BlockSize != 0 || size == 0 && j.Padding == kmip.PaddingPKCS5 {
		return nil, errDecrypt
	}
	out := data.Clone()
	text := out.Reveal()
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
	if j.Padding != kmip.PaddingPKCS5 {
		return out, nil
	}
	defer out.Wipe()
	pad := int(text[size-1])
	good := 1
	if pad < 1 || pad > aes.BlockSize {
		pad, good = 1, 0
	}
	for _, b := range text[size-pad:] {
		good &= subtle.ConstantTimeByteEq(b, byte(pad))
	}
	if good != 1 {
		return nil, errDecrypt
	}
	return secret.Copy(text[:size-pad]), nil
}
