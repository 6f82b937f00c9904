package rootkey

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyserver/passphrase"
	"github.com/dbkeyring/dbkeyring/secret"
)

// PassPhrase is the [Source] of root keys that are made of a pass phrase.
type PassPhrase struct {
	// Ask returns the pass phrase of a directory that is opened.
	Ask func() (*secret.Bytes, error)
}

// Open implements [Source]. A wrong pass phrase is ErrWrong.
func (p PassPhrase) Open(_ context.Context, s Settings) (Key, error) {
	if s.PassPhrase == nil {
		return nil, errors.New("the store has no parameters for the pass phrase's key")
	}
	phrase, err := p.Ask()
	if err != nil {
		return nil, err
	}
	defer phrase.Wipe()
	root, err := s.PassPhrase.Key(phrase)
	if errors.Is(err, passphrase.ErrShort) {
		return nil, wrongPhrase(err)
	}
	if err != nil {
		return nil, err
	}
	defer root.Wipe()
	if idOf(root) != s.ID {
		return nil, wrongPhrase(ErrWrong)
	}
	return newLocal(root)
}

func wrongPhrase(err error) error {
	if !errors.Is(err, ErrWrong) {
		err = fmt.Errorf("%w: %w", ErrWrong, err)
	}
	return fmt.Errorf("the pass phrase is wrong: %w", err)
}

// Make implements [Source].
func (p PassPhrase) Make(_ context.Context, s Settings, phrase *secret.Bytes) (Settings, Key, error) {
	if phrase == nil {
		return s, nil, errors.New("a root key of this kind needs a pass phrase")
	}
	params := passphrase.New()
	root, err := params.Key(phrase)
	if err != nil {
		return s, nil, err
	}
	defer root.Wipe()
	s.PassPhrase, s.ID = &params, idOf(root)
	k, err := newLocal(root)
	return s, k, err
}

// Keep implements [Source].
func (PassPhrase) Keep(Settings) error { return nil }

// Drop implements [Source].
func (PassPhrase) Drop(Settings) error { return nil }
