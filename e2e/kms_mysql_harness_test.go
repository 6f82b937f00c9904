//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
)

// The modules under test that AWS KMS stands behind.
const (
	kmsComponent = perconakms.Component
	awsPlugin    = keyringaws.Plugin
)

// kmsFile is where the tests have component_keyring_kms keep its keys.
func (m *MySQL) kmsFile() string {
	m.t.Helper()
	dir := m.path("keyring-mysql")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		m.t.Fatal(err)
	}
	return filepath.Join(dir, "aws-keyring-data")
}

// kmsConfig is a configuration as the document shows it, and the endpoint.
func (m *MySQL) kmsConfig(url, key string) config {
	return config{
		"read_local_config": false, "path": m.kmsFile(), "region": region, "kms_key": key,
		"auth_key": accessKey.AccessKeyID, "secret_access_key": accessKey.SecretAccessKey, "endpoint": url,
	}
}

// useKMS makes component_keyring_kms the keyring, over a KMS key of its own.
func (m *MySQL) useKMS(k *awsKMS) *MySQL {
	m.t.Helper()
	m.Env = append(m.Env, awsEnv...)
	return m.useComponent(kmsComponent, m.kmsConfig(k.url, k.newKey(region)))
}

// setKMS writes the component's configuration.
func (m *MySQL) setKMS(c config) {
	m.t.Helper()
	c.write(m.t, m.path("plugins", kmsComponent+".cnf"))
}

// awsDir is the folder of keyring_aws's two files.
func (m *MySQL) awsDir() string { return m.path("mysql-keyring") }

func (m *MySQL) awsConf() string { return filepath.Join(m.awsDir(), "keyring_aws_conf") }
func (m *MySQL) awsData() string { return filepath.Join(m.awsDir(), "keyring_aws_data") }

// useAWS makes the plugin keyring_aws the keyring, with the files and the lines of
// the document, and more lines in the option file.
func (m *MySQL) useAWS(url string, more ...string) *MySQL {
	m.t.Helper()
	m.installModules("lib")
	m.noManifest()
	if err := os.MkdirAll(m.awsDir(), 0o750); err != nil {
		m.t.Fatal(err)
	}
	m.setAWSConf(accessKey)
	lines := append([]string{"[mysqld]", "early-plugin-load=" + awsPlugin + ".so",
		keyringaws.VariableConf + "=" + m.awsConf(), keyringaws.VariableData + "=" + m.awsData()}, more...)
	m.OptionFile = m.path("run/my.cnf")
	writeFile(m.t, m.OptionFile, strings.Join(lines, "\n")+"\n", 0o644)
	m.Env = append(m.Env, append(awsEnv, "AWS_ENDPOINT_URL_KMS="+url)...)
	return m
}

// setAWSConf writes the document's two lines, and lines of ours.
func (m *MySQL) setAWSConf(c awskms.Credentials, more ...string) {
	m.t.Helper()
	text := strings.Join(append([]string{c.AccessKeyID, c.SecretAccessKey}, more...), "\n") + "\n"
	writeFile(m.t, m.awsConf(), text, 0o640)
}

// cmk is the line of the option file that names the KMS key.
func cmk(arn string) string { return keyringaws.VariableKey + "=" + arn }

// awsFunctions creates the plugin's functions, as the document does, and the one that
// it misspells.
func (m *MySQL) awsFunctions() *MySQL {
	m.t.Helper()
	for _, name := range []string{"cms", "cmk", "keys"} {
		m.exec("CREATE FUNCTION keyring_aws_rotate_" + name + " RETURNS INTEGER SONAME '" + awsPlugin + ".so'")
	}
	return m
}

// logged wants each text in the log since an offset.
func (m *MySQL) logged(since int, want ...string) {
	m.t.Helper()
	said := m.log()[since:]
	for _, text := range want {
		if !strings.Contains(said, text) {
			m.t.Errorf("the log lacks %q:\n%s", text, said)
		}
	}
}

// stubKMS is kmstest with a KMS key in it.
func stubKMS(t testing.TB) (s *kmstest.Server, arn string) {
	t.Helper()
	s = kmstest.New(t)
	return s, s.NewKey(region)
}

// element is a key in component_keyring_kms's file.
type element struct{ user, id, typ, data string }

// perconaData is a key as Percona's component writes it: the hexadecimal digits of the
// base64 text of the blob.
func perconaData(blob []byte) string {
	return strings.ToUpper(hex.EncodeToString([]byte(base64.StdEncoding.EncodeToString(blob))))
}

// blobOf undoes perconaData.
func blobOf(t testing.TB, data string) []byte {
	t.Helper()
	text, err := hex.DecodeString(data)
	if err == nil {
		text, err = base64.StdEncoding.DecodeString(string(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// perconaFile is a whole file, put together by hand.
func perconaFile(elements ...element) string {
	var list []string
	for _, e := range elements {
		list = append(list, fmt.Sprintf(`{"user":"%s","data_id":"%s","data_type":"%s","data":"%s","extension":[]}`, e.user, e.id, e.typ, e.data))
	}
	return `{"version":"1.0","elements":[` + strings.Join(list, ",") + `]}`
}

// readKey is a key as another program sees it.
type readKey struct {
	User string `json:"user"`
	ID   string `json:"data_id"`
	Type string `json:"data_type"`
	Key  string `json:"key"` // hexadecimal
	ARN  string `json:"arn"` // of the KMS key
}

// readKMSFile has a Python program, which has nothing in common with ours, read
// component_keyring_kms's file and AWS KMS decrypt what is in it.
func (k *awsKMS) readKMSFile(file string) map[string]readKey {
	k.t.Helper()
	out, err := command(k.t, time.Minute, "/usr/bin/python3", "-I", filepath.Join(suite.root, "e2e/testdata/kms_reader.py"), file, k.url, region)
	if err != nil {
		k.t.Fatalf("kms_reader.py: %v: %s", err, out)
	}
	var keys []readKey
	if err := json.Unmarshal([]byte(out), &keys); err != nil {
		k.t.Fatalf("%v: %s", err, out)
	}
	all := map[string]readKey{}
	for _, key := range keys {
		all[key.ID] = key
	}
	if len(all) != len(keys) {
		k.t.Fatalf("an id stands twice in %s: %v", file, keys)
	}
	return all
}
