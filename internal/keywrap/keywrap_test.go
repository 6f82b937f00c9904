package keywrap_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/dbkeyring/dbkeyring/internal/keywrap"
	"github.com/dbkeyring/dbkeyring/secret"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors of RFC 3394, 4, and of RFC 5649, 6.
var vectors = []struct {
	name           string
	pad            bool
	kek, key, want string
}{
	{"128 with 128", false, "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
	{"128 with 192", false, "000102030405060708090a0b0c0d0e0f1011121314151617", "00112233445566778899aabbccddeeff", "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"},
	{"128 with 256", false, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
	{"192 with 192", false, "000102030405060708090a0b0c0d0e0f1011121314151617", "00112233445566778899aabbccddeeff0001020304050607", "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"},
	{"192 with 256", false, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "00112233445566778899aabbccddeeff0001020304050607", "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
	{"256 with 256", false, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f", "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
	{"20 bytes padded", true, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "c37b7e6492584340bed12207808941155068f738", "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
	{"7 bytes padded", true, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			wrap, unwrap := keywrap.Wrap, keywrap.Unwrap
			if v.pad {
				wrap, unwrap = keywrap.WrapPad, keywrap.UnwrapPad
			}
			kek, key := secret.Copy(unhex(t, v.kek)), secret.Copy(unhex(t, v.key))
			wrapped, err := wrap(kek, key)
			if err != nil || !bytes.Equal(wrapped, unhex(t, v.want)) {
				t.Fatalf("wrapped: %x, %v", wrapped, err)
			}
			back, err := unwrap(kek, wrapped)
			if err != nil || !back.Equal(key) {
				t.Fatalf("unwrapped: %v", err)
			}
			for i := range wrapped {
				broken := bytes.Clone(wrapped)
				broken[i] ^= 1
				if _, err := unwrap(kek, broken); !errors.Is(err, keywrap.ErrUnwrap) {
					t.Fatalf("with byte %d changed: %v", i, err)
				}
			}
			if _, err := unwrap(secret.New(32), wrapped); !errors.Is(err, keywrap.ErrUnwrap) {
				t.Errorf("with another key: %v", err)
			}
			for n := range len(wrapped) {
				if _, err := unwrap(kek, wrapped[:n]); !errors.Is(err, keywrap.ErrUnwrap) {
					t.Errorf("the first %d bytes: %v", n, err)
				}
			}
		})
	}
}

func TestSizes(t *testing.T) {
	kek := secret.New(16)
	for n := range 70 {
		key := secret.Random(n)
		wrapped, err := keywrap.Wrap(kek, key)
		if (err == nil) != (n >= 16 && n%8 == 0) {
			t.Errorf("Wrap of %d bytes: %v", n, err)
		}
		if wrapped, err = keywrap.WrapPad(kek, key); (err == nil) != (n > 0) {
			t.Errorf("WrapPad of %d bytes: %v", n, err)
		}
		if err != nil {
			continue
		}
		if back, err := keywrap.UnwrapPad(kek, wrapped); err != nil || !back.Equal(key) {
			t.Errorf("UnwrapPad of %d bytes: %v", n, err)
		}
	}
	if _, err := keywrap.Wrap(secret.New(15), secret.New(16)); err == nil {
		t.Error("a key of 15 bytes wraps")
	}
}
