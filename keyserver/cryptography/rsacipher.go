package cryptography

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// rsaJob is a Job of RSA, which takes less data than its modulus is long.
type rsaJob struct {
	held
	key     *Key
	encrypt bool
	oaep    *rsa.OAEPOptions // nil: PKCS#1 v1.5
}

// NewRSAJob begins to encrypt with a public key, or to decrypt with a private one (RFC 8017,
// 7). The job wipes the key, which is the caller's only after an error. The Mask Generator Hashing Algorithm of OAEP is SHA-1 unless it
// is given (KMIP 1.4, 3.6).
func NewRSAJob(p kmip.CryptographicParameters, key *Key, encrypt bool) (Job, error) {
	switch {
	case key.Algorithm() != kmip.AlgorithmRSA:
		return nil, invalid("data cannot be encrypted with a key of the algorithm %s", key.Algorithm())
	case p.Algorithm != 0 && p.Algorithm != kmip.AlgorithmRSA:
		return nil, invalid("the Cryptographic Algorithm of the parameters is %s, that of the key %s", p.Algorithm, key.Algorithm())
	case p.Mode != 0:
		return nil, invalid("RSA has no Block Cipher Mode %s", p.Mode)
	}
	j := &rsaJob{key: key, encrypt: encrypt}
	switch p.Padding {
	case kmip.PaddingPKCS1v1_5:
		return j, nil
	case kmip.PaddingOAEP:
		var err error
		if j.oaep, err = oaepOptions(p); err != nil {
			return nil, err
		}
		return j, nil
	case 0:
		return nil, invalid("there are no Cryptographic Parameters with a Padding Method (OAEP or PKCS1 v1.5), neither in the request nor of the object")
	}
	return nil, invalid("the Padding Method %s does not go with RSA", p.Padding)
}

func oaepOptions(p kmip.CryptographicParameters) (*rsa.OAEPOptions, error) {
	if p.MaskGenerator != 0 && p.MaskGenerator != kmip.MaskMGF1 {
		return nil, invalid("the Mask Generator %s is not supported", p.MaskGenerator)
	}
	o := &rsa.OAEPOptions{MGFHash: crypto.SHA1, Label: p.PSource}
	var err error
	if o.Hash, err = hashOf(p.Hash); err != nil {
		return nil, err
	}
	if p.MaskHash != 0 {
		o.MGFHash, err = hashOf(p.MaskHash)
	}
	return o, err
}

// Final implements Job.
func (j *rsaJob) Final(data []byte) (*secret.Bytes, error) {
	all, err := j.join(data)
	if err != nil {
		return nil, err
	}
	defer all.Wipe()
	if j.encrypt {
		return j.seal(all.Reveal())
	}
	return j.open(all.Reveal())
}

func (j *rsaJob) seal(text []byte) (*secret.Bytes, error) {
	key := j.key.public.(*rsa.PublicKey)
	var out []byte
	var err error
	if j.oaep != nil {
		out, err = rsa.EncryptOAEPWithOptions(rand.Reader, key, text, j.oaep)
	} else {
		out, err = rsa.EncryptPKCS1v15(rand.Reader, key, text)
	}
	switch {
	case errors.Is(err, rsa.ErrMessageTooLong):
		return nil, invalid("the data have %d bytes, which is too much for this key and padding", len(text))
	case err != nil:
		return nil, ErrCryptography
	}
	return secret.Copy(out), nil
}

func (j *rsaJob) open(data []byte) (*secret.Bytes, error) {
	key, ok := j.key.private.(*rsa.PrivateKey)
	if !ok {
		return nil, invalid("Decrypt needs the private key")
	}
	var out []byte
	var err error
	if j.oaep != nil {
		out, err = key.Decrypt(nil, data, j.oaep)
	} else {
		out, err = key.Decrypt(nil, data, &rsa.PKCS1v15DecryptOptions{})
	}
	if err != nil {
		return nil, ErrCryptography
	}
	return secret.Take(out), nil
}

// Wipe implements Job.
func (j *rsaJob) Wipe() {
	j.held.Wipe()
	j.key.Wipe()
}
