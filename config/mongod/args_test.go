package mongod_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/mongod"
)

// Each testdata/NAME.args is a command line, one argument a line, and below a line "--
// FILE ---" the configuration file $DIR/mongod.conf. Outcomes as with TestRead_Golden,
// and what is left for mongod.
func TestReadArgs_Golden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.args")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".args"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir, cwd := folder(t), t.TempDir()
			lines, conf, _ := strings.Cut(strings.ReplaceAll(string(text), "$DIR", dir), "--- FILE ---\n")
			if conf != "" {
				write(t, filepath.Join(dir, mongod.FileName), conf, 0o640)
			}
			var args []string
			if lines != "" {
				args = strings.Split(strings.TrimSuffix(lines, "\n"), "\n")
			}
			o, r, rest, err := mongod.ReadArgs(args, config.Base(cwd))
			got := render(t, o, r, err)
			if err == nil {
				got += fmt.Sprintf("REST %q, file %q\n", rest, r.File)
			}
			golden(t, strings.TrimSuffix(file, ".args")+".args.golden", strings.NewReplacer(dir, "$DIR", cwd, "$CWD").Replace(got))
			if err == nil {
				readBack(t, o, t.TempDir())
			}
			o.Wipe()
		})
	}
}

// Every option, in each form of the command line and as YAML, is the same.
func TestReadArgs_EveryOptionAsInTheFile(t *testing.T) {
	dir := folder(t)
	kmip := [][2]string{{"security.kmip.serverName", "a.test"}, {"security.kmip.clientCertificateFile", dir + "/encrypted.pem"}, {"security.kmip.clientCertificatePassword", "open sesame"}}
	aws := [][2]string{{"security.awsKms.keyId", "alias/a"}, {"security.awsKms.region", "eu-west-1"}}
	credentials := append([][2]string{{"security.awsKms.accessKeyId", "AKIAIOSFODNN7EXAMPLE"}, {"security.awsKms.secretAccessKey", "x"}}, aws...)
	for _, c := range []struct {
		name, cli, value string
		besides          [][2]string
	}{
		{"security.encryptionCipherMode", "encryptionCipherMode", "AES256-CBC", kmip},
		{"security.relaxPermChecks", "relaxPermChecks", "true", [][2]string{{"security.encryptionKeyFile", dir + "/keyfile"}}},
		{"security.encryptionKeyFile", "encryptionKeyFile", dir + "/keyfile", nil},
		{"security.kmip.serverName", "kmipServerName", "b.test,c.test:1", kmip[1:]},
		{"security.kmip.port", "kmipPort", "1234", kmip},
		{"security.kmip.serverCAFile", "kmipServerCAFile", dir + "/ca.pem", kmip},
		{"security.kmip.clientCertificateFile", "kmipClientCertificateFile", dir + "/encrypted.pem", [][2]string{kmip[0], kmip[2]}},
		{"security.kmip.clientCertificatePassword", "kmipClientCertificatePassword", "open sesame", kmip[:2]},
		{"security.kmip.connectRetries", "kmipConnectRetries", "3", kmip},
		{"security.kmip.connectTimeoutMS", "kmipConnectTimeoutMS", "1001", kmip},
		{"security.kmip.keyIdentifier", "kmipKeyIdentifier", "17", kmip},
		{"security.kmip.rotateMasterKey", "kmipRotateMasterKey", "true", kmip},
		{"security.kmip.activateKeys", "kmipActivateKeys", "false", kmip},
		{"security.kmip.keyStatePollingSeconds", "kmipKeyStatePollingSeconds", "-5", kmip},
		{"security.kmip.useLegacyProtocol", "kmipUseLegacyProtocol", "true", kmip},
		{"security.kmip.serverCreatesKey", "kmipServerCreatesKey", "true", kmip},
		{"security.kmip.keyStatePollingAction", "kmipKeyStatePollingAction", "log", kmip},
		{"security.awsKms.keyId", "awsKmsKeyId", "alias/b", aws[1:]},
		{"security.awsKms.region", "awsKmsRegion", "eu-central-1", aws[:1]},
		{"security.awsKms.endpoint", "awsKmsEndpoint", "https://kms.test", aws},
		{"security.awsKms.accessKeyId", "awsKmsAccessKeyId", "AKIAIOSFODNN7EXAMPLE", credentials[1:]},
		{"security.awsKms.secretAccessKey", "awsKmsSecretAccessKey", "xyz", append(aws[:2:2], credentials[0])},
		{"security.awsKms.sessionToken", "awsKmsSessionToken", "xyz", credentials},
		{"security.awsKms.timeoutMS", "awsKmsTimeoutMS", "1234", aws},
		{"security.awsKms.rotateMasterKey", "awsKmsRotateMasterKey", "true", aws},
		{"storage.dbPath", "dbpath", dir + "/db", kmip},
		{"storage.wiredTiger.engineConfig.configString", "wiredTigerEngineConfigString", "cache_size=1G", kmip},
	} {
		base := "security.enableEncryption: true\n"
		for _, b := range c.besides {
			base += b[0] + ": " + b[1] + "\n"
		}
		without, with := filepath.Join(dir, "without.conf"), filepath.Join(dir, "with.conf")
		write(t, without, base, 0o600)
		write(t, with, base+c.name+": "+c.value+"\n", 0o600)
		o, _, err := mongod.Read(with, "")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		forms := [][]string{{"--" + c.cli + "=" + c.value}, {"--" + c.cli, c.value}, {"-" + c.cli, c.value}}
		if c.value == "true" {
			forms = append(forms, []string{"--" + c.cli})
		}
		for _, form := range forms {
			args := append([]string{"--config", without}, form...)
			viaArgs, r, rest, err := mongod.ReadArgs(args, "")
			if err != nil {
				t.Errorf("%q: %v", args, err)
				continue
			}
			if d := cmp.Diff(values(t, o), values(t, viaArgs)); d != "" {
				t.Errorf("%q: %s", args, d)
			}
			if c.cli == "dbpath" {
				if d := cmp.Diff(form, rest); d != "" {
					t.Errorf("dbpath is mongod's, too: %s", d)
				}
			} else if len(rest) != 0 {
				t.Errorf("%q is left of %q", rest, args)
			}
			if hidden := strings.HasSuffix(c.cli, "Password") || strings.HasSuffix(c.cli, "SecretAccessKey") || strings.HasSuffix(c.cli, "SessionToken"); hidden != strings.Contains(fmt.Sprint(r.Warnings), "command lines of running programs") {
				t.Errorf("%q: %q", args, r.Warnings)
			}
		}
	}
}

func TestReadArgs_NoConfigurationFile(t *testing.T) {
	_, _, _, err := mongod.ReadArgs([]string{"-f", "absent.conf"}, "/nowhere")
	if want := "/nowhere/absent.conf: there is no such file. Correct the path behind --config, or write the file."; err == nil || err.Error() != want {
		t.Error(err)
	}
}
