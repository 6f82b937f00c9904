//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The document's manifest and configuration: two slashes, for mysqld takes the
// document's three for a folder's; each form of kms_key; keys of every type and size;
// the file, which another program reads; and all of it after a restart.
func TestKMS(t *testing.T) {
	t.Parallel()
	k := sharedKMS(t)
	m := newMySQL(t, "--skip-log-bin").useKMS(k)
	c := m.kmsConfig(k.url, k.newKey(region))
	m.setKMS(c)

	m.manifest(`{"read_local_manifest": false, "components": "file:///` + kmsComponent + `"}`)
	if err := m.tryStart(); err == nil || !strings.Contains(err.Error(), "Failed to load components from manifest file") {
		t.Fatalf("with three slashes: %v", err)
	}
	m.manifest(`{"read_local_manifest": false, "components": "file://` + kmsComponent + `"}`)
	m.start().functions()
	if _, err := os.Stat(m.kmsFile()); err == nil {
		t.Error("there is a data file before there is a key")
	}
	rows := m.statusRows()
	if len(rows) == 0 || rows[0][0] != "Component_name" || rows[0][1] != kmsComponent {
		t.Fatalf("the first status row shall be Component_name: %q", rows)
	}
	for key, want := range map[string]string{"Component_status": "Active", "Data_file": m.kmsFile(), "Read_only": "No", "KeyId": c["kms_key"].(string)} {
		if got := m.status(key); got != want {
			t.Errorf("status row %s = %q, want %q", key, got, want)
		}
	}

	t.Log("each form of kms_key")
	keys := map[string]readKey{}
	for i, form := range []string{"UUID", "alias/NAME", "NAME", "ARN", "ARN of the alias"} {
		arn, name := k.newKey(region), fmt.Sprintf("e2e-%d-%d", os.Getpid(), i)
		k.call(region, "CreateAlias", map[string]any{"AliasName": "alias/" + name, "TargetKeyId": arn})
		prefix, uuid, _ := strings.Cut(arn, "key/")
		m.setKMS(c.with(config{"kms_key": map[string]string{
			"UUID": uuid, "alias/NAME": "alias/" + name, "NAME": name, "ARN": arn, "ARN of the alias": prefix + "alias/" + name,
		}[form]}))
		m.exec("ALTER INSTANCE RELOAD KEYRING")
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", form)
		keys[form] = readKey{User: "root@localhost", ID: form, Type: "AES", ARN: arn}
	}

	t.Log("types and sizes")
	arn := keys["ARN of the alias"].ARN
	for i, f := range []struct {
		typ   string
		bytes int
		ok    bool
	}{
		{"AES", 16, true}, {"AES", 24, true}, {"AES", 32, true}, {"aes", 7, true}, {"RSA", 1024, true}, {"DSA", 384, true},
		{"SECRET", 1, true}, {"SECRET", 4095, true}, {"SECRET", 4096, true}, {"SECRET", 4097, false}, {"RSA", 16384, false},
	} {
		for _, how := range []string{"generate", "store"} {
			id, before, want := fmt.Sprint(how, i), len(m.log()), "1"
			if !f.ok {
				want = "NULL"
			}
			if how == "generate" {
				m.want(want, "SELECT keyring_key_generate(?, ?, ?)", id, f.typ, f.bytes)
			} else {
				m.want(want, "SELECT keyring_key_store(?, ?, ?)", id, f.typ, strings.Repeat("k", f.bytes))
			}
			if !f.ok {
				m.want("NULL", "SELECT keyring_key_fetch(?)", id)
				m.logged(before, id, strconv.Itoa(f.bytes), "4096")
				continue
			}
			m.want(strconv.Itoa(f.bytes), "SELECT keyring_key_length_fetch(?)", id)
			m.want(f.typ, "SELECT keyring_key_type_fetch(?)", id)
			m.want("NULL", "SELECT keyring_key_generate(?, ?, ?)", id, f.typ, f.bytes) // it exists
			keys[id] = readKey{User: "root@localhost", ID: id, Type: f.typ, ARN: arn}
		}
	}
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	for id, key := range keys {
		key.Key = m.value("SELECT HEX(keyring_key_fetch(?))", id)
		keys[id] = key
	}

	t.Log("another program reads the file")
	read := k.readKMSFile(m.kmsFile())
	for id, want := range keys {
		if got := read[id]; got != want {
			t.Errorf("%s is in the file as\n%+v, and shall be\n%+v", id, got, want)
		}
	}
	master := "INNODBKey-" + m.value("SELECT @@server_uuid") + "-1"
	if got := read[master]; len(read) != len(keys)+1 || got.User != "" || got.Type != "AES" || len(got.Key) != 64 {
		t.Errorf("%d keys are in the file, of InnoDB %+v; want %d and one of InnoDB", len(read), got, len(keys))
	}
	if text := readFile(t, m.kmsFile()); strings.Contains(text, keys["UUID"].Key) || strings.Contains(text, fmt.Sprintf("%X", strings.Repeat("k", 24))) {
		t.Error("a key is readable in the file")
	}

	t.Log("after a restart, whatever kms_key says then")
	m.restart()
	for id, want := range keys {
		m.want(want.Key, "SELECT HEX(keyring_key_fetch(?))", id)
		m.want(want.Type, "SELECT keyring_key_type_fetch(?)", id)
	}
	m.want("42", "SELECT v FROM e2e.t")
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
	m.want("42", "SELECT v FROM e2e.t")
	m.stop()
}

