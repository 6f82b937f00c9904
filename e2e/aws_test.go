//go:build e2e

package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// awsLine is a key in keyring_aws's data file.
type awsLine struct {
	ID    string `json:"id"`
	Owner string `json:"owner"`
	Type  string `json:"type"`
	Key   string `json:"key"`
	Data  []byte `json:"data"`
}

// awsKeys reads the data file: the header's generation, and the keys by their names.
func (m *MySQL) awsKeys() (generation int, keys map[string]awsLine) {
	m.t.Helper()
	lines := strings.Split(strings.TrimSuffix(readFile(m.t, m.awsData()), "\n"), "\n")
	var header struct{ Generation, Keys int }
	if err := json.Unmarshal([]byte(lines[0]), &header); err != nil {
		m.t.Fatalf("%v: %s", err, lines[0])
	}
	keys = map[string]awsLine{}
	for _, line := range lines[1:] {
		var k awsLine
		if err := json.Unmarshal([]byte(line), &k); err != nil {
			m.t.Fatalf("%v: %s", err, line)
		}
		keys[k.ID] = k
	}
	if len(keys) != header.Keys {
		m.t.Errorf("%d keys in the file, and %d in its header", len(keys), header.Keys)
	}
	return header.Generation, keys
}

// content has AWS KMS decrypt a line of the data file.
func (k *awsKMS) content(region string, l awsLine) []byte {
	k.t.Helper()
	plain, arn := k.decrypt(region, l.Data, awskms.ContextOf(keyring.ID{Name: l.ID, Owner: l.Owner}, l.Type))
	if arn != l.Key {
		k.t.Errorf("the file names %s for %s, which is encrypted under %s", l.Key, l.ID, arn)
	}
	return plain
}

