package mongod_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/mongod"
)

func TestReadArgs_Edges(t *testing.T) {
	dir := folder(t)
	const keyFile = "security.encryptionKeyFile / --encryptionKeyFile (command line): "
	certificate := "security.kmip.clientCertificateFile / --kmipClientCertificateFile (command line): "
	write(t, filepath.Join(dir, "damaged.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0o600)
	scrypt, err := os.ReadFile("../../internal/pemkey/testdata/unsupported_scrypt.pem")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := os.ReadFile("../../internal/pemkey/testdata/cert_ec.pem")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "scrypt.pem"), string(scrypt)+string(cert), 0o600)
	for _, c := range []struct{ args, want string }{
		{"--encryptionKeyFile=" + dir, keyFile + dir + ": it is not a regular file. Set it to the file with the key."},
		{"--encryptionKeyFile=a\xff", keyFile + "its value is not text in UTF-8. Correct the value."},
		{"--encryptionKeyFile=" + dir + "/keyfile/x", keyFile + dir + "/keyfile/x: not a directory."},
		{"--kmipServerName=a --kmipClientCertificateFile=" + dir + "/damaged.pem", certificate + dir + "/damaged.pem: it is damaged"},
		{"--kmipServerName=a --kmipClientCertificatePassword=x --kmipClientCertificateFile=" + dir + "/scrypt.pem", certificate + dir + "/scrypt.pem: the private key is in a form that is not supported"},
		{"--kmipServerName=a --kmipClientCertificateFile=x.pem --encryptionCipherMode=" + strings.Repeat("é", 50), `"` + strings.Repeat("é", 32) + `…" is not a value of it`},
	} {
		_, _, _, err := mongod.ReadArgs(append(strings.Fields(c.args), "--enableEncryption", "--dbpath=/x"), config.Base(dir))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", c.args, err, c.want)
		}
	}
}

// Without a base, relative paths are those of the current directory.
func TestRead_NoBase(t *testing.T) {
	dir := folder(t)
	t.Chdir(dir)
	write(t, "a.conf", "security: {enableEncryption: true, encryptionKeyFile: keyfile}\nstorage.dbPath: db\n", 0o600)
	o, r, err := mongod.Read("a.conf", "")
	if err != nil || o.KeyFile.Path != dir+"/keyfile" || o.DBPath != dir+"/db" || r.File != dir+"/a.conf" {
		t.Error(o.DBPath, r.File, err)
	}
	if _, _, err := mongod.Read("b.conf", ""); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "dbkeyring endpoint add NAME --for mongod") {
		t.Error(err)
	}
}

// Nothing of what is read on the way to the options is followed without end.
func TestRead_Aliases(t *testing.T) {
	file := filepath.Join(t.TempDir(), mongod.FileName)
	for _, text := range []string{"security: &a {kmip: *a}\n", "a: &a {b: *a}\nsecurity: *a\n"} {
		write(t, file, text, 0o600)
		if _, _, err := mongod.Read(file, ""); err == nil || !strings.Contains(err.Error(), "it is an alias (*a), which is not taken here") {
			t.Error(text, err)
		}
	}
	write(t, file, "a: &a {b: *a}\nnet: *a\n", 0o600)
	if o, _, err := mongod.Read(file, ""); err != nil || o.Enabled {
		t.Error(err)
	}
}
