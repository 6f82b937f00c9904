package cryptography

import (
	"github.com/dbkeyring/dbkeyring/internal/keywrap"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// keyWrap is a Job of NISTKeyWrap (RFC 3394) or AESKeyWrapPadding (RFC 5649).
type keyWrap struct {
	held
	key     *secret.Bytes
	padded  bool
	encrypt bool
}

func (c *Cipher) wraps() bool {
	return c.p.Mode == kmip.ModeNISTKeyWrap || c.p.Mode == kmip.ModeAESKeyWrapPadding
}

func (c *Cipher) newKeyWrap(encrypt bool) *keyWrap {
	return &keyWrap{key: secret.Copy(c.key), padded: c.p.Mode == kmip.ModeAESKeyWrapPadding, encrypt: encrypt}
}

func (k *keyWrap) Final(data []byte) (*secret.Bytes, error) {
	all, err := k.join(data)
	if err != nil {
		return nil, err
	}
	defer all.Wipe()
	if k.encrypt {
		wrap := keywrap.Wrap
		if k.padded {
			wrap = keywrap.WrapPad
		}
		out, err := wrap(k.key, all)
		if err != nil {
			return nil, invalid("%v", err)
		}
		return secret.Copy(out), nil
	}
	unwrap := keywrap.Unwrap
	if k.padded {
		unwrap = keywrap.UnwrapPad
	}
	out, err := unwrap(k.key, all.Reveal())
	if err != nil {
		return nil, ErrCryptography
	}
	return out, nil
}

func (k *keyWrap) Wipe() {
	k.held.Wipe()
	k.key.Wipe()
}
