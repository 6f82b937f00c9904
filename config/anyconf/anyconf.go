// Package anyconf opens whatever keyring a path names: it finds out by itself
// which product's configuration, or which keyring's file, lies there. It is for
// tools; a module knows what it is.
package anyconf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/jsonfile"
	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/enterprise"
	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Kind is whose keyring it is.
type Kind string

// The kinds of keyring that Read knows.
const (
	Percona    Kind = "component_keyring_kmip (Percona Server)"
	Enterprise Kind = "component_keyring_kmip (MySQL Enterprise)"
	OKV        Kind = "keyring_okv"
	File       Kind = "component_keyring_file"
)

// Conf is a keyring that can be opened. Of KMIP and File one is set.
type Conf struct {
	Kind  Kind
	Path  string // what was read, absolute: a configuration file, a folder, or the data file itself
	Where string // where the keys lie, for people: "KMIP server host:port", "file PATH"

	KMIP *kmip.Options
	File *jsonfile.Options

	Warnings []string // what works and deserves attention
	Notes    []string // what was decided
}

// Names of what Read looks for.
const (
	fileComponentConf = "component_keyring_file.cnf"
	dataFileSuffix    = ".json"
)

// Read looks at what lies at the path and reads the configuration. It takes
// component_keyring_kmip.cnf of either product, a keyring_okv folder,
// component_keyring_file.cnf, and that component's data file; one that does not
// exist yet only if its name ends in ".json". What is wrong is one error of type
// [config.Faults]; with one, only the Path, the Warnings and the Notes count.
func Read(path string, base config.Base) (*Conf, error) {
	abs := path
	if !filepath.IsAbs(path) {
		abs = filepath.Join(string(base), path)
	}
	c := &Conf{Path: abs}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(abs, dataFileSuffix):
		c.setFile(jsonfile.Options{Path: abs})
		return c, nil
	case errors.Is(err, fs.ErrNotExist):
		return c, unknown(abs, "there is nothing there", err)
	case err != nil:
		return c, faults(abs, "cannot look at it: "+config.OSReason(err), "Run dbkeyring as a user who may.", err)
	case info.IsDir():
		return c.readFolder()
	}
	isData, err := isDataFile(abs)
	switch {
	case err != nil:
		return c, faults(abs, "cannot read it: "+config.OSReason(err), "Run dbkeyring as a user who may.", err)
	case isData:
		c.setFile(jsonfile.Options{Path: abs})
		return c, nil
	}
	return c.readConfiguration(base)
}

func (c *Conf) readFolder() (*Conf, error) {
	// With one of the two it is meant to be keyring_okv's; what is missing is told there.
	if !exists(filepath.Join(c.Path, okv.FileName)) && !exists(filepath.Join(c.Path, config.SSLDirName)) {
		return c, unknown(c.Path, "it is a folder without "+okv.FileName, nil)
	}
	o, report, err := okv.Read(c.Path)
	return c.setKMIP(OKV, o.Options, report, err)
}

// readConfiguration reads a component's file, whatever its name: the options
// tell whose it is, the name only where there are none.
func (c *Conf) readConfiguration(base config.Base) (*Conf, error) {
	o, ok := config.OpenFile(config.Reader{File: c.Path, Base: base, Now: time.Now})
	if !ok {
		c.Warnings, c.Notes = o.Report.Warnings, o.Report.Notes
		return c, o.Faults
	}
	defer o.Wipe()
	has := func(names []string) bool {
		for _, name := range names {
			if o.Has(name) {
				return true
			}
		}
		return false
	}
	name := filepath.Base(c.Path)
	switch {
	case has(config.EnterpriseNames()) && !has(config.PerconaNames()):
		e, report, err := enterprise.ReadFile(c.Path, base)
		return c.setKMIP(Enterprise, e.Options, report, err)
	case has(config.PerconaNames()), name == percona.FileName:
		p, report, err := percona.ReadFile(c.Path, base)
		return c.setKMIP(Percona, p.Options, report, err)
	case o.Has("path"), name == fileComponentConf:
		return c.readFileComponent(o)
	}
	return c, unknown(c.Path, "it is JSON, and none of these", nil)
}

