package pemkey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // openssl rsa -des3 still makes such files
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // PBKDF2's default of RFC 8018
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"

	"github.com/dbkeyring/dbkeyring/secret"
)

// maxIterations bounds the time that a hostile file can cost, to a few seconds.
// openssl's default is 2,048, today's advice 600,000.
const maxIterations = 5_000_000

// Object identifiers of RFC 8018, appendix C, and of NIST for AES.
var (
	oidPBES2        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt       = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidHMACSHA1     = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACSHA256   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACSHA384   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	oidHMACSHA512   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}
	oidAES128CBC    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidAES192CBC    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}
	oidAES256CBC    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidDESEDE3CBC   = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
	convertPKCS8Tip = "openssl pkcs8 -topk8 -v2 aes-256-cbc converts it"
)

// encryptedPrivateKeyInfo is RFC 5208, section 6.
type encryptedPrivateKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// pbes2Params is RFC 8018, A.4.
type pbes2Params struct {
	KDF    pkix.AlgorithmIdentifier
	Cipher pkix.AlgorithmIdentifier
}

// pbkdf2Params is RFC 8018, A.2.
type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"` // absent: HMAC with SHA-1
}

// decryptPKCS8 returns the PKCS#8 key inside an encrypted one. The caller wipes it.
func decryptPKCS8(der, password []byte, maxIter int) ([]byte, error) {
	var info encryptedPrivateKeyInfo
	var params pbes2Params
	if err := unmarshal(der, &info); err != nil {
		return nil, err
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, unsupported("encrypted by algorithm %v, not PBES2", info.Algorithm.Algorithm)
	}
	if err := unmarshal(info.Algorithm.Parameters.FullBytes, &params); err != nil {
		return nil, err
	}
	size, newCipher, err := cipherOf(params.Cipher.Algorithm)
	if err != nil {
		return nil, err
	}
	var iv []byte
	if err := unmarshal(params.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	key, err := deriveKey(params.KDF, password, size, maxIter)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(key)
	block, err := newCipher(key)
	if err != nil {
		return nil, &Error{Kind: ErrDamaged, Detail: err.Error()}
	}
	return decryptCBC(block, iv, info.Data)
}

func cipherOf(oid asn1.ObjectIdentifier) (keySize int, newCipher func([]byte) (cipher.Block, error), err error) {
	switch {
	case oid.Equal(oidAES128CBC):
		return 16, aes.NewCipher, nil
	case oid.Equal(oidAES192CBC):
		return 24, aes.NewCipher, nil
	case oid.Equal(oidAES256CBC):
		return 32, aes.NewCipher, nil
	case oid.Equal(oidDESEDE3CBC):
		return 24, des.NewTripleDESCipher, nil
	}
	return 0, nil, unsupported("cipher %v", oid)
}

func deriveKey(kdf pkix.AlgorithmIdentifier, password []byte, size, maxIter int) ([]byte, error) {
	switch {
	case kdf.Algorithm.Equal(oidScrypt):
		return nil, unsupported("its password goes through scrypt")
	case !kdf.Algorithm.Equal(oidPBKDF2):
		return nil, unsupported("key derivation %v", kdf.Algorithm)
	}
	var params pbkdf2Params
	if err := unmarshal(kdf.Parameters.FullBytes, &params); err != nil {
		return nil, err
	}
	if params.Iterations < 1 || params.KeyLength != 0 && params.KeyLength != size {
		return nil, &Error{Kind: ErrDamaged, Detail: "impossible PBKDF2 parameters"}
	}
	if params.Iterations > maxIter {
		return nil, unsupported("%d iterations of PBKDF2, the most is %d", params.Iterations, maxIter)
	}
	var prf func() hash.Hash
	switch oid := params.PRF.Algorithm; {
	case oid == nil, oid.Equal(oidHMACSHA1):
		prf = sha1.New
	case oid.Equal(oidHMACSHA256):
		prf = sha256.New
	case oid.Equal(oidHMACSHA384):
		prf = sha512.New384
	case oid.Equal(oidHMACSHA512):
		prf = sha512.New
	default:
		return nil, unsupported("PBKDF2 with %v", oid)
	}
	key, err := pbkdf2.Key(prf, string(password), params.Salt, params.Iterations, size)
	if err != nil {
		return nil, &Error{Kind: ErrUnsupported, Detail: err.Error()}
	}
	return key, nil
}

// decryptCBC decrypts and takes the padding off (RFC 8018, 6.1.1). There is no
// padding oracle to fear: who sees the answer has the file and the password.
func decryptCBC(block cipher.Block, iv, data []byte) ([]byte, error) {
	n := block.BlockSize()
	if len(iv) != n || len(data) == 0 || len(data)%n != 0 {
		return nil, &Error{Kind: ErrDamaged, Detail: "the encrypted part was cut off"}
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	ok := pad >= 1 && pad <= n
	for i := 1; ok && i <= pad; i++ {
		ok = plain[len(plain)-i] == byte(pad)
	}
	if !ok {
		secret.Wipe(plain)
		return nil, &Error{Kind: ErrWrongPassword}
	}
	return plain[:len(plain)-pad], nil
}

func unmarshal(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err != nil {
		return &Error{Kind: ErrDamaged, Detail: err.Error()}
	}
	if len(rest) != 0 {
		return &Error{Kind: ErrDamaged, Detail: "trailing data"}
	}
	return nil
}

func unsupported(format string, args ...any) error {
	return &Error{Kind: ErrUnsupported, Detail: fmt.Sprintf(format, args...) + "; " + convertPKCS8Tip}
}
