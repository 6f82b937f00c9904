package okv

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/secret"
)

// DirMode is the mode of a configuration directory in the document; nothing in
// it is for others.
const (
	DirMode  fs.FileMode = 0o750
	fileMode fs.FileMode = 0o640
)

// Endpoint is what a new configuration directory holds.
type Endpoint struct {
	Server   string   // host:port, IPv6 addresses in brackets; empty: okvclient.ora stays as it is
	Standbys []string // likewise, at most [config.MaxStandbys]

	CA, Cert, Key []byte        // PEM
	Password      *secret.Bytes // opens the key; nil for a plain one
}

// Files returns the paths, below a configuration directory, of what Write writes.
func Files(withPassword bool) []string {
	names := []string{FileName}
	for _, name := range []string{config.CAName, config.CertName, config.KeyName} {
		names = append(names, filepath.Join(config.SSLDirName, name))
	}
	if withPassword {
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
		if err := mkdir(d); err != nil {
			return err
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
		name string
		data []byte
	}{{config.CAName, e.CA}, {config.KeyName, e.Key}, {config.CertName, e.Cert}} {
		if err := atomicfile.WriteFile(filepath.Join(ssl, f.name), f.data, fileMode); err != nil {
			return err
		}
	}
	if e.Server == "" {
		return nil
	}
	return atomicfile.WriteFile(filepath.Join(dir, FileName), e.OraText(), fileMode)
}

// mkdir makes a directory with the document's mode. One that is there already
// keeps its own: it may be anybody's.
func mkdir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	switch err := os.Mkdir(dir, DirMode); {
	case errors.Is(err, fs.ErrExist):
		return nil // or it is no directory, which the first file will tell
	case err != nil:
		return err
	}
	return os.Chmod(dir, DirMode) // whatever the umask took away
}
