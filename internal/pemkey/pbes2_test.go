package pemkey

import (
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestDecryptPKCS8_BoundsItsWork(t *testing.T) {
	data, err := os.ReadFile("testdata/enc_aes-256-cbc_hmacWithSHA256.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	_, err = decryptPKCS8(block.Bytes, []byte("open sesame"), 2047) // openssl takes 2,048
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "2048 iterations of PBKDF2, the most is 2047") {
		t.Error(err)
	}
	if _, err := decryptPKCS8(block.Bytes, []byte("open sesame"), 2048); err != nil {
		t.Error(err)
	}
}

// A file that lost its end, or has more than it should, is damaged and not
// called a wrong password.
func TestDecryptPKCS8_Damaged(t *testing.T) {
	data, err := os.ReadFile("testdata/enc_aes-256-cbc_hmacWithSHA256.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	for n := range len(block.Bytes) {
		if _, err := decryptPKCS8(block.Bytes[:n], []byte("open sesame"), maxIterations); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := decryptPKCS8(append(block.Bytes, 0), []byte("open sesame"), maxIterations); !errors.Is(err, ErrDamaged) {
		t.Error("with a byte more:", err)
	}
}
