package mongod_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/mongod"
)

// The document's example, with its values put in.
const document = `security:
  enableEncryption: true
  kmip:
    serverName: <kmip_server_name>
    port: 5697
    clientCertificateFile: </path/client_certificate.pem>
    serverCAFile: </path/ca.pem>
    keyIdentifier: <key_name>
`

func TestConfigText_IsTheDocuments(t *testing.T) {
	got := mongod.ConfigText(mongod.Endpoint{
		Server: "<kmip_server_name>", Port: 5697,
		ClientCertificateFile: "</path/client_certificate.pem>", ServerCAFile: "</path/ca.pem>", KeyIdentifier: "<key_name>",
	})
	if d := cmp.Diff(document, string(got)); d != "" {
		t.Error(d)
	}
}

func TestConfigText_ReadsBack(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, mongod.FileName)
	write(t, file, string(mongod.ConfigText(mongod.Endpoint{Server: "::1,b.test:5699", ClientCertificateFile: dir + "/client_certificate.pem", KeyIdentifier: "42"})), 0o644)
	o, r, err := mongod.Read(file, "")
	if err != nil || len(r.Warnings) != 0 {
		t.Fatal(err, r.Warnings)
	}
	if d := cmp.Diff([]string{"[::1]:5696", "b.test:5699"}, o.KMIP.Servers); d != "" || o.KMIP.CAFile != "" || o.KeyIdentifier != "42" {
		t.Error(d, o.KMIP, o.KeyIdentifier)
	}
}

