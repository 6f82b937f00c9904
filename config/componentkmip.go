package config

import (
	"path/filepath"
	"slices"
	"strings"
)

// Two products have a component_keyring_kmip, each with a configuration file
// component_keyring_kmip.cnf: Percona Server and MySQL Enterprise. The files are
// told apart by their options.

// ComponentKMIP is the name of both components.
const ComponentKMIP = "component_keyring_kmip"

// PerconaNames are the options that only Percona's file has, ours for it among them.
func PerconaNames() []string {
	return []string{
		"server_addr", "server_port", "client_ca", "client_key", "server_ca", "object_group", "max_objects",
		"tls_peer_verification", "client_key_password", "client_key_password_file", "inactive_keys",
	}
}

// EnterpriseNames are the options that only MySQL Enterprise's file has, ours for
// it among them.
func EnterpriseNames() []string {
	return []string{"kmip_configuration_directory", "server", "standby_server", "cache_keys", "connect_timeout_ms"}
}

// CommonNames are the options that both files have.
func CommonNames() []string {
	return []string{"read_local_config", "kmip_timeout_ms", "start_timeout_ms", "kmip_version", "tls_hostname_verification"}
}

// IsEnterprise says whether the file has MySQL Enterprise's options and none of
// Percona's. A file that cannot be read is none.
func IsEnterprise(file string) bool {
	o := Object{Reader: Reader{File: file}}
	if !o.Load("") {
		return false
	}
	defer o.Wipe()
	return o.isEnterprise()
}

// IsEnterpriseAt is IsEnterprise of the file that counts: the one in
// componentDir or, if that one says read_local_config, the one in instanceDir.
// An empty instanceDir is the base.
func IsEnterpriseAt(componentDir, instanceDir string, base Base) bool {
	if instanceDir == "" {
		instanceDir = string(base)
	}
	const name = ComponentKMIP + ".cnf"
	o := Object{Reader: Reader{File: filepath.Join(componentDir, name)}}
	if !o.Load("") {
		return false
	}
	defer o.Wipe()
	if !o.Boolean("read_local_config", false) {
		return o.isEnterprise()
	}
	return IsEnterprise(filepath.Join(instanceDir, name))
}

func (o *Object) isEnterprise() bool {
	return o.among(EnterpriseNames()) != nil && o.among(PerconaNames()) == nil
}

// among returns which of the names are in the file.
func (o *Object) among(names []string) []string {
	var found []string
	for _, name := range names {
		if o.Has(name) {
			found = append(found, name)
		}
	}
	return found
}

// CheckProduct records a fault, and returns false, if the file has options of
// both products, since it cannot be told which count, or only those of the other.
func (o *Object) CheckProduct(enterprise bool) bool {
	percona, oracle := o.among(PerconaNames()), o.among(EnterpriseNames())
	fault := func(names []string, problem, cure string) bool {
		line := o.Lines[names[0]]
		for _, name := range names {
			line = min(line, o.Lines[name])
		}
		o.FileFault(line, problem, cure, nil)
		return false
	}
	switch {
	case percona != nil && oracle != nil:
		return fault(slices.Concat(percona, oracle),
			"it mixes the options of two components of the same name: Percona Server's ("+strings.Join(percona, ", ")+
				") and MySQL Enterprise's ("+strings.Join(oracle, ", ")+")",
			"Keep the options of one: server_addr, server_port, client_ca, client_key and server_ca, or kmip_configuration_directory and server.")
	case enterprise && percona != nil:
		return fault(percona, "its options are those of Percona Server's component of the same name ("+strings.Join(percona, ", ")+")", "Name a file of MySQL Enterprise's.")
	case !enterprise && oracle != nil:
		return fault(oracle, "its options are those of MySQL Enterprise's component of the same name ("+strings.Join(oracle, ", ")+")", "Name a file of Percona Server's.")
	}
	return true
}

// OpenLocal loads the global file in componentDir and, if that one says
// read_local_config, the local one in instanceDir in its place (nothing is
// merged). An empty instanceDir is the base. It returns the file that counts,
// with faults recorded in it, and whether it was read.
func OpenLocal(r Reader, componentDir, instanceDir, name, cureIfAbsent string) (*Object, bool) {
	if instanceDir == "" {
		instanceDir = string(r.Base)
	}
	r.DataDir = instanceDir
	r.File = filepath.Join(componentDir, name)
	r.Report.File = r.File
	global := &Object{Reader: r}
	if !global.Load(cureIfAbsent) {
		return global, false
	}
	if !global.Boolean("read_local_config", false) {
		return global, true
	}
	defer global.Wipe()
	if len(global.Members) > 1 {
		global.Note("%s says read_local_config: its other options do not count", global.File)
	}
	if len(global.Faults) > 0 { // about read_local_config itself, or all of the file
		return global, false
	}
	global.CheckOwner("", global.File)
	r.Report = global.Report
	r.File = filepath.Join(instanceDir, name)
	r.Report.File = r.File
	local := &Object{Reader: r}
	if !local.Load("The global file " + global.File + " says \"read_local_config\": true. Put the configuration into the data directory, or take that line out.") {
		return local, false
	}
	if local.Boolean("read_local_config", false) {
		local.Warn("read_local_config", "it has no effect in the local file")
	}
	return local, true
}

// OpenFile loads one configuration file, whatever its name, for tools that have
// no data directory.
func OpenFile(r Reader) (*Object, bool) {
	o := &Object{Reader: r}
	o.Report.File = r.File
	if !o.Load("Name the configuration file of the component.") {
		return o, false
	}
	if o.Boolean("read_local_config", false) {
		o.Fault("read_local_config", "the options stand in the file of the same name in the data directory", "Name that file instead.", nil)
		o.Wipe()
		return o, false
	}
	return o, true
}
