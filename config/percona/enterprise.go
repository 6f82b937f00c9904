package percona

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// isEnterprise says whether the file is one of MySQL Enterprise's component of
// the same name, which has other options.
func (r *reader) isEnterprise() bool {
	if _, ok := r.members["server_addr"]; ok {
		return false
	}
	return slices.ContainsFunc(enterprise, func(name string) bool {
		_, ok := r.members[name]
		return ok
	})
}

// enterpriseFault says which options to write instead, with the file's values.
func (r *reader) enterpriseFault() {
	var found []string
	for _, name := range enterprise {
		if _, ok := r.members[name]; ok {
			found = append(found, name)
		}
	}
	servers := append(r.strings("server"), r.strings("standby_server")...)
	if len(servers) == 0 {
		servers = []string{"HOST:PORT"}
	}
	dir := "DIRECTORY"
	if d := r.strings("kmip_configuration_directory"); len(d) == 1 {
		dir = d[0]
	}
	list, _ := json.Marshal(servers) // strings always marshal
	in := func(name string) string { return filepath.Join(dir, "ssl", name) }
	r.fileFault(r.line(found[0]),
		strings.Join(found, ", ")+": these are options of MySQL Enterprise's component of the same name; this one takes Percona's",
		fmt.Sprintf(`Write "server_addr": %s, "client_ca": %q, "client_key": %q, "server_ca": %q and, if the key has a password, "client_key_password_file": %q.`,
			list, in("cert.pem"), in("key.pem"), in("CA.pem"), in("password.txt")), nil)
}

// strings returns an option that is a string or a list of strings, as far as it is.
func (r *reader) strings(option string) []string {
	m, ok := r.members[option]
	if !ok {
		return nil
	}
	var one string
	if json.Unmarshal(m.Value, &one) == nil {
		return []string{one}
	}
	var many []string
	_ = json.Unmarshal(m.Value, &many) // what is neither is not quoted in the cure
	return many
}
