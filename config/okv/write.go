package okv

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The modes of what Write makes: the document has 750 for the directory, and
// nothing in it is for others.
const (
	dirMode  fs.FileMode = 0o750
	fileMode fs.FileMode = 0o640
)

// Endpoint is what a new configuration directory holds.
type Endpoint struct {
	Server   string   // host:port, IPv6 addresses in brackets
	Standbys []string // likewise, at most [config.MaxStandbys]

	CA, Cert, Key []byte        // PEM
	Password      *secret.Bytes // opens the key; nil for a plain one
}

// Files returns the paths, below a configuration directory, of what Write writes.
func (e Endpoint) Files() []string {
	names := []string{FileName}
	for _, name := range []string{config.CAName, config.CertName, config.KeyName} {
		names = append(names, filepath.Join(config.SSLDirName, name))
	}
	if e.Password != nil {
		names = append(names, filepath.Join(config.SSLDirName, config.PasswordName))
	}
	return names
}

// OraText returns okvclient.ora in the form of the document's example.
func (e Endpoint) OraText() []byte {
	text := server + "=" + e.Server + "\n"
	if len(e.Standbys) > 0 {
		text += standbyServer + "=" + strings.Join(e.Standbys, ",") + "\n"
	}
	return []byte(text)
}

// Write makes the configuration directory dir, or fills an existing one. The
// file with the servers comes last, so that a directory that has it is complete.
// A password.txt of before goes if the key has none now: it would be wrong.
func Write(dir string, e Endpoint) error {
	ssl := filepath.Join(dir, config.SSLDirName)
	for _, d := range []string{dir, ssl} {
		if err := os.MkdirAll(d, dirMode); err != nil {
			return err
		}
		if err := os.Chmod(d, dirMode); err != nil { // whatever the umask took away
			return fmt.Errorf("set the mode of the directory: %w", err)
		}
	}
	password := filepath.Join(ssl, config.PasswordName)
	if e.Password == nil {
		if err := os.Remove(password); err != nil && !os.IsNotExist(err) {
			return err
		}
	} else {
		line := append(append([]byte(nil), e.Password.Reveal()...), '\n')
		defer secret.Wipe(line)
		if err := atomicfile.WriteFile(password, line, fileMode); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		path string
		data []byte
	}{
		{filepath.Join(ssl, config.CAName), e.CA},
		{filepath.Join(ssl, config.KeyName), e.Key},
		{filepath.Join(ssl, config.CertName), e.Cert},
		{filepath.Join(dir, FileName), e.OraText()},
	} {
		if err := atomicfile.WriteFile(f.path, f.data, fileMode); err != nil {
			return err
		}
	}
	return nil
}
