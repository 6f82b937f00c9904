package pemkey_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

func file(name string) string { return filepath.Join("testdata", name) }

func password(t testing.TB, s string) *secret.Bytes {
	p := secret.Copy([]byte(s))
	t.Cleanup(p.Wipe)
	return p
}

func mustKey(t *testing.T, name string) crypto.Signer {
	t.Helper()
	k, err := pemkey.LoadKey(file(name), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

type equaler interface{ Equal(crypto.PrivateKey) bool }

// Every form that openssl writes gives the key that the plain form gives.
func TestLoadKey_Forms(t *testing.T) {
	ec, rsaKey := mustKey(t, "ec_sec1.pem"), mustKey(t, "rsa_pkcs1.pem")
	if _, ok := ec.(*ecdsa.PrivateKey); !ok {
		t.Fatalf("ec_sec1.pem gave a %T", ec)
	}
	if _, ok := rsaKey.(*rsa.PrivateKey); !ok {
		t.Fatalf("rsa_pkcs1.pem gave a %T", rsaKey)
	}
	if _, ok := mustKey(t, "ed25519_pkcs8.pem").(ed25519.PrivateKey); !ok {
		t.Error("ed25519_pkcs8.pem gave no Ed25519 key")
	}
	plain := map[string]crypto.Signer{
		"ec_sec1_params.pem": ec, "ec_pkcs8.pem": ec, "both_ec.pem": ec, "rsa_pkcs8.pem": rsaKey,
	}
	encrypted := map[string]crypto.Signer{"okv_document.pem": rsaKey}
	for _, cipher := range []string{"aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des-ede3-cbc"} {
		for _, prf := range []string{"hmacWithSHA1", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512"} {
			encrypted["enc_"+cipher+"_"+prf+".pem"] = ec
		}
		encrypted["dek_ec_"+cipher+".pem"] = ec
		encrypted["dek_rsa_"+cipher+".pem"] = rsaKey
	}
	for name, want := range plain {
		for _, pw := range []*secret.Bytes{nil, password(t, "not needed")} {
			if got, err := pemkey.LoadKey(file(name), pw); err != nil || !want.(equaler).Equal(got) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	right := password(t, "open sesame")
	for name, want := range encrypted {
		t.Run(name, func(t *testing.T) {
			if got, err := pemkey.LoadKey(file(name), right); err != nil || !want.(equaler).Equal(got) {
				t.Errorf("right password: %v", err)
			}
			for _, none := range []*secret.Bytes{nil, {}} {
				if _, err := pemkey.LoadKey(file(name), none); !errors.Is(err, pemkey.ErrNoPassword) {
					t.Errorf("no password: %v", err)
				}
			}
			for _, wrong := range []string{"Open sesame", "open sesame\n", "x"} {
				if _, err := pemkey.LoadKey(file(name), password(t, wrong)); !errors.Is(err, pemkey.ErrWrongPassword) {
					t.Errorf("password %q: %v", wrong, err)
				}
			}
		})
	}
}

// With 600 wrong passwords a padding that is right by chance comes up in all
// likelihood; it must not look like another fault.
func TestLoadKey_WrongPasswordIsAlwaysToldAsSuch(t *testing.T) {
	data, err := os.ReadFile(file("dek_ec_aes-256-cbc.pem")) // quick to derive
	if err != nil {
		t.Fatal(err)
	}
	for i := range 600 {
		if _, err := pemkey.ParseKey(data, password(t, strings.Repeat("p", 1+i))); !errors.Is(err, pemkey.ErrWrongPassword) {
			t.Fatalf("password %d: %v", i, err)
		}
	}
}

func TestLoadPair(t *testing.T) {
	for _, c := range []struct {
		cert, key string
		chain     int
	}{
		{"cert_rsa.pem", "rsa_pkcs8.pem", 1},
		{"cert_ec.pem", "ec_sec1_params.pem", 1},
		{"cert_ed25519.pem", "ed25519_pkcs8.pem", 1},
		{"both_ec.pem", "both_ec.pem", 1},
		{"trusted_ec.pem", "ec_pkcs8.pem", 1},
		{"chain_ec.pem", "enc_aes-256-cbc_hmacWithSHA256.pem", 2},
	} {
		pair, err := pemkey.LoadPair(file(c.cert), file(c.key), password(t, "open sesame"))
		if err != nil {
			t.Errorf("%s, %s: %v", c.cert, c.key, err)
			continue
		}
		if len(pair.Certificate) != c.chain || pair.Leaf == nil || pair.PrivateKey == nil {
			t.Errorf("%s: chain of %d, leaf %v", c.cert, len(pair.Certificate), pair.Leaf)
		}
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	absent := filepath.Join(dir, "absent.pem")
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ec, err := os.ReadFile(file("ec_sec1.pem"))
	if err != nil {
		t.Fatal(err)
	}
	cut := strings.Replace(string(ec), "\nM", "\nA", 1)
	for _, c := range []struct {
		name, cert, key, password string
		kinds                     []error
		text                      string
	}{
		{"absent", absent, absent, "", []error{fs.ErrNotExist},
			absent + ": no such file or directory\n" + absent + ": no such file or directory"},
		{"folder", dir, file("ec_sec1.pem"), "", nil, dir + ": it is not a regular file"},
		{"pipe", pipe, file("ec_sec1.pem"), "", nil, pipe + ": it is not a regular file"},
		{"empty", write("empty", ""), file("ec_sec1.pem"), "", []error{pemkey.ErrNotPEM},
			dir + "/empty: it is not in PEM form (it is empty)"},
		{"text", file("cert_ec.pem"), write("text", "hello"), "", []error{pemkey.ErrNotPEM}, dir + "/text: it is not in PEM form"},
		{"der", file("cert_ec.der"), file("ec_sec1.pem"), "", []error{pemkey.ErrNotPEM},
			"testdata/cert_ec.der: it is not in PEM form (it seems to be DER or PKCS#12; openssl x509, openssl pkey and openssl pkcs12 convert it)"},
		{"key for certificate", file("ec_sec1.pem"), file("ec_sec1.pem"), "", []error{pemkey.ErrNoCertificate},
			"testdata/ec_sec1.pem: there is no certificate in it"},
		{"both wrong", file("ec_sec1.pem"), file("cert_ec.pem"), "", []error{pemkey.ErrNoCertificate, pemkey.ErrNoKey},
			"testdata/ec_sec1.pem: there is no certificate in it\ntestdata/cert_ec.pem: there is no private key in it"},
		{"mismatch", file("cert_ec.pem"), file("rsa_pkcs1.pem"), "", []error{pemkey.ErrMismatch},
			"testdata/rsa_pkcs1.pem: the private key does not belong to the certificate (certificate testdata/cert_ec.pem)"},
		{"order", file("chain_wrong_order.pem"), file("ec_sec1.pem"), "", []error{pemkey.ErrMismatch},
			"testdata/ec_sec1.pem: the private key does not belong to the certificate (its certificate is number 2 in testdata/chain_wrong_order.pem and must be the first)"},
		{"no password", file("cert_rsa.pem"), file("okv_document.pem"), "", []error{pemkey.ErrNoPassword},
			"testdata/okv_document.pem: the private key is encrypted and there is no password"},
		{"wrong password", file("cert_rsa.pem"), file("okv_document.pem"), "wrong", []error{pemkey.ErrWrongPassword},
			"testdata/okv_document.pem: the password does not open the private key"},
		{"scrypt", file("cert_ec.pem"), file("unsupported_scrypt.pem"), "open sesame", []error{pemkey.ErrUnsupported},
			"testdata/unsupported_scrypt.pem: the private key is in a form that is not supported (its password goes through scrypt; openssl pkcs8 -topk8 -v2 aes-256-cbc converts it)"},
		{"cipher", file("cert_ec.pem"), file("unsupported_cipher.pem"), "open sesame", []error{pemkey.ErrUnsupported}, "cipher 1.2.410.200046.1.1.2"},
		{"PBES1", file("cert_ec.pem"), file("unsupported_pbes1.pem"), "open sesame", []error{pemkey.ErrUnsupported}, "not PBES2"},
		{"DEK cipher", file("cert_ec.pem"), file("unsupported_dek.pem"), "open sesame", []error{pemkey.ErrUnsupported}, "DEK-Info CAMELLIA-128-CBC"},
		{"X25519", file("cert_ec.pem"), file("x25519_pkcs8.pem"), "", []error{pemkey.ErrUnsupported}, "key agreement"},
		{"OpenSSH", file("cert_ec.pem"), write("ssh", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"), "",
			[]error{pemkey.ErrUnsupported}, "its label is OPENSSH PRIVATE KEY"},
		{"damaged key", file("cert_ec.pem"), write("cut", cut), "", []error{pemkey.ErrDamaged}, dir + "/cut: it is damaged ("},
		{"damaged base64", file("cert_ec.pem"), write("b64", strings.Replace(string(ec), "\nM", "\n!", 1)), "", []error{pemkey.ErrNotPEM},
			dir + "/b64: it is not in PEM form (it has a BEGIN line, but no complete block follows)"},
		{"damaged certificate", write("c", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), file("ec_sec1.pem"), "",
			[]error{pemkey.ErrDamaged}, dir + "/c: it is damaged (x509: malformed certificate)"},
		{"huge", write("huge", strings.Repeat("x", 1<<20+1)), file("ec_sec1.pem"), "", []error{pemkey.ErrNotPEM},
			dir + "/huge: it is not in PEM form (it has 1048577 bytes, the most is 1048576)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pair, err := pemkey.LoadPair(c.cert, c.key, password(t, c.password))
			if err == nil || pair.PrivateKey != nil {
				t.Fatalf("taken: %v", err)
			}
			for _, k := range c.kinds {
				if !errors.Is(err, k) {
					t.Errorf("%v is not of kind %q", err, k)
				}
			}
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("got  %s\nwant %s", err, c.text)
			}
		})
	}
}

func TestLoadCertificates_NoPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything; the configuration's tests check the owner's rights")
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := pemkey.LoadCertificates(path); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

func TestLoadPool(t *testing.T) {
	if _, err := pemkey.LoadPool(file("chain_ec.pem")); err != nil {
		t.Error(err)
	}
	if pool, err := pemkey.LoadPool(file("ec_sec1.pem")); !errors.Is(err, pemkey.ErrNoCertificate) || pool != nil {
		t.Error(err)
	}
}

func TestCheckDates(t *testing.T) {
	certs, err := pemkey.LoadCertificates(file("expired.pem"))
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) error {
		now, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return pemkey.CheckDates(certs[0], now)
	}
	if err := at("2020-06-01T00:00:00Z"); err != nil {
		t.Error(err)
	}
	err = at("2026-06-01T12:00:00+02:00")
	if e, ok := errors.AsType[*pemkey.Error](err); !ok || !errors.Is(err, pemkey.ErrExpired) ||
		e.Reason() != "the certificate has expired (valid until 2021-01-01 00:00:00 UTC, this host's clock says 2026-06-01 10:00:00 UTC)" {
		t.Error(err)
	}
	if err := at("2019-12-31T23:59:59Z"); !errors.Is(err, pemkey.ErrNotYetValid) || !strings.Contains(err.Error(), "valid from 2020-01-01 00:00:00 UTC") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	names, err := filepath.Glob(file("*.pem"))
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	pw := password(f, "open sesame")
	f.Fuzz(func(t *testing.T, data []byte) {
		if certs, err := pemkey.ParseCertificates(data); (err == nil) != (len(certs) > 0) {
			t.Errorf("%d certificates, %v", len(certs), err)
		}
		for _, p := range []*secret.Bytes{nil, pw} {
			key, err := pemkey.ParseKey(data, p)
			if err == nil && key.Public() == nil {
				t.Error("a key without its public half")
			}
			if e, ok := errors.AsType[*pemkey.Error](err); err != nil && (!ok || e.Kind == nil) {
				t.Errorf("an error of no kind: %v", err)
			}
		}
	})
}
