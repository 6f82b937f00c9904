package perconakms

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The modes of what Write writes: a configuration with credentials is for its owner
// alone, who is that of the folder.
const (
	secretMode fs.FileMode = 0o600
	publicMode fs.FileMode = 0o644
)

// Settings is what a new configuration file says. What is zero is left out.
type Settings struct {
	Path     string
	Region   string
	Keys     []string // as people write them
	Format   kmsfile.Format
	Endpoint string
	awskms.Credentials
}

// ConfigText returns the configuration file in the form of the document's example.
func ConfigText(s Settings) []byte {
	var lines []string
	add := func(name string, value any) {
		text, _ := json.Marshal(value) // strings and lists of them always marshal
		lines = append(lines, fmt.Sprintf(" %q: %s", name, text))
	}
	addText := func(name, value string) {
		if value != "" {
			add(name, value)
		}
	}
	add("read_local_config", false)
	add("path", s.Path)
	add("read_only", false) // Percona's component does not start without it
	addText("region", s.Region)
	if len(s.Keys) == 1 {
		add("kms_key", s.Keys[0])
	} else {
		add("kms_key", s.Keys)
	}
	addText("auth_key", s.AccessKeyID)
	addText("secret_access_key", s.SecretAccessKey)
	addText("session_token", s.SessionToken)
	addText("endpoint", s.Endpoint)
	if s.Format != kmsfile.FormatPercona {
		addText("format", string(s.Format))
	}
	return []byte("{\n" + strings.Join(lines, ",\n") + "\n}\n")
}

// Write puts the configuration file and the global manifest into dir.
func Write(dir string, s Settings) error {
	mode := publicMode
	if s.SecretAccessKey != "" {
		mode = secretMode
	}
	text := ConfigText(s)
	defer secret.Wipe(text)
	return errors.Join(
		atomicfile.WriteFile(filepath.Join(dir, FileName), text, mode),
		atomicfile.WriteFile(filepath.Join(dir, config.ManifestName), []byte(config.ManifestGlobal(Component)), publicMode),
	)
}
