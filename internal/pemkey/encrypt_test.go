package pemkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/secret"
)

func TestEncodeEncrypted(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	password := secret.Copy([]byte("open sesame"))
	defer password.Wipe()
	text, err := EncodeEncrypted(key, password)
	if err != nil || !strings.HasPrefix(string(text), "-----BEGIN ENCRYPTED PRIVATE KEY-----") {
		t.Fatal(err, string(text))
	}
	if got, err := ParseKey(text, password); err != nil || !key.Equal(got) {
		t.Error(err)
	}
	wrong := secret.Copy([]byte("open barley"))
	defer wrong.Wipe()
	if _, err := ParseKey(text, wrong); !errors.Is(err, ErrWrongPassword) {
		t.Error(err)
	}
	if _, err := EncodeEncrypted(key, nil); err == nil {
		t.Error("encrypted with no password")
	}
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl to read it with")
	}
	dir := t.TempDir()
	file, pass := filepath.Join(dir, "key.pem"), filepath.Join(dir, "password.txt")
	if err := errors.Join(os.WriteFile(file, text, 0o600), os.WriteFile(pass, []byte("open sesame\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(openssl, "pkey", "-in", file, "-passin", "file:"+pass, "-noout").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