// The functions, as MySQL's own file keyring has them: owners, names, RELOAD, restart.
func TestKMSFunctions(t *testing.T) {
	t.Parallel()
	testFunctions(t, newMySQL(t, "--skip-log-bin").useKMS(sharedKMS(t)))
}

// Tables, redo log and binary log.
func TestKMSEncryption(t *testing.T) {
	t.Parallel()
	testEncryption(t, newMySQL(t).useKMS(sharedKMS(t)))
}

// A file of Percona's component works as it is; what read_only says is done; and what
// ours adds leaves the rest of the file as it was.
func TestKMSFileOfPercona(t *testing.T) {
	t.Parallel()
	k := sharedKMS(t)
	m := newMySQL(t, "--skip-log-bin").useKMS(k)
	arn := k.newKey(region)
	secret := "what Percona's component has stored"
	file := perconaFile(
		element{"", "INNODBKey-of-another-server-1", "AES", perconaData(k.encrypt(region, arn, []byte(strings.Repeat("A", 32))))},
		element{"root@localhost", "of root", "SECRET", perconaData(k.encrypt(region, arn, []byte(secret)))},
		element{"app@%", "of root", "rsa", strings.ToLower(perconaData(k.encrypt(region, arn, []byte("another owner's"))))},
	)
	writeFile(t, m.kmsFile(), file, 0o640)
	// Percona's component does not remember which KMS key it was.
	c := m.kmsConfig(k.url, k.newKey(region))

	m.setKMS(c.with(config{"read_only": true}))
	m.start().functions()
	m.want(secret, "SELECT keyring_key_fetch('of root')")
	m.want("SECRET", "SELECT keyring_key_type_fetch('of root')")
	m.want("3", "SELECT COUNT(*) FROM performance_schema.keyring_keys")
	if got := m.status("Read_only"); got != "Yes" {
		t.Errorf("status row Read_only = %q", got)
	}
	before := len(m.log())
	for _, refused := range []string{"keyring_key_generate('new', 'AES', 32)", "keyring_key_store('new', 'SECRET', 'x')", "keyring_key_remove('of root')"} {
		m.want("NULL", "SELECT "+refused)
	}
	if err := m.try("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'"); err == nil {
		t.Error("a table was encrypted with a new key in a read-only keyring")
	}
	m.logged(before, "the keyring is read only", "of root")
	if readFile(t, m.kmsFile()) != file {
		t.Error("a read-only file was changed")
	}

	// The document has the words true and false in quotes.
	m.setKMS(c.with(config{"read_only": "false", "read_local_config": "false"}))
	before = len(m.log())
	m.exec("ALTER INSTANCE RELOAD KEYRING")
	m.logged(before, "[Warning]", "read_only (", "read_local_config (")
	m.want("1", "SELECT keyring_key_generate('new', 'AES', 32)")
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	after := readFile(t, m.kmsFile())
	if !strings.HasPrefix(strings.ToLower(after), strings.ToLower(strings.TrimSuffix(file, "]}"))) {
		t.Errorf("the old keys are written with other bytes:\n%s\n%s", file, after)
	}
	m.want("1", "SELECT keyring_key_remove('of root')")
	m.restart()
	m.want("NULL", "SELECT keyring_key_fetch('of root')")
	m.want("42", "SELECT v FROM e2e.t")
	if got := k.readKMSFile(m.kmsFile())["of root"]; got.User != "app@%" || got.Key != fmt.Sprintf("%X", "another owner's") {
		t.Errorf("the other owner's key is %+v", got)
	}
	if left, _ := filepath.Glob(m.kmsFile() + "*"); len(left) > 2 {
		t.Errorf("beside the file there are %v", left)
	}
	m.stop()
}
