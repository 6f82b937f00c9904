package keyring_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyring"
)

func TestKindOf(t *testing.T) {
	id := keyring.ID{Name: "k", Owner: "root@localhost"}
	cause := errors.New("dial tcp 127.0.0.1:5696: connection refused")
	cases := []struct {
		err  error
		kind error
	}{
		{keyring.E("fetch", id, keyring.ErrNotFound, nil), keyring.ErrNotFound},
		{keyring.E("fetch", id, keyring.ErrUnreachable, cause), keyring.ErrUnreachable},
		{fmt.Errorf("outer: %w", keyring.E("store", id, keyring.ErrExists, nil)), keyring.ErrExists},
		// What nobody classified says nothing about the key: never "not found".
		{cause, keyring.ErrUnreachable},
	}
	for _, c := range cases {
		if got := keyring.KindOf(c.err); got != c.kind {
			t.Errorf("KindOf(%v) = %v, want %v", c.err, got, c.kind)
		}
	}
	if !errors.Is(cases[1].err, cause) {
		t.Error("the cause is lost")
	}
}

func TestError_Text(t *testing.T) {
	cause := errors.New("no route")
	cases := map[string]error{
		"fetch key 'k' of 'u@h': there is no such key": keyring.E("fetch", keyring.ID{Name: "k", Owner: "u@h"}, keyring.ErrNotFound, nil),
		"fetch key 'k': no route":                      keyring.E("fetch", keyring.ID{Name: "k"}, keyring.ErrUnreachable, cause),
		"open: no route":                               keyring.E("open", keyring.ID{}, keyring.ErrUnreachable, cause),
	}
	for want, err := range cases {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