// Whatever characters a value has, Text keeps them.
func TestText_ReadsBack(t *testing.T) {
	dir := folder(t)
	value := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{1,20}`),
		rapid.SampledFrom([]string{"a: b", "# x", "- x", "&a", "*a", "!!binary x", "null", "~", "yes", "0x1F", "1e3", "2001-01-01", "'", `"`, "\\n", "a\nb", " a ", "a\r\nb\n", "{", "%x", "@", "`", "|", "a\tb", "\u2028", "\ufeff", "\u0085", "é"}))
	rapid.Check(t, func(rt *rapid.T) {
		clean := func(name string) string { return strings.ReplaceAll(value.Draw(rt, name), "\x00", "") }
		args := []string{"--enableEncryption", "--dbpath=/" + clean("dbPath"), "--wiredTigerEngineConfigString=" + clean("engine")}
		if rapid.Bool().Draw(rt, "kmip") {
			args = append(args, "--kmipServerName=a.test,[::1]:99", "--kmipClientCertificateFile="+dir+"/client_certificate.pem",
				"--kmipClientCertificatePassword="+clean("password"), "--kmipKeyIdentifier="+clean("id"),
				fmt.Sprint("--kmipConnectRetries=", rapid.IntRange(0, 9).Draw(rt, "retries")),
				fmt.Sprint("--kmipKeyStatePollingSeconds=", rapid.Int32().Draw(rt, "polling")),
				fmt.Sprint("--kmipActivateKeys=", rapid.Bool().Draw(rt, "activate")),
				fmt.Sprint("--kmipRotateMasterKey=", rapid.Bool().Draw(rt, "rotate")))
		} else {
			args = append(args, "--encryptionKeyFile="+dir+"/keyfile", fmt.Sprint("--relaxPermChecks=", rapid.Bool().Draw(rt, "relaxed")))
		}
		o, _, _, err := mongod.ReadArgs(args, "/")
		if err != nil {
			rt.Skip(err)
		}
		defer o.Wipe()
		readBack(t, o, dir)
		if t.Failed() {
			rt.FailNow()
		}
	})
}

const community = `# mongod.conf

# for documentation of all options, see:
#   http://docs.mongodb.org/manual/reference/configuration-options/

# where to write logging data.
systemLog:
  destination: file
  path: "/var/log/mongodb/mongod.log" # the log
security:
  authorization: enabled
  # encryption at rest
  enableEncryption: true
  encryptionCipherMode: AES256-GCM
  relaxPermChecks: true
  kmip:
    serverName: a.test
    clientCertificateFile: /a.pem
    clientCertificatePassword: topsecret
  keyFile: /etc/mongod.keyfile
# Where and how to store data.
storage:
  dbPath: /var/lib/mongodb
security.awsKms.keyId: alias/a
#replication:
`

const communityWithout = `# mongod.conf

# for documentation of all options, see:
#   http://docs.mongodb.org/manual/reference/configuration-options/

# where to write logging data.
systemLog:
  destination: file
  path: "/var/log/mongodb/mongod.log" # the log
security:
  authorization: enabled
  keyFile: /etc/mongod.keyfile
# Where and how to store data.
storage:
  dbPath: /var/lib/mongodb
`

func TestForMongod(t *testing.T) {
	file := filepath.Join(t.TempDir(), mongod.FileName)
	for _, c := range []struct {
		in, out string
		changed bool
	}{
		{community, communityWithout, true},
		{communityWithout, communityWithout, false},
		{"", "", false},
		{"a=b\n", "a=b\n", false},
		{document, "# There are no options but those of encryption.\n", true},
		{"net:\n  port: 1\n" + document, "net:\n  port: 1\n", true},
		{"security.enableEncryption: true\nnet.port: 1\nsecurity: {kmip.port: 1, sasl: {hostName: x}}\n", "net.port: 1\nsecurity: {sasl: {hostName: x}}\n", true},
		{"{\"net\": {\"port\": 1}, \"security\": {\"enableEncryption\": {\"value\": true}}}\n", "{\"net\": {\"port\": 1}}\n", true},
		{"net: {bindIp: {__exec: x, type: string}}\nsecurity: {enableEncryption: true}\n", "net: {bindIp: {__exec: x, type: string}}\n", true},
	} {
		write(t, file, c.in, 0o600)
		text, changed, err := mongod.ForMongod(file)
		if d := cmp.Diff(c.out, string(text)); err != nil || changed != c.changed || d != "" {
			t.Errorf("%s: %v, %v, %s", c.in, err, changed, d)
		}
	}
	for text, want := range map[string]string{
		"a: [":   file + ", line 1: it is not YAML: did not find expected node content. Correct it: mongod.conf is YAML, which is indented with blanks.",
		"absent": file + ": there is no such file. Correct the path, or write the file.",
		"security: {enableEncryption: &a true}\nnet: {ipv6: *a}\n": file + ": it has an anchor (&) at an option of encryption that is used elsewhere (yaml: unknown anchor 'a' referenced). Write out what the aliases (*) stand for.",
	} {
		write(t, file, text, 0o600)
		if text == "absent" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := mongod.ForMongod(file); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// No text makes the reader panic, and what it takes it reads back, with or without the
// options that mongod does not know.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.conf")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("a: &a {a: *a}\nsecurity: &b {kmip: *b}\n")
	dir := folder(f)
	file := filepath.Join(dir, mongod.FileName)
	f.Fuzz(func(t *testing.T, text string) {
		write(t, file, strings.ReplaceAll(text, "$DIR", dir), 0o600)
		o, _, err := mongod.Read(file, config.Base(dir))
		if err != nil {
			if _, ok := errors.AsType[config.Faults](err); !ok {
				t.Fatal(err)
			}
			return
		}
		defer o.Wipe()
		readBack(t, o, dir)
		without, _, err := mongod.ForMongod(file)
		if err != nil {
			return // an anchor
		}
		var node yaml.Node
		if err := yaml.Unmarshal(without, &node); err != nil {
			t.Fatalf("%v: %q", err, without)
		}
		write(t, file, string(without), 0o600)
		plain, _, err := mongod.Read(file, config.Base(dir))
		if err != nil || plain.Enabled {
			t.Fatalf("%v: %q", err, without)
		}
	})
}
