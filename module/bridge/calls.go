package bridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// MaxNameSize is the longest key id and the longest owner in bytes that may be
// stored: performance_schema reads both into buffers of 256 bytes.
const MaxNameSize = 255

var (
	errNotLoaded   = errors.New("the keyring is not loaded; the error log says why")
	errBroken      = errors.New("the keyring takes no more calls after a fault in dbkeyring; the error log has it")
	errTooSmall    = errors.New("the buffer is too small")
	errUnsupported = errors.New("this keyring cannot do that")
)

// Sizes are the lengths of a key's bytes and of its type.
type Sizes struct{ Data, Type int }

// Fetch copies the key's bytes and its type into the caller's buffers. TooSmall:
// nothing was copied, and the sizes are what is needed.
func (b *Bridge) Fetch(h Handle, id keyring.ID, data, typ []byte) (sizes Sizes, code Code) {
	code = b.do(h, "fetch", id, func(ctx context.Context, k keyring.Keyring) error {
		key, err := k.Fetch(ctx, id)
		if err != nil {
			return err
		}
		defer key.Wipe()
		sizes = Sizes{key.Data.Len(), len(key.Type)}
		if sizes.Data > len(data) || sizes.Type > len(typ) {
			return errTooSmall
		}
		copy(data, key.Data.Reveal())
		copy(typ, key.Type)
		return nil
	})
	return sizes, code
}

// Store keeps a key. data stays the caller's.
func (b *Bridge) Store(h Handle, id keyring.ID, typ string, data []byte) Code {
	return b.do(h, "store", id, func(ctx context.Context, k keyring.Keyring) error {
		if err := check("store", id, typ, len(data)); err != nil {
			return err
		}
		key := keyring.Key{Type: typ, Data: secret.Copy(data)}
		defer key.Wipe()
		return k.Store(ctx, id, key)
	})
}

// Generate makes a random key of size bytes and keeps it.
func (b *Bridge) Generate(h Handle, id keyring.ID, typ string, size int) Code {
	return b.do(h, "generate", id, func(ctx context.Context, k keyring.Keyring) error {
		if err := check("generate", id, typ, size); err != nil {
			return err
		}
		return k.Generate(ctx, id, typ, size)
	})
}

// Remove deletes a key. NotFound: there was none.
func (b *Bridge) Remove(h Handle, id keyring.ID) Code {
	return b.do(h, "remove", id, func(ctx context.Context, k keyring.Keyring) error {
		if id.Name == "" {
			return keyring.E("remove", id, keyring.ErrInvalid, errors.New("the key id is empty"))
		}
		return k.Remove(ctx, id)
	})
}

// NativeID copies the name that the key's keeper has for the key. Unsupported:
// this keyring has no such names.
func (b *Bridge) NativeID(h Handle, id keyring.ID, out []byte) (size int, code Code) {
	code = b.do(h, "look up", id, func(ctx context.Context, k keyring.Keyring) error {
		n, ok := k.(keyring.NativeIDer)
		if !ok {
			return errUnsupported
		}
		name, err := n.NativeID(ctx, id)
		if err != nil {
			return err
		}
		if size = len(name); size > len(out) {
			return errTooSmall
		}
		copy(out, name)
		return nil
	})
	return size, code
}

// Ready says whether the keyring is loaded and takes calls.
func (b *Bridge) Ready(h Handle) bool {
	in := b.instance(h)
	if in == nil {
		return false
	}
	defer in.flush()
	st := in.current.Load()
	return st != nil && !st.broken.Load()
}

func (b *Bridge) do(h Handle, op string, id keyring.ID, f func(context.Context, keyring.Keyring) error) Code {
	in := b.instance(h)
	if in == nil {
		return Invalid
	}
	defer in.flush()
	return in.do(op, id, f)
}

// check refuses what no database may keep in any keyring.
func check(op string, id keyring.ID, typ string, size int) error {
	var faults []error
	switch {
	case id.Name == "":
		faults = append(faults, errors.New("the key id is empty"))
	case len(id.Name) > MaxNameSize:
		faults = append(faults, fmt.Errorf("the key id has %d bytes, at most %d can be kept", len(id.Name), MaxNameSize))
	}
	if len(id.Owner) > MaxNameSize {
		faults = append(faults, fmt.Errorf("the key's owner has %d bytes, at most %d can be kept", len(id.Owner), MaxNameSize))
	}
	if typ == "" {
		faults = append(faults, errors.New("the key type is empty"))
	}
	if size < 1 || size > keyring.MaxKeySize {
		faults = append(faults, fmt.Errorf("a key has 1 to %d bytes, not %d", keyring.MaxKeySize, size))
	}
	if len(faults) == 0 {
		return nil
	}
	return keyring.E(op, id, keyring.ErrInvalid, errors.Join(faults...))
}
