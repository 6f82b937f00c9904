package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/anyconf"
	"github.com/dbkeyring/dbkeyring/config/enterprise"
	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
	"github.com/dbkeyring/dbkeyring/internal/pemkey"
)

// componentKeyringFile is MySQL's own component.
const componentKeyringFile = "component_keyring_file"

// path finds out what lies there, and checks that.
func (k *checkup) path(path string) {
	name := filepath.Base(path)
	info, err := os.Stat(path)
	switch {
	case err != nil || info.IsDir():
		k.keyring(path)
	case name == okv.FileName:
		k.okvDirectory(filepath.Dir(path))
	case strings.HasSuffix(name, ".my"):
		k.manifest(path)
	case strings.HasPrefix(name, "component_"), isJSON(path):
		if isManifest(path) {
			k.manifest(path)
			return
		}
		k.keyring(path)
	case isMongodConf(path):
		k.mongodConf(path)
	default:
		k.optionFile(path)
	}
}

// head returns the beginning of a file, without blanks before it.
func head(path string) []byte {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return nil
	}
	return bytes.TrimLeft(text, "\uFEFF \t\r\n")
}

func isJSON(path string) bool { return bytes.HasPrefix(head(path), []byte("{")) }

func isManifest(path string) bool {
	text := head(path)
	return bytes.Contains(text, []byte(`"components"`)) || bytes.Contains(text, []byte(`"read_local_manifest"`))
}

// faults records an error of a configuration.
func (k *checkup) faults(err error) {
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		k.find(finding{Level: levelFail, Problem: err.Error()})
		return
	}
	for _, f := range faults {
		k.find(finding{Level: levelFail, Option: f.Option, File: f.File, Line: f.Line, Problem: f.Problem, Cure: f.Cure})
	}
}

func (k *checkup) warnings(warnings []string) {
	for _, w := range warnings {
		k.find(finding{Level: levelWarn, Problem: w})
	}
}

// keyring checks the configuration of one keyring.
func (k *checkup) keyring(path string) {
	c, err := anyconf.Read(path, k.base)
	if err != nil {
		if c != nil {
			k.warnings(c.Warnings)
		}
		k.faults(err)
		return
	}
	defer c.Wipe()
	k.what("%s: %s", c.Kind, c.Path)
	k.warnings(c.Warnings)
	switch {
	case c.KMIP != nil:
		k.kmip(c.Path, *c.KMIP)
	case c.File != nil:
		if c.File.Path != c.Path {
			k.readOnlyMissing(c.Path)
		}
		k.dataFile(c, true)
	case c.KMS != nil, c.AWS != nil:
		k.aws(c)
	}
}

// readOnlyMissing finds what MySQL's component_keyring_file does not forgive:
// without read_only it does not start.
func (k *checkup) readOnlyMissing(file string) {
	o, ok := config.OpenFile(config.Reader{File: file, Base: k.base, Now: time.Now})
	if !ok {
		return
	}
	defer o.Wipe()
	if !o.Has("read_only") {
		k.find(finding{Level: levelFail, Option: "read_only", File: file, Problem: "it is missing, and component_keyring_file does not start without it", Cure: `Write "read_only": false.`})
	}
}

// kmip checks the files and the servers of KMIP options.
func (k *checkup) kmip(file string, o backend.Options) {
	files := []string{file, o.ServerCAFile, o.ClientCertFile, o.ClientKeyFile}
	if o.ClientKeyPassword != nil && o.Profile == backend.ProfileOKV {
		files = append(files, filepath.Join(filepath.Dir(o.ClientKeyFile), config.PasswordName))
	}
	for _, file := range files {
		k.file(file)
	}
	k.servers(o, neededOperations(o.Profile))
}

// file adds a file to the table.
func (k *checkup) file(path string) {
	info, err := os.Stat(path)
	if err != nil || slices.ContainsFunc(k.Files, func(f checkedFile) bool { return f.Path == path }) {
		return
	}
	f := checkedFile{Path: path, Mode: fmt.Sprintf("%04o", info.Mode().Perm()), Owner: "-"}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		f.Owner = strconv.FormatUint(uint64(st.Uid), 10)
		if u, err := user.LookupId(f.Owner); err == nil {
			f.Owner = u.Username
		}
	}
	if certs, err := pemkey.LoadCertificates(path); err == nil {
		f.Subject, f.Until = certs[0].Subject.String(), &certs[0].NotAfter
	}
	k.Files = append(k.Files, f)
}