// The document's procedure, word for word, and what it promises of the keys.
func TestAWS(t *testing.T) {
	t.Parallel()
	k := sharedKMS(t)
	m := newMySQL(t, "--skip-log-bin").useAWS(k.url)

	t.Log("the server starts without a CMK, makes the storage file, and refuses to write")
	m.start().functions()
	m.want("ACTIVE", "SELECT PLUGIN_STATUS FROM INFORMATION_SCHEMA.PLUGINS WHERE PLUGIN_NAME = ?", awsPlugin)
	if generation, keys := m.awsKeys(); generation != 1 || len(keys) != 0 {
		t.Errorf("the new storage file has generation %d and %d keys", generation, len(keys))
	}
	m.awsFunctions()
	before := len(m.log())
	m.want("NULL", "SELECT keyring_key_generate('MyKey', 'AES', 32)")
	m.want("NULL", "SELECT keyring_key_store('MyKey', 'SECRET', 'x')")
	m.logged(before, "keyring_aws_cmk_id has to be set", "SET GLOBAL keyring_aws_cmk_id = ")
	for _, f := range []string{"cms", "cmk", "keys"} {
		if err := m.try("SELECT keyring_aws_rotate_" + f + "()"); err == nil || !strings.Contains(err.Error(), "keyring_aws_cmk_id") {
			t.Errorf("keyring_aws_rotate_%s() without a CMK: %v", f, err)
		}
	}

	t.Log("obtain a CMK, and the examples")
	arn := k.newKey(otherRegion) // the document's is in us-west-2
	m.exec("SET GLOBAL keyring_aws_cmk_id = '" + arn + "'")
	m.want("1", "SELECT keyring_key_generate('MyKey', 'AES', 32)")
	m.want("32", "SELECT keyring_key_length_fetch('MyKey')")
	m.want("1", "SELECT keyring_key_remove('MyKey')")
	m.want("NULL", "SELECT keyring_key_fetch('MyKey')")

	t.Log("an id that AWS KMS refuses leaves the old one")
	for _, wrong := range []string{"arn:aws:kms:us-west-2:111122223333:key/abcd1234-ef56-ab12-cd34-ef56abcd1234", "alias/nobody", "no key!", ""} {
		err := m.try("SET GLOBAL keyring_aws_cmk_id = ?", wrong)
		if err == nil || !strings.Contains(err.Error(), "keyring_aws_cmk_id") {
			t.Errorf("SET GLOBAL keyring_aws_cmk_id = %q: %v", wrong, err)
		}
		m.want(arn, "SELECT @@GLOBAL.keyring_aws_cmk_id")
	}
	if err := m.try("SET GLOBAL keyring_aws_cmk_id = DEFAULT"); err == nil {
		t.Error("SET GLOBAL keyring_aws_cmk_id = DEFAULT worked")
	}

	values := testAWSKeys(t, m)
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)", "ALTER INSTANCE ROTATE INNODB MASTER KEY")
	same := func() {
		t.Helper()
		for id, value := range values {
			m.want(value, "SELECT HEX(keyring_key_fetch(?))", id)
		}
		m.want("42", "SELECT v FROM e2e.t")
	}
	generation, first := m.awsKeys()
	for id, line := range first {
		if got := fmt.Sprintf("%X", k.content(otherRegion, line)); values[id] != "" && got != values[id] || line.Key != arn {
			t.Errorf("%s is in the file as %s under %s, and shall be %s under %s", id, got, line.Key, values[id], arn)
		}
	}

	t.Log("rotate within the CMK: the file stays as it is")
	before = len(m.log())
	m.want("1", "SELECT keyring_aws_rotate_cmk()")
	m.logged(before, arn, "of its 25 rotations on demand are used")
	m.want("1", "SELECT keyring_aws_rotate_cms()") // as the document spells it
	if g, now := m.awsKeys(); g != generation || !maps.EqualFunc(first, now, sameLine) {
		t.Error("keyring_aws_rotate_cmk() changed the file")
	}
	if n := len(k.call(otherRegion, "ListKeyRotations", map[string]any{"KeyId": arn})["Rotations"].([]any)); n != 2 {
		t.Errorf("AWS KMS knows of %d rotations", n)
	}
	same()

	t.Log("rotate the keys: each is encrypted anew, and none is another")
	m.want("1", "SELECT keyring_aws_rotate_keys()")
	_, second := m.awsKeys()
	rotated(t, first, second, arn)
	same()

	t.Log("another CMK: new keys are under it, the old ones after keyring_aws_rotate_keys()")
	other := k.newKey(region)
	m.exec("SET GLOBAL keyring_aws_cmk_id = '" + other + "'")
	m.want("1", "SELECT keyring_key_store('late', 'SECRET', 'under the other')")
	values["late"] = fmt.Sprintf("%X", "under the other")
	_, mixed := m.awsKeys()
	if mixed["late"].Key != other || mixed["generateAES32"].Key != arn {
		t.Errorf("the keys are under %s and %s", mixed["late"].Key, mixed["generateAES32"].Key)
	}
	same()
	m.want("1", "SELECT keyring_aws_rotate_keys()")
	_, third := m.awsKeys()
	rotated(t, mixed, third, other)
	same()
	for id, line := range third {
		if got := fmt.Sprintf("%X", k.content(region, line)); values[id] != "" && got != values[id] {
			t.Errorf("%s is %s in the file, and was %s", id, got, values[id])
		}
	}
	listed := m.query("SELECT KEY_OWNER, KEY_ID FROM performance_schema.keyring_keys ORDER BY 1, 2")
	if len(listed) != len(third) {
		t.Errorf("performance_schema lists %d keys, the file %d", len(listed), len(third))
	}

	t.Log("functions are for who has SUPER")
	testAWSSuper(t, m)

	t.Log("SET PERSIST lasts beyond a restart")
	if err := m.try("SET PERSIST keyring_aws_cmk_id = ?", other); err != nil {
		t.Fatal(err)
	}
	m.restart()
	m.want(other, "SELECT @@GLOBAL.keyring_aws_cmk_id")
	same()
	if again := m.query("SELECT KEY_OWNER, KEY_ID FROM performance_schema.keyring_keys ORDER BY 1, 2"); !slices.EqualFunc(listed, again, slices.Equal) {
		t.Errorf("performance_schema.keyring_keys changed by a restart:\n%v\n%v", listed, again)
	}
	m.want("1", "SELECT keyring_key_generate('after', 'AES', 32)")
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
	m.want("42", "SELECT v FROM e2e.t")
	if left, err := os.ReadDir(m.awsDir()); err != nil || len(left) != 2 {
		t.Errorf("the folder has %v, %v", left, err)
	}
	m.stop()
	if strings.Contains(m.log(), accessKey.SecretAccessKey) {
		t.Error("the secret access key is in the log")
	}
}

