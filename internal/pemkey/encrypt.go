package pemkey

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"

	"github.com/dbkeyring/dbkeyring/secret"
)

// iterations of PBKDF2 in what EncodeEncrypted writes. The password lies beside
// the key, so that more would only delay each start of a database.
const iterations = 100_000

// EncodeEncrypted returns a private key as encrypted PKCS#8 in PEM form: PBES2
// with PBKDF2, HMAC-SHA-256 and AES-256-CBC (RFC 8018), which openssl reads.
func EncodeEncrypted(key crypto.Signer, password *secret.Bytes) ([]byte, error) {
	if password.Len() == 0 {
		return nil, errors.New("the password is empty")
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	salt, iv := make([]byte, 16), make([]byte, aes.BlockSize)
	rand.Read(salt) // never fails
	rand.Read(iv)
	derived, err := pbkdf2.Key(sha256.New, string(password.Reveal()), salt, iterations, 32)
	if err != nil {
		secret.Wipe(der)
		return nil, err
	}
	defer secret.Wipe(derived)
	block, err := aes.NewCipher(derived)
	if err != nil {
		secret.Wipe(der)
		return nil, err
	}
	pad := aes.BlockSize - len(der)%aes.BlockSize
	padded := make([]byte, len(der)+pad)
	copy(padded, der)
	secret.Wipe(der)
	for i := len(der); i < len(padded); i++ {
		padded[i] = byte(pad)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	text, err := wrapPBES2(salt, iv, padded)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: labelEncryptedPKCS8, Bytes: text}), nil
}

// wrapPBES2 is the inverse of decryptPKCS8's parsing.
func wrapPBES2(salt, iv, data []byte) ([]byte, error) {
	kdf, err := asn1.Marshal(pbkdf2Params{Salt: salt, Iterations: iterations, PRF: pkix.AlgorithmIdentifier{Algorithm: oidHMACSHA256, Parameters: asn1.NullRawValue}})
	if err != nil {
		return nil, err
	}
	ivText, err := asn1.Marshal(iv)
	if err != nil {
		return nil, err
	}
	params, err := asn1.Marshal(pbes2Params{
		KDF:    pkix.AlgorithmIdentifier{Algorithm: oidPBKDF2, Parameters: asn1.RawValue{FullBytes: kdf}},
		Cipher: pkix.AlgorithmIdentifier{Algorithm: oidAES256CBC, Parameters: asn1.RawValue{FullBytes: ivText}},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(encryptedPrivateKeyInfo{
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidPBES2, Parameters: asn1.RawValue{FullBytes: params}}, Data: data,
	})
}