// component checks a component that a manifest names: its library and its
// configuration.
func (k *checkup) component(name string, s mysqlServer) {
	if s.pluginDir == "" {
		k.find(finding{Level: levelNote, Problem: "the plugin directory is not known, so the library and the configuration of " + name + " were not looked at", Cure: "Give --plugin-dir."})
		return
	}
	k.library(name+".so", s.pluginDir)
	cnf := filepath.Join(s.pluginDir, name+".cnf")
	switch name {
	case config.ComponentKMIP:
		k.componentKMIP(cnf, s)
		return
	case perconakms.Component:
		k.componentKMS(cnf, s)
		return
	}
	if _, err := os.Stat(cnf); err != nil {
		k.find(finding{Level: levelFail, File: cnf, Problem: "there is no such file: " + name + " has no configuration", Cure: "Write it, in the plugin directory."})
		return
	}
	if name != componentKeyringFile {
		k.find(finding{Level: levelNote, File: cnf, Problem: "dbkeyring does not know the configuration of " + name})
		return
	}
	o := config.Object{Reader: config.Reader{File: cnf}}
	local := o.Load("") && o.Boolean("read_local_config", false)
	o.Wipe()
	if local {
		if s.datadir == "" {
			k.noDatadir(cnf)
			return
		}
		cnf = filepath.Join(s.datadir, name+".cnf")
		if _, err := os.Stat(cnf); err != nil {
			k.find(finding{Level: levelFail, File: cnf, Problem: "there is no such file, and the global one says read_local_config", Cure: "Write it, in the data directory, or take that line out."})
			return
		}
	}
	k.keyring(cnf)
}

func (k *checkup) noDatadir(cnf string) {
	k.find(finding{Level: levelNote, File: cnf, Problem: "it says read_local_config, and the data directory is not known", Cure: "Give --datadir."})
}

// componentKMIP reads the configuration as the component itself does.
func (k *checkup) componentKMIP(cnf string, s mysqlServer) {
	o := config.Object{Reader: config.Reader{File: cnf}}
	local := o.Load("") && o.Boolean("read_local_config", false)
	o.Wipe()
	if local && s.datadir == "" {
		k.noDatadir(cnf)
		return
	}
	if config.IsEnterpriseAt(s.pluginDir, s.datadir, "") {
		e, report, err := enterprise.Read(s.pluginDir, s.datadir, "")
		defer e.Wipe()
		k.readKMIP(string(anyconf.Enterprise), e.Options, report, err)
		return
	}
	p, report, err := percona.Read(s.pluginDir, s.datadir, "")
	defer p.Wipe()
	k.readKMIP(string(anyconf.Percona), p.Options, report, err)
}

// readKMIP goes on with what a dialect has read.
func (k *checkup) readKMIP(kind string, o backend.Options, report config.Report, err error) {
	k.what("%s: %s", kind, report.File)
	k.warnings(report.Warnings)
	if err != nil {
		k.faults(err)
		return
	}
	k.kmip(report.File, o)
}

// okvDirectory reads a keyring_okv_conf_dir, whatever is in it.
func (k *checkup) okvDirectory(dir string) {
	o, report, err := okv.Read(dir)
	defer o.Wipe()
	k.readKMIP(string(anyconf.OKV), o.Options, report, err)
}

// library looks for a component or a plugin.
func (k *checkup) library(name, pluginDir string) bool {
	file := filepath.Join(pluginDir, name)
	info, err := os.Stat(file)
	switch {
	case err != nil:
		k.find(finding{Level: levelFail, File: file, Problem: config.OSReason(err), Cure: "Install it there, or correct plugin_dir."})
		return false
	case !info.Mode().IsRegular() || !bytes.HasPrefix(head(file), []byte("\x7fELF")):
		k.find(finding{Level: levelFail, File: file, Problem: "it is not a shared library", Cure: "Install the right file there."})
		return false
	case info.Mode()&0o022 != 0:
		k.find(finding{Level: levelWarn, File: file, Problem: "others than its owner can change it", Cure: "chmod go-w " + file})
	}
	k.file(file)
	return true
}
