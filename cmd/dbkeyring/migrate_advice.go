package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/config/anyconf"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
)

// sameKeyring says whether both configurations lead to the same keys.
func sameKeyring(a, b *anyconf.Conf) bool {
	switch {
	case a.DataFile() != "" && b.DataFile() != "":
		infoA, errA := os.Stat(a.DataFile())
		infoB, errB := os.Stat(b.DataFile())
		return filepath.Clean(a.DataFile()) == filepath.Clean(b.DataFile()) || errA == nil && errB == nil && os.SameFile(infoA, infoB)
	case a.KMIP != nil && b.KMIP != nil:
		return a.KMIP.Profile == b.KMIP.Profile && slices.Equal(a.KMIP.Servers, b.KMIP.Servers) &&
			a.KMIP.ClientCertFile == b.KMIP.ClientCertFile && a.KMIP.ObjectGroup == b.KMIP.ObjectGroup
	}
	return false
}

// warn says what must not happen during the copy.
func (m *migration) warn() {
	fmt.Fprintln(m.p.stderr, "note: stop the server that uses these keys, or run SET GLOBAL keyring_operations = OFF in it: a key that it makes during the copy is left behind")
	from, to := m.from.conf, m.to.conf
	if from.File != nil || to.File != nil {
		m.warnOf(componentKeyringFile, processesWith("/"+componentKeyringFile+".so"))
	}
	if from.KMS != nil || to.KMS != nil {
		ours := processesWith("/libdbkeyring.so") // which looks at the file before it writes
		pids := processesWith("/" + perconakms.Component + ".so")
		m.warnOf(perconakms.Component, slices.DeleteFunc(pids, func(pid string) bool { return slices.Contains(ours, pid) }))
	}
}

// warnOf warns of processes that would undo the copy.
func (m *migration) warnOf(component string, pids []string) {
	for _, pid := range pids {
		fmt.Fprintf(m.p.stderr, "warning: process %s has %s loaded. If its keyring is one of these two, stop it: it keeps all keys in memory and overwrites the file with them\n", pid, component)
	}
}

// processesWith returns the ids of the processes, as far as we may look, that
// have a file with the suffix mapped.
func processesWith(suffix string) []string {
	var pids []string
	maps, _ := filepath.Glob("/proc/[0-9]*/maps") // the pattern is good
	for _, path := range maps {
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(suffix+"\n")) {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}

// adviseNext says what makes the server use the destination.
func (m *migration) adviseNext() {
	path := m.to.conf.Path
	var next string
	switch m.to.conf.Kind {
	case anyconf.Percona, anyconf.Enterprise:
		next = `write {"components": "file://component_keyring_kmip"} into the manifest mysqld.my beside mysqld, have ` + path +
			" as component_keyring_kmip.cnf in plugin_dir, and restart the server"
	case anyconf.OKV:
		next = "take the other keyring out of mysqld.my, and restart the server with --early-plugin-load=keyring_okv.so --keyring_okv_conf_dir=" + path
	case anyconf.PerconaKMS:
		next = `write {"components": "file://component_keyring_kms"} into the manifest mysqld.my beside mysqld, have ` + path +
			" as component_keyring_kms.cnf in plugin_dir, let " + m.to.conf.DataFile() + " belong to the server's user, and restart the server"
	case anyconf.KeyringAWS:
		next = "take the other keyring out of mysqld.my, let " + m.to.conf.DataFile() + " and its folder belong to the server's user, and restart the server with early-plugin-load=keyring_aws.so and the options of " + path
	case anyconf.File:
		next = `write {"components": "file://component_keyring_file"} into the manifest mysqld.my beside mysqld, and {"path": "` + m.to.conf.File.Path +
			`", "read_only": false} into component_keyring_file.cnf in plugin_dir, let the file belong to the server's user, and restart the server`
	}
	switch kind := m.from.conf.Kind; {
	case kind != anyconf.OKV && kind != anyconf.KeyringAWS:
	case m.to.conf.Kind == anyconf.OKV || m.to.conf.Kind == anyconf.KeyringAWS:
		next = strings.Replace(next, "out of mysqld.my", "out of early-plugin-load", 1)
	default: // a plugin would be loaded besides
		next = "take " + string(kind) + " out of early-plugin-load, " + next
	}
	fmt.Fprintf(m.p.stderr, "next: %s. Keep the keys in %s until that server has read its tables, and while backups need them\n", next, &m.from)
	if m.from.conf.File != nil {
		fmt.Fprintf(m.p.stderr, "note: the keys in %s are not encrypted\n", m.from.conf.File.Path)
	}
}
