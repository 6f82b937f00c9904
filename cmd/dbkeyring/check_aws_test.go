package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
)

// Each operation that the keyring needs is tried without doing it.
func TestCheckAWSPermissions(t *testing.T) {
	kms := kmstest.New(t)
	access := awskms.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	kms.Credentials(access)
	refused := ""
	kms.SetBefore(func(op string, _ int) *kmstest.Fault {
		if op == refused {
			return &kmstest.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: kms:" + op}
		}
		return nil
	})
	dir := t.TempDir()
	s := keyringaws.Settings{KeyID: kms.NewKey(kmstest.Region), ConfFile: filepath.Join(dir, "conf"), DataFile: filepath.Join(dir, "data")}
	if err := keyringaws.WriteConf(s.ConfFile, access, kms.URL); err != nil {
		t.Fatal(err)
	}
	cnf := filepath.Join(dir, "my.cnf")
	if err := os.WriteFile(cnf, s.OptionFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	for op, want := range map[string]string{
		"":                "Enabled  Decrypt, Encrypt, GenerateDataKey, ReEncrypt",
		"GenerateDataKey": "Enabled  no GenerateDataKey",
		"ReEncrypt":       "kms:ReEncryptFrom and kms:ReEncryptTo",
		"Decrypt":         "kms:Decrypt",
		"DescribeKey":     "-      Decrypt, Encrypt, GenerateDataKey, ReEncrypt",
	} {
		refused = op
		var out bytes.Buffer
		p := &process{ctx: context.Background(), stdin: strings.NewReader(""), stdout: &out, stderr: &out}
		code := run(p, []string{"check", cnf})
		if good := op == "" || op == "DescribeKey"; (code == 0) != good || !strings.Contains(out.String(), want) || strings.Contains(out.String(), access.SecretAccessKey) {
			t.Errorf("%s: exit code %d, want %q:\n%s", op, code, want, out.String())
		}
	}
	// Asking is no operation: nothing was done.
	if n := kms.Requests()["RotateKeyOnDemand"]; n != 0 {
		t.Errorf("the KMS key was rotated %d times", n)
	}
	refused = ""
	access.SecretAccessKey = "another"
	if err := keyringaws.WriteConf(s.ConfFile, access, kms.URL); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run(&process{ctx: context.Background(), stdout: &out, stderr: &out}, []string{"check", cnf, "--timeout", "2s"}); code != exitFailed || !strings.Contains(out.String(), "Correct the access key ID and the secret access key") {
		t.Errorf("exit code %d:\n%s", code, out.String())
	}
}

// awsWorld is an AWS KMS, and the files of both keyrings that use it.
type awsWorld struct {
	testing.TB
	kms              *kmstest.Server
	dir, key         string
	cnf, data        string // component_keyring_kms
	myCnf, pluginKey string // keyring_aws
	pluginData       string
}

var testAccess = awskms.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

func newAWSWorld(t testing.TB) *awsWorld {
	w := &awsWorld{TB: t, kms: kmstest.New(t), dir: t.TempDir()}
	w.kms.Credentials(testAccess)
	w.key, w.pluginKey = w.kms.NewKey(kmstest.Region), w.kms.NewKey(kmstest.Region)
	w.data, w.pluginData = filepath.Join(w.dir, "data"), filepath.Join(w.dir, "made", "data")
	w.cnf, w.myCnf = filepath.Join(w.dir, perconakms.FileName), filepath.Join(w.dir, "my.cnf")
	w.writeCnf(w.cnf, w.key)
	s := keyringaws.Settings{KeyID: w.pluginKey, ConfFile: filepath.Join(w.dir, "conf"), DataFile: w.pluginData}
	if err := keyringaws.WriteConf(s.ConfFile, testAccess, w.kms.URL); err != nil {
		t.Fatal(err)
	}
	w.write(w.myCnf, string(s.OptionFile()))
	return w
}

// writeCnf writes a component_keyring_kms.cnf for the data file.
func (w *awsWorld) writeCnf(file string, keys ...string) {
	w.Helper()
	format := kmsfile.FormatPercona
	if len(keys) > 1 {
		format = kmsfile.FormatDBKeyring
	}
	w.write(file, string(perconakms.ConfigText(perconakms.Settings{Path: w.data, Keys: keys, Format: format, Endpoint: w.kms.URL, Credentials: testAccess})))
}

func (w *awsWorld) write(file, text string) {
	w.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// fill puts n keys into a keyring.
func (w *awsWorld) fill(conf string, n int) {
	w.Helper()
	file := filepath.Join(w.dir, "fill.json")
	writeKeys(w, file, n)
	if code, _, stderr := call(w, "migrate", "--yes", file, conf); code != 0 {
		w.Fatal(stderr)
	}
}

// deny has AWS KMS refuse operations.
func (w *awsWorld) deny(ops ...string) {
	w.kms.SetBefore(func(op string, _ int) *kmstest.Fault {
		if slices.Contains(ops, op) {
			return &kmstest.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: kms:" + op}
		}
		return nil
	})
}

// What can be wrong with the KMS keys and the data files is told, with its cure, once.
func TestCheckAWSFindings(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(w *awsWorld)
		plugin bool
		code   int
		want   []string
		not    string
	}{
		"all is well": {want: []string{"2 keys in $D/data\n", kmstest.Region + "  Enabled  Decrypt, Encrypt\n", "nothing is wrong"}},
		"read only": {spoil: func(w *awsWorld) {
			text, _ := os.ReadFile(w.cnf)
			w.write(w.cnf, strings.Replace(string(text), `"read_only": false`, `"read_only": true`, 1))
			w.deny("Encrypt")
		}, want: []string{"2 keys in", "Enabled  Decrypt\n", "nothing is wrong"}},
		"no Encrypt": {spoil: func(w *awsWorld) { w.deny("Encrypt") }, code: 1,
			want: []string{"2 keys in", "no Encrypt\n", "Allow the user of auth_key kms:Encrypt"}},
		"no Decrypt": {spoil: func(w *awsWorld) { w.deny("Decrypt") }, code: 1,
			want: []string{"no Decrypt\n", "Allow the user of auth_key kms:Decrypt", "/data"}, not: "cannot be opened"},
		"disabled": {spoil: func(w *awsWorld) { w.kms.SetState(w.key, "Disabled") }, code: 1,
			want: []string{"Disabled  -\n", "is not in use (Disabled). Enable it, or name another KMS key."}, not: "cannot be opened"},
		"absent": {spoil: func(w *awsWorld) { w.kms.Drop(w.key) }, code: 1,
			want: []string{"does not exist (NotFoundException)", kmstest.Region + "  -      -\n"}},
		"not for keyrings": {spoil: func(w *awsWorld) {
			w.writeCnf(w.cnf, w.kms.NewKeyOf(kmstest.Region, "GENERATE_VERIFY_MAC", "HMAC_256"))
		}, code: 1,
			want: []string{"is for something else", "Name another KMS key."}},
		"damaged": {spoil: func(w *awsWorld) {
			info, _ := os.Stat(w.data)
			text, _ := os.ReadFile(w.data)
			text[len(text)-30] ^= 1
			w.write(w.data, string(text))
			_ = os.Chtimes(w.data, info.ModTime(), info.ModTime()) // not another program's
		}, code: 1, want: []string{"/data: it cannot be opened: ", "Restore"}, not: ".."},
		"no file yet": {spoil: func(w *awsWorld) { os.Remove(w.data) }, want: []string{"there is no such file: the keyring is empty"}},
		"two regions": {spoil: func(w *awsWorld) { w.writeCnf(w.cnf, w.key, w.kms.NewKey("us-west-2")) },
			want: []string{kmstest.Region + "  Enabled", "us-west-2     Enabled", "nothing is wrong"}},

		"plugin": {plugin: true, want: []string{"3 keys in $D/made/data", "Enabled  Decrypt, Encrypt, GenerateDataKey, ReEncrypt\n",
			"0 of 25 rotations on demand used by arn:", "$D/conf"}},
		"plugin, no cmk_id": {plugin: true, spoil: func(w *awsWorld) { w.without(keyringaws.VariableKey) },
			want: []string{"3 keys in", "keyring_aws_cmk_id ($D/my.cnf): it is not set"}, not: "KMS key  "},
		"plugin, rotations not to be seen": {plugin: true, spoil: func(w *awsWorld) { w.deny("ListKeyRotations") },
			want: []string{"3 keys in", "note  how many rotations on demand are left for keyring_aws_rotate_cmk() is not known: "}},
		"plugin, no rotation left": {plugin: true, spoil: func(w *awsWorld) {
			client, err := awskms.New(w.Context(), w.kms.Options())
			for range awskms.MaxOnDemandRotations {
				err = errors.Join(err, client.Rotate(w.Context(), w.pluginKey))
			}
			if err = errors.Join(err, client.Close()); err != nil {
				w.Fatal(err)
			}
		}, want: []string{"25 of 25", "warn  KMS key arn:", "all its rotations on demand are used up", "Set keyring_aws_cmk_id to a new KMS key"}},
		"plugin, keys under another KMS key": {plugin: true, spoil: func(w *awsWorld) {
			text, _ := os.ReadFile(w.myCnf)
			w.write(w.myCnf, strings.Replace(string(text), w.pluginKey, w.key, 1))
			w.kms.SetState(w.pluginKey, "Disabled")
		}, code: 1, want: []string{"Enabled", "3 of its 3 keys cannot be read; the first is key-0000: AWS KMS Decrypt", "Enable the KMS key"}, not: ".."},
		"plugin, damaged": {plugin: true, spoil: func(w *awsWorld) {
			text, _ := os.ReadFile(w.pluginData)
			text[len(text)-30] ^= 1
			w.write(w.pluginData, string(text))
		}, code: 1, want: []string{"incorrect keyring file"}, not: ".."},
		"plugin, an outage in between": {plugin: true, spoil: func(w *awsWorld) {
			dry := w.kms.Requests()["Decrypt"] // the next one
			w.kms.SetBefore(func(op string, n int) *kmstest.Fault {
				if op == "Decrypt" && n > dry {
					return &kmstest.Fault{Code: "KMSInternalException"}
				}
				return nil
			})
		}, code: 1, want: []string{"its keys cannot be read: "}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newAWSWorld(t)
			path := w.cnf
			w.fill(w.cnf, 2)
			if c.plugin {
				path = w.myCnf
				w.fill(w.myCnf, 3)
			}
			if c.spoil != nil {
				c.spoil(w)
			}
			before := w.kms.Requests()
			code, stdout, _ := call(t, "check", path, "--timeout", "2s")
			if code != c.code || c.not != "" && strings.Contains(stdout, c.not) {
				t.Errorf("exit code %d:\n%s", code, stdout)
			}
			for _, want := range c.want {
				if want = strings.ReplaceAll(want, "$D", w.dir); !strings.Contains(stdout, want) {
					t.Errorf("%q is missing in:\n%s", want, stdout)
				}
			}
			if strings.Count(stdout, "\nfail") > 1 || strings.Contains(stdout, testAccess.SecretAccessKey) {
				t.Errorf("told twice, or too much:\n%s", stdout)
			}
			if w.kms.Requests()["RotateKeyOnDemand"] != before["RotateKeyOnDemand"] {
				t.Error("the KMS key was rotated")
			}
		})
	}
}

// without takes a variable out of my.cnf.
func (w *awsWorld) without(variable string) {
	text, err := os.ReadFile(w.myCnf)
	if err != nil {
		w.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, variable+"=") {
			lines = append(lines, line)
		}
	}
	w.write(w.myCnf, strings.Join(lines, ""))
}

// An AWS KMS that is silent is waited for once: nothing is asked after what it did not answer.
func TestCheckAWSTimeout(t *testing.T) {
	w := newAWSWorld(t)
	w.fill(w.myCnf, 2)
	w.kms.SetBefore(func(string, int) *kmstest.Fault { return &kmstest.Fault{Hang: true} })
	for _, path := range []string{w.cnf, w.myCnf} {
		before := w.kms.Requests()
		code, stdout, _ := call(t, "check", path, "--timeout", "1s")
		if code != exitFailed || !strings.Contains(stdout, "no answer within ") {
			t.Errorf("exit code %d:\n%s", code, stdout)
		}
		after := w.kms.Requests()
		delete(before, "DescribeKey")
		delete(after, "DescribeKey")
		if !maps.Equal(before, after) {
			t.Errorf("requests before %v, after %v", before, after)
		}
	}
}
