package passphrase_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/passphrase"
	"github.com/dbkeyring/dbkeyring/secret"
)

func phrase(s string) *secret.Bytes { return secret.Copy([]byte(s)) }

// The answer is one of the published test values of Argon2's reference program.
func TestKey_Known(t *testing.T) {
	p := passphrase.Params{Salt: []byte("somesalt"), Passes: 2, MemoryKiB: 256, Threads: 1}
	k, err := p.Key(phrase("password"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"
	if got := hex.EncodeToString(k.Reveal()); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestKey(t *testing.T) {
	p := passphrase.New()
	p.MemoryKiB = 64
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var stored passphrase.Params
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	a, err1 := p.Key(phrase("correct horse"))
	b, err2 := stored.Key(phrase("correct horse"))
	c, err3 := stored.Key(phrase("correct Horse"))
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if !a.Equal(b) || a.Equal(c) || a.Len() != passphrase.KeySize {
		t.Error("the key depends on something else than parameters and pass phrase")
	}
	other := passphrase.New()
	other.MemoryKiB = 64
	if d, err := other.Key(phrase("correct horse")); err != nil || d.Equal(a) {
		t.Errorf("two salts, one key; %v", err)
	}
}

func TestKey_Refusals(t *testing.T) {
	if _, err := passphrase.New().Key(phrase("1234567")); !errors.Is(err, passphrase.ErrShort) {
		t.Errorf("short: %v", err)
	}
	for name, spoil := range map[string]func(*passphrase.Params){
		"no salt":     func(p *passphrase.Params) { p.Salt = nil },
		"no passes":   func(p *passphrase.Params) { p.Passes = 0 },
		"passes":      func(p *passphrase.Params) { p.Passes = 1 << 30 },
		"memory":      func(p *passphrase.Params) { p.MemoryKiB = 1 << 31 },
		"no threads":  func(p *passphrase.Params) { p.Threads = 0 },
		"threads":     func(p *passphrase.Params) { p.Threads = 255 },
		"hardly any":  func(p *passphrase.Params) { p.MemoryKiB = 1 },
		"short salts": func(p *passphrase.Params) { p.Salt = []byte("1234567") },
	} {
		p := passphrase.New()
		spoil(&p)
		if _, err := p.Key(phrase("correct horse")); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}