func sameLine(a, b awsLine) bool { return a.Key == b.Key && string(a.Data) == string(b.Data) }

// rotated wants all keys encrypted anew, under a CMK.
func rotated(t *testing.T, before, after map[string]awsLine, arn string) {
	t.Helper()
	for id, b := range before {
		if a := after[id]; a.Key != arn || string(a.Data) == string(b.Data) || a.Owner != b.Owner || a.Type != b.Type {
			t.Errorf("%s was\n%+v and is\n%+v", id, b, a)
		}
	}
	if len(before) != len(after) {
		t.Errorf("%d keys were in the file, and %d are", len(before), len(after))
	}
}

// testAWSKeys makes a key of each type and length, and some that cannot be. It returns
// those that there are, in hexadecimal.
func testAWSKeys(t *testing.T, m *MySQL) map[string]string {
	values := map[string]string{}
	for _, c := range []struct {
		how, typ string
		bytes    int
		fault    string // what the log says of it, empty: it works
	}{
		{"generate", "AES", 16, ""}, {"generate", "AES", 24, ""}, {"generate", "AES", 32, ""}, {"store", "aes", 32, ""},
		{"generate", "SECRET", 1, ""}, {"generate", "secret", 1024, ""}, {"store", "SECRET", 1, ""}, {"store", "SECRET", 4096, ""},
		{"generate", "SECRET", 1025, "1 to 1024"}, {"store", "SECRET", 4097, "1 to 4096"},
		{"generate", "AES", 33, "16, 24 or 32"}, {"store", "AES", 8, "16, 24 or 32"}, {"generate", "RSA", 128, "AES or SECRET"}, {"store", "DSA", 128, "AES or SECRET"},
	} {
		id, before, want := fmt.Sprint(c.how, c.typ, c.bytes), len(m.log()), "1"
		if c.fault != "" {
			want = "NULL"
		}
		if c.how == "generate" {
			m.want(want, "SELECT keyring_key_generate(?, ?, ?)", id, c.typ, c.bytes)
		} else {
			m.want(want, "SELECT keyring_key_store(?, ?, ?)", id, c.typ, strings.Repeat("k", c.bytes))
		}
		if c.fault != "" {
			m.want("NULL", "SELECT keyring_key_fetch(?)", id)
			m.logged(before, id, strconv.Itoa(c.bytes), c.fault)
			continue
		}
		m.want(strconv.Itoa(c.bytes), "SELECT keyring_key_length_fetch(?)", id)
		m.want(c.typ, "SELECT keyring_key_type_fetch(?)", id)
		values[id] = m.value("SELECT HEX(keyring_key_fetch(?))", id)
		m.want("NULL", "SELECT keyring_key_store(?, ?, 'x')", id, c.typ) // it exists
	}
	return values
}

// testAWSSuper calls the functions as a user without the privilege.
func testAWSSuper(t *testing.T, m *MySQL) {
	m.exec("CREATE USER app@localhost", "GRANT EXECUTE ON *.* TO app@localhost")
	db, err := sql.Open("mysql", "app@unix("+m.socket()+")/")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	generation, _ := m.awsKeys()
	for _, f := range []string{"keyring_aws_rotate_cmk", "keyring_aws_rotate_cms", "keyring_aws_rotate_keys"} {
		if rows, err := queryDB(db, "SELECT "+f+"()"); err == nil || !strings.Contains(err.Error(), "SUPER") {
			t.Errorf("%s() without SUPER: %v, %v", f, rows, err)
		}
		if err := m.try("SELECT " + f + "(1)"); err == nil {
			t.Errorf("%s(1) worked", f)
		}
	}
	if g, _ := m.awsKeys(); g != generation {
		t.Error("a refused function changed the file")
	}
}
