package bridge

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors of NIST SP 800-38A for AES-256 (F.2.5, F.3.5, F.3.11, F.3.17, F.4.5).
func TestModesAgainstSP80038A(t *testing.T) {
	const (
		key   = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
		iv    = "000102030405060708090a0b0c0d0e0f"
		plain = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
	)
	block, err := aes.NewCipher(unhex(t, key))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ mode, plain, cipher string }{
		{"cbc", plain, "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
		{"cfb1", "6bc1", "9029"},
		{"cfb8", "6bc1bee22e409f96e93d7e117393172aae2d", "dc1f1a8520a64db55fcc8ac554844e889700"},
		{"cfb128", plain, "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407bdf10132415e54b92a13ed0a8267ae2f975a385741ab9cef82031623d55b1e471"},
		{"ofb", plain, "dc7e84bfda79164b7ecd8486985d38604febdc6740d20b3ac88f6ad82a4fb08d71ab47a086e86eedf39d1c5bba97c4080126141d67f37be8538f5a8be740e484"},
	} {
		p := AESParams{Mode: c.mode, BlockSize: 256, IV: unhex(t, iv)}
		got, err := crypt(block, p, unhex(t, c.plain))
		if err != nil || !bytes.Equal(got, unhex(t, c.cipher)) {
			t.Errorf("%s encrypts to %x, %v", c.mode, got, err)
		}
		p.Decrypt = true
		got, err = crypt(block, p, unhex(t, c.cipher))
		if err != nil || !bytes.Equal(got, unhex(t, c.plain)) {
			t.Errorf("%s decrypts to %x, %v", c.mode, got, err)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		mode    string
		bits, n int
		want    int
		code    Code
	}{
		{"cbc", 256, 0, 16, OK}, {"cbc", 256, 15, 16, OK}, {"cbc", 256, 16, 32, OK},
		{"cfb1", 256, 5, 5, OK}, {"cfb8", 256, 5, 5, OK}, {"cfb128", 256, 5, 5, OK}, {"ofb", 256, 5, 5, OK},
		{"ecb", 256, 5, 0, Invalid}, {"CBC", 256, 5, 0, Invalid}, {"cbc", 0, 5, 0, Invalid}, {"cbc", 128, 5, 0, Invalid}, {"", 256, 5, 0, Invalid},
	} {
		if n, code := AESSize(c.mode, c.bits, c.n); n != c.want || code != c.code {
			t.Errorf("AESSize(%q, %d, %d) = %d, %d", c.mode, c.bits, c.n, n, code)
		}
	}
}

func TestPadding(t *testing.T) {
	block, _ := aes.NewCipher(make([]byte, 32))
	iv := make([]byte, 16)
	for n := range 40 {
		p := AESParams{Mode: "cbc", BlockSize: 256, IV: iv, Padding: true}
		c, err := crypt(block, p, bytes.Repeat([]byte{7}, n))
		if size, _ := AESSize("cbc", 256, n); err != nil || len(c) != size {
			t.Fatalf("%d bytes: %d, %v", n, len(c), err)
		}
		p.Decrypt = true
		if got, err := crypt(block, p, c); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{7}, n)) {
			t.Errorf("%d bytes come back as %x, %v", n, got, err)
		}
		c[len(c)-1] ^= 1
		if got, err := crypt(block, p, c); err == nil && bytes.Equal(got, bytes.Repeat([]byte{7}, n)) {
			t.Errorf("%d bytes: damage went unseen", n)
		}
	}
	for _, p := range []AESParams{{Mode: "cbc", IV: iv}, {Mode: "cbc", IV: iv, Decrypt: true}, {Mode: "cbc", IV: iv, Decrypt: true, Padding: true}} {
		if _, err := crypt(block, p, make([]byte, 17)); err == nil {
			t.Errorf("%+v took 17 bytes", p)
		}
	}
	// A block whose last bytes are no padding.
	for _, last := range []string{"00", "11", "0203", "ff"} {
		text := append(make([]byte, 16-len(last)/2), unhex(t, last)...)
		c, _ := crypt(block, AESParams{Mode: "cbc", IV: iv}, text)
		if got, err := crypt(block, AESParams{Mode: "cbc", IV: iv, Decrypt: true, Padding: true}, c); err == nil {
			t.Errorf("padding %s was taken: %x", last, got)
		}
	}
}
