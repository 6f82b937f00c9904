package percona

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
)

// Endpoint is what a new configuration file says. The PEM files are paths as
// the document has them: a bare name is looked up beside the file.
type Endpoint struct {
	ServerAddr, ServerPort        string
	ClientCA, ClientKey, ServerCA string // empty: the document's names
}

// The file names of the document's example.
const (
	ClientCertificateName = "client_certificate.pem"
	ClientKeyName         = "client_key.pem"
	RootCertificateName   = "root_certificate.pem"
)

// ConfigText returns the configuration file in the form of the document's example.
func ConfigText(e Endpoint) []byte {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	var lines []string
	for _, kv := range [][2]string{
		{"server_addr", e.ServerAddr},
		{"server_port", e.ServerPort},
		{"client_ca", or(e.ClientCA, ClientCertificateName)},
		{"client_key", or(e.ClientKey, ClientKeyName)},
		{"server_ca", or(e.ServerCA, RootCertificateName)},
	} {
		value, _ := json.Marshal(kv[1]) // a string always marshals
		lines = append(lines, fmt.Sprintf(" %q: %s", kv[0], value))
	}
	return []byte("{\n" + strings.Join(lines, ",\n") + "\n}\n")
}

// Write puts the configuration file and the global manifest into dir. Neither
// holds a secret, and everyone may read them.
func Write(dir string, e Endpoint) error {
	return errors.Join(
		atomicfile.WriteFile(filepath.Join(dir, FileName), ConfigText(e), 0o644),
		atomicfile.WriteFile(filepath.Join(dir, config.ManifestName), []byte(config.ManifestGlobal(Component)), 0o644),
	)
}
