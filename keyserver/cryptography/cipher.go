package cryptography

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rand"

	"golang.org/x/crypto/chacha20"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// MaxHeld is how much data a Job holds back at most, in bytes: where nothing may come out
// before all of it has been seen.
const MaxHeld = 4 << 20

// Job encrypts or decrypts data that comes in parts. It keeps a copy of the key, in the
// form that the cipher needs, until it is garbage.
type Job interface {
	// Update takes a part and returns what comes out of it, which is nil or the caller's.
	Update(data []byte) (*secret.Bytes, error)
	// Final takes the last part and returns the rest.
	Final(data []byte) (*secret.Bytes, error)
	// Wipe wipes what is held back.
	Wipe()
}

// Cipher is a symmetric key with the parameters that it is used with.
type Cipher struct {
	p     kmip.CryptographicParameters
	block cipher.Block // nil for a stream cipher and for XTS
	key   []byte       // the caller's
}

// NewCipher checks the parameters for a key of the algorithm. The key stays the caller's,
// and has to stay as it is until the Job is made.
func NewCipher(p kmip.CryptographicParameters, alg kmip.CryptographicAlgorithm, key []byte) (*Cipher, error) {
	if p.Algorithm != 0 && p.Algorithm != alg {
		return nil, invalid("the Cryptographic Algorithm of the parameters is %s, that of the key %s", p.Algorithm, alg)
	}
	c := &Cipher{p: p, key: key}
	var err error
	switch alg {
	case kmip.AlgorithmAES:
		err = c.aes()
	case kmip.AlgorithmTripleDES:
		err = c.tripleDES()
	case kmip.AlgorithmChaCha20, kmip.AlgorithmChaCha20Poly1305:
		c.p.Algorithm = alg
		switch {
		case len(key) != chacha20.KeySize:
			err = invalid("a key of %s has %d bytes, and this one has %d", alg, chacha20.KeySize, len(key))
		case p.Mode != 0 && (p.Mode != kmip.ModeAEAD || alg != kmip.AlgorithmChaCha20Poly1305):
			err = invalid("%s has no Block Cipher Mode %s", alg, p.Mode)
		}
	default:
		err = invalid("data cannot be encrypted with a key of the algorithm %s", alg)
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Cipher) aes() (err error) {
	if c.p.Mode == kmip.ModeXTS {
		if len(c.key) != 32 && len(c.key) != 64 {
			return invalid("XTS needs two AES keys of 16 or of 32 bytes, one behind the other, and this key has %d", len(c.key))
		}
		return nil
	}
	if c.block, err = aes.NewCipher(c.key); err != nil {
		return invalid("an AES key has 16, 24 or 32 bytes, and this one has %d", len(c.key))
	}
	return nil
}

func (c *Cipher) tripleDES() (err error) {
	key := c.key
	if len(key) == 16 { // two keys: the first is the third, too
		key = append(append(make([]byte, 0, 24), key...), key[:8]...)
		defer secret.Wipe(key)
	}
	if c.block, err = des.NewTripleDESCipher(key); err != nil {
		return invalid("a 3DES key has 16 or 24 bytes, and this one has %d", len(c.key))
	}
	return nil
}

// check says whether the mode goes with the cipher and with the rest of the parameters.
func (c *Cipher) check() error {
	p := &c.p
	known, _ := pads(p.Padding)
	padded := known && p.Padding != 0 && p.Padding != kmip.PaddingNone
	switch {
	case c.streamCipher():
	case p.Mode == 0:
		return invalid("there are no Cryptographic Parameters with a Block Cipher Mode, neither in the request nor of the object")
	case p.Mode == kmip.ModeECB || p.Mode == kmip.ModeCBC:
		if !known {
			return invalid("the Padding Method %s is not supported with %s", p.Padding, p.Mode)
		}
		return nil
	case p.Mode == kmip.ModeCTR:
		if n := p.CounterLength; n != 0 && (n%8 != 0 || n < 8 || int(n) > min(64, 8*c.block.BlockSize()-8)) {
			return invalid("the Counter Length is %d bits", n)
		}
	case p.Mode == kmip.ModeCFB || p.Mode == kmip.ModeOFB:
	case p.Mode == kmip.ModeXTS:
	case (p.Mode == kmip.ModeGCM || c.wraps()) && c.block.BlockSize() == aes.BlockSize:
	default:
		return invalid("the Block Cipher Mode %s is not supported with this key", p.Mode)
	}
	if padded || !known {
		return invalid("the Padding Method %s does not go with a mode that needs no padding", p.Padding)
	}
	return c.checkTagLength()
}

// checkTagLength sets the length of the tag if there is none, and checks it. The reason
// General Failure is that of the standard's test cases.
func (c *Cipher) checkTagLength() error {
	if !c.Authenticated() {
		return nil
	}
	if c.p.TagLength == 0 {
		c.p.TagLength = 16
	}
	least := int32(12)
	if c.p.Mode != kmip.ModeGCM {
		least = 16
	}
	if c.p.TagLength < least || c.p.TagLength > 16 {
		return kmip.Errorf(kmip.ReasonGeneralFailure, "the Tag Length is %d; it may be %d to 16", c.p.TagLength, least)
	}
	return nil
}

func (c *Cipher) streamCipher() bool {
	return c.p.Algorithm == kmip.AlgorithmChaCha20 || c.p.Algorithm == kmip.AlgorithmChaCha20Poly1305
}

// Authenticated says whether there is a tag.
func (c *Cipher) Authenticated() bool {
	return c.p.Mode == kmip.ModeGCM || c.p.Algorithm == kmip.AlgorithmChaCha20Poly1305
}

// TagSize is the length of the tag, in bytes.
func (c *Cipher) TagSize() int { return int(c.p.TagLength) }

// BlockSize is how many bytes are encrypted together, 1 for a stream cipher.
func (c *Cipher) BlockSize() int {
	switch {
	case c.block != nil:
		return c.block.BlockSize()
	case c.p.Mode == kmip.ModeXTS:
		return aes.BlockSize
	}
	return 1
}

// ivSize is the length that the vector has, in bytes; 0: there is none.
func (c *Cipher) ivSize() int {
	switch {
	case c.streamCipher():
		return chacha20.NonceSize
	case c.p.Mode == kmip.ModeECB || c.wraps():
		return 0
	case c.p.Mode == kmip.ModeCTR && c.p.CounterLength != 0:
		return c.block.BlockSize() - int(c.p.CounterLength/8)
	case c.p.Mode == kmip.ModeXTS:
		return aes.BlockSize
	case c.p.Mode == kmip.ModeGCM:
		return 12
	}
	return c.block.BlockSize()
}

// maxIV is the longest vector of GCM that is taken, in bytes.
const maxIV = 1024

// CheckIV says whether the vector can be one. A missing one has the reason Invalid Message,
// as in the standard's test cases.
func (c *Cipher) CheckIV(iv []byte) error {
	size := c.ivSize()
	switch {
	case iv == nil && size > 0:
		return kmip.Errorf(kmip.ReasonInvalidMessage, "there is no IV/Counter/Nonce, which this mode needs").In2(kmip.ReasonMissingInitializationVector)
	case c.p.Mode == kmip.ModeGCM && len(iv) > 0 && len(iv) <= maxIV:
		return nil
	case len(iv) != size:
		return invalid("the IV/Counter/Nonce has %d bytes; this mode needs %d", len(iv), size)
	}
	return nil
}

// NewIV makes a random vector, nil for a mode that has none.
func (c *Cipher) NewIV() ([]byte, error) {
	size := c.ivSize()
	if size == 0 {
		return nil, nil
	}
	if c.p.FixedFieldLength != 0 || c.p.InvocationFieldLength != 0 {
		return nil, invalid("this server makes random vectors only, without fixed and invocation fields")
	}
	if n := int(c.p.IVLength); n != 0 && n != 8*size {
		if c.p.Mode != kmip.ModeGCM || n%8 != 0 || n < 96 || n > 8*maxIV {
			return nil, invalid("the IV Length is %d bits; this mode needs %d", n, 8*size)
		}
		size = n / 8
	}
	iv := make([]byte, size)
	rand.Read(iv) // never fails
	return iv, nil
}

// Job begins to encrypt or to decrypt. additional and, for decrypting, tag are those of
// authenticated encryption.
func (c *Cipher) Job(encrypt bool, iv, additional []byte) (Job, error) {
	if err := c.CheckIV(iv); err != nil {
		return nil, err
	}
	if additional != nil && !c.Authenticated() {
		return nil, invalid("Authenticated Encryption Additional Data go with authenticated encryption only")
	}
	var job Job
	var err error
	switch {
	case c.Authenticated():
		job, err = c.newSealed(encrypt, iv, additional)
	case c.p.Mode == kmip.ModeXTS:
		job, err = newXTS(c.key, encrypt, iv)
	case c.wraps():
		job = c.newKeyWrap(encrypt)
	case c.p.Mode == kmip.ModeECB || c.p.Mode == kmip.ModeCBC:
		job = c.newBlocks(encrypt, iv)
	default:
		job, err = c.newKeyStream(encrypt, iv)
	}
	if err != nil {
		return nil, err // no pointer of nil, which would look like a Job
	}
	return job, nil
}
