package backup

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/passphrase"
	"github.com/dbkeyring/dbkeyring/secret"
)

const (
	magic     = "dbkeyring backup"
	version   = 1
	maxHeader = 64 << 10
	sumSize   = 8

	// KeySize is the size of the file key, and of the stream's, in bytes.
	KeySize = 32
)

// What is said about a file that cannot be read.
var (
	// ErrNoBackup: the file is something else.
	ErrNoBackup = errors.New("it is no backup of dbkeyring")
	// ErrVersion: another version of dbkeyring wrote it.
	ErrVersion = errors.New("it has another version")
	// ErrDamaged: bytes were changed, or are missing.
	ErrDamaged = errors.New("it is damaged")
	// ErrKey: the pass phrase, or the private key, is not the one.
	ErrKey = errors.New("it was encrypted with another one")
)

// Header is what can be read without a key.
type Header struct {
	Made time.Time `json:"made"`
	// PassPhrase is set if the file is encrypted under a pass phrase.
	PassPhrase *passphrase.Params `json:"pass_phrase,omitempty"`
	// PublicKey is set if the file is encrypted to a public key: X25519, 32 bytes.
	PublicKey []byte `json:"public_key,omitempty"`
	// FileKey is the encrypted file key.
	FileKey []byte `json:"file_key"`

	sum []byte // of the header as it stands in the file
}

// Lock is what a backup is encrypted under: one of both.
type Lock struct {
	PassPhrase *secret.Bytes
	PublicKey  *ecdh.PublicKey // X25519
}

// Key opens a backup: the one that its header asks for.
type Key struct {
	PassPhrase *secret.Bytes
	PrivateKey *ecdh.PrivateKey // X25519
}

const hpkeInfo = "dbkeyring backup file key"

// NewHeader returns the beginning of a file, and the key for its stream, which
// goes to [NewWriter].
func NewHeader(l Lock, now time.Time) (text []byte, stream *secret.Bytes, err error) {
	h := Header{Made: now.UTC().Truncate(time.Second)}
	file := secret.Random(KeySize)
	defer file.Wipe()
	if l.PublicKey != nil {
		h.PublicKey = l.PublicKey.Bytes()
		to, err := hpke.NewDHKEMPublicKey(l.PublicKey)
		if err != nil {
			return nil, nil, fmt.Errorf("the public key: %w", err)
		}
		if h.FileKey, err = hpke.Seal(to, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(hpkeInfo), file.Reveal()); err != nil {
			return nil, nil, err
		}
	} else {
		p := passphrase.New()
		h.PassPhrase = &p
		gcm, err := phraseCipher(p, l.PassPhrase)
		if err != nil {
			return nil, nil, err
		}
		h.FileKey = gcm.Seal(nil, make([]byte, gcm.NonceSize()), file.Reveal(), nil) // the salt makes the key a new one
	}
	body, err := json.Marshal(h)
	if err != nil {
		return nil, nil, err
	}
	text = append([]byte(magic), 0, version)
	text = binary.BigEndian.AppendUint32(text, uint32(len(body)))
	text = append(text, body...)
	sum := sha256.Sum256(text)
	stream, err = streamKey(file, sum[:])
	return append(text, sum[:sumSize]...), stream, err
}

func phraseCipher(p passphrase.Params, phrase *secret.Bytes) (cipher.AEAD, error) {
	key, err := p.Key(phrase)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	return newGCM(key)
}

func newGCM(key *secret.Bytes) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key.Reveal())
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func streamKey(file *secret.Bytes, sum []byte) (*secret.Bytes, error) {
	key, err := hkdf.Key(sha256.New, file.Reveal(), sum, "dbkeyring backup stream", KeySize)
	return secret.Take(key), err
}

// ReadHeader reads the beginning of a file. ErrNoBackup, ErrVersion, ErrDamaged.
func ReadHeader(r io.Reader) (*Header, error) {
	fixed := make([]byte, len(magic)+2+4)
	n, err := io.ReadFull(r, fixed)
	if !bytes.HasPrefix(fixed[:n], []byte(magic)[:min(n, len(magic))]) || n == 0 && err == io.EOF {
		return nil, ErrNoBackup
	}
	if err != nil {
		return nil, cutOff(err)
	}
	if v := binary.BigEndian.Uint16(fixed[len(magic):]); v != version {
		return nil, fmt.Errorf("%w: %d, and this program knows %d. Use the version of dbkeyring that made it, or a later one", ErrVersion, v, version)
	}
	length := binary.BigEndian.Uint32(fixed[len(magic)+2:])
	if length > maxHeader {
		return nil, fmt.Errorf("%w: its header cannot be of %d bytes", ErrDamaged, length)
	}
	rest := make([]byte, length+sumSize)
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, cutOff(err)
	}
	body := rest[:length]
	sum := sha256.Sum256(append(fixed, body...))
	if !bytes.Equal(sum[:sumSize], rest[length:]) {
		return nil, fmt.Errorf("%w in its header", ErrDamaged)
	}
	h := &Header{sum: sum[:]}
	if err := json.Unmarshal(body, h); err != nil || (h.PassPhrase == nil) == (h.PublicKey == nil) {
		return nil, fmt.Errorf("%w: its header makes no sense", ErrDamaged)
	}
	return h, nil
}

func cutOff(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: it is cut off", ErrDamaged)
	}
	return err
}

// Open returns the key of the stream, for [NewReader]. ErrKey: k is not the one
// that the header asks for.
func (h *Header) Open(k Key) (stream *secret.Bytes, err error) {
	var file *secret.Bytes
	switch {
	case h.PassPhrase != nil && k.PassPhrase != nil:
		gcm, err := phraseCipher(*h.PassPhrase, k.PassPhrase)
		if errors.Is(err, passphrase.ErrShort) {
			return nil, fmt.Errorf("the pass phrase: %w", ErrKey)
		}
		if err != nil {
			return nil, err
		}
		plain, err := gcm.Open(nil, make([]byte, gcm.NonceSize()), h.FileKey, nil)
		if err != nil {
			return nil, fmt.Errorf("the pass phrase: %w", ErrKey)
		}
		file = secret.Take(plain)
	case h.PublicKey != nil && k.PrivateKey != nil:
		with, err := hpke.NewDHKEMPrivateKey(k.PrivateKey)
		if err != nil {
			return nil, err
		}
		plain, err := hpke.Open(with, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(hpkeInfo), h.FileKey)
		if err != nil {
			return nil, fmt.Errorf("the private key: %w", ErrKey)
		}
		file = secret.Take(plain)
	case h.PassPhrase != nil:
		return nil, errors.New("it is encrypted with a pass phrase, and none was given")
	default:
		return nil, errors.New("it is encrypted to a public key, and no private key was given")
	}
	defer file.Wipe()
	return streamKey(file, h.sum)
}
