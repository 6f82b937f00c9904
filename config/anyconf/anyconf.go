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
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Kind is whose keyring it is.
type Kind string

// The kinds of keyring that Read knows.
const (
	Percona    Kind = "component_keyring_kmip (Percona Server)"
	PerconaKMS Kind = "component_keyring_kms (Percona Server)"
	Enterprise Kind = "component_keyring_kmip (MySQL Enterprise)"
	OKV        Kind = "keyring_okv"
	KeyringAWS Kind = "keyring_aws"
	File       Kind = "component_keyring_file"
)

// Conf is a keyring that can be opened. Of KMIP, File, KMS and AWS one is set.
type Conf struct {
	Kind  Kind
	Path  string // what was read, absolute: a configuration file, a folder, or the data file itself
	Where string // where the keys lie, for people: "KMIP server host:port", "file PATH"

	KMIP *kmip.Options
	File *jsonfile.Options
	KMS  *perconakms.Options
	AWS  *keyringaws.Options

	Warnings []string // what works and deserves attention
	Notes    []string // what was decided
}

// Names of what Read looks for.
const (
	fileComponentConf = "component_keyring_file.cnf"
	dataFileSuffix    = ".json"
)

// Read looks at what lies at the path and reads the configuration. It takes
// component_keyring_kmip.cnf of either product, component_keyring_kms.cnf, a
// keyring_okv folder, a server's option file with keyring_aws,
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
	head, err := headOf(abs)
	if err != nil {
		return c, faults(abs, "cannot read it: "+config.OSReason(err), "Run dbkeyring as a user who may.", err)
	}
	defer head.Wipe()
	switch text := head.Reveal(); {
	case isDataFile(info, text):
		if problem, cure := notPlain(text); problem != "" {
			return c, faults(abs, problem, cure, nil)
		}
		c.setFile(jsonfile.Options{Path: abs})
		return c, nil
	case isOptionFile(text):
		return c.readOptionFile(base)
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
	case perconakms.Is(o), name == perconakms.FileName:
		return c.readPerconaKMS(base)
	case has(enterpriseAWSNames()):
		return c, c.enterpriseAWS(o.Lines["cmk_id"])
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
		case "region", "password":
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
	if c.KMIP == nil {
		return c.openAWS(ctx, readOnly, log)
	}
	return kmip.Open(ctx, *c.KMIP, log)
}

// DataFile is the file on this host that keeps the keys; "" if a key server does.
func (c *Conf) DataFile() string {
	switch {
	case c.File != nil:
		return c.File.Path
	case c.KMS != nil:
		return c.KMS.Path
	case c.AWS != nil:
		return c.AWS.DataFile
	}
	return ""
}

// ReadOnly says whether the configuration forbids to change the keyring.
func (c *Conf) ReadOnly() bool {
	return c.File != nil && c.File.ReadOnly || c.KMS != nil && c.KMS.ReadOnly
}

// Wipe lets go of what is secret in the configuration.
func (c *Conf) Wipe() {
	switch {
	case c.KMIP != nil:
		c.KMIP.ClientKeyPassword.Wipe()
	case c.KMS != nil:
		c.KMS.Wipe()
	case c.AWS != nil:
		c.AWS.Wipe()
	}
}

// headOf returns the beginning of a file, which may hold keys; nothing of a pipe, on
// which opening could take for ever.
func headOf(path string) (*secret.Bytes, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return secret.New(0), err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := secret.New(int(min(info.Size(), 16<<10)))
	_, err = io.ReadFull(f, head.Reveal())
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		head.Wipe()
		return nil, err
	}
	return head, nil
}

// isDataFile says whether a file is meant to be a keyring's data: an empty one is, too.
// What it holds is not judged here.
func isDataFile(info fs.FileInfo, head []byte) bool {
	return info.Mode().IsRegular() && (len(head) == 0 || keyringaws.IsDataFile(head) ||
		bytes.Contains(head, []byte(`"elements"`)) || bytes.Contains(head, []byte(`"version"`)))
}

// known is what there could have been.
const known = "component_keyring_kmip.cnf of Percona Server (server_addr) or MySQL Enterprise (kmip_configuration_directory), " +
	"component_keyring_kms.cnf (kms_key), a folder with " + okv.FileName + " (keyring_okv), an option file (my.cnf) with keyring_aws, component_keyring_file.cnf (path), " +
	"component_keyring_file's JSON data file (version, elements)"

func unknown(path, problem string, err error) error {
	return faults(path, problem+"; looked for: "+known,
		fmt.Sprintf("Name one of these; a data file that is to be made needs a name that ends in %q.", dataFileSuffix), err)
}

func faults(path, problem, cure string, err error) error {
	return config.Faults{{File: path, Problem: problem, Cure: cure, Err: err}}
}