// readFileComponent reads component_keyring_file.cnf.
func (c *Conf) readFileComponent(o *config.Object) (*Conf, error) {
	var others []string
	for name := range o.Members {
		switch name {
		case "read_local_config", "path", "read_only":
		case "region", "kms_key", "auth_key", "secret_access_key", "password", "cmk_id", "aws_authentication":
			others = append(others, name)
		default:
			o.Warn(name, "there is no such option, it is ignored")
		}
	}
	if others != nil {
		o.Fault(others[0], "it is an option of another component, whose data file is encrypted", "Name a keyring that dbkeyring can open: "+known+".", nil)
	}
	path, ok := o.Required("path", "the data file")
	if ok {
		path, ok = o.Resolve("path", path)
	}
	readOnly := o.Boolean("read_only", false)
	c.Warnings, c.Notes = o.Report.Warnings, o.Report.Notes
	if len(o.Faults) > 0 || !ok {
		o.Faults.Sort()
		return c, o.Faults
	}
	c.setFile(jsonfile.Options{Path: path, ReadOnly: readOnly})
	return c, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (c *Conf) setFile(o jsonfile.Options) {
	c.Kind, c.Where, c.File = File, "file "+o.Path, &o
}

func (c *Conf) setKMIP(kind Kind, o kmip.Options, report config.Report, err error) (*Conf, error) {
	c.Warnings, c.Notes = report.Warnings, report.Notes
	if err != nil {
		return c, err
	}
	c.Kind, c.KMIP = kind, &o
	c.Where = "KMIP server " + strings.Join(o.Servers, ", ")
	if o.ObjectGroup != "" {
		c.Where += ", object group " + o.ObjectGroup
	}
	return c, nil
}

// Open opens the keyring. With readOnly a file is never changed, and must exist.
func (c *Conf) Open(ctx context.Context, readOnly bool, log *slog.Logger) (keyring.Keyring, error) {
	if c.File != nil {
		o := *c.File
		o.ReadOnly = o.ReadOnly || readOnly
		r, err := jsonfile.Open(ctx, o, log)
		if err != nil {
			return nil, err // and no typed nil
		}
		return r, nil
	}
	return kmip.Open(ctx, *c.KMIP, log)
}

// Wipe wipes the password of the configuration, if it has one.
func (c *Conf) Wipe() {
	if c.KMIP != nil {
		c.KMIP.ClientKeyPassword.Wipe()
	}
}

// isDataFile says whether the file is meant to be component_keyring_file's data:
// an empty one is, too. What it holds is not judged here.
func isDataFile(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, err // a pipe is not opened, which could take for ever
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := secret.New(4096)
	defer head.Wipe()
	n, err := io.ReadFull(f, head.Reveal())
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	text := head.Reveal()[:n]
	return n == 0 || bytes.Contains(text, []byte(`"elements"`)) || bytes.Contains(text, []byte(`"version"`)), nil
}

// known is what there could have been.
const known = "component_keyring_kmip.cnf of Percona Server (server_addr) or MySQL Enterprise (kmip_configuration_directory), " +
	"a folder with " + okv.FileName + " (keyring_okv), component_keyring_file.cnf (path), " +
	"component_keyring_file's JSON data file (version, elements)"

func unknown(path, problem string, err error) error {
	return faults(path, problem+"; looked for: "+known,
		fmt.Sprintf("Name one of these; a data file that is to be made needs a name that ends in %q.", dataFileSuffix), err)
}

func faults(path, problem, cure string, err error) error {
	return config.Faults{{File: path, Problem: problem, Cure: cure, Err: err}}
}
