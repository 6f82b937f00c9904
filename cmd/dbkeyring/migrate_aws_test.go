package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
)

// Keys go from each kind of keyring to each other one, and are the same there.
func TestMigrateAWSEveryDirection(t *testing.T) {
	const keys = 5
	kinds := map[string]func(t *testing.T, w *awsWorld) string{
		"component_keyring_kms":  func(_ *testing.T, w *awsWorld) string { return w.cnf },
		"keyring_aws":            func(_ *testing.T, w *awsWorld) string { return w.myCnf },
		"component_keyring_file": func(_ *testing.T, w *awsWorld) string { return filepath.Join(w.dir, "plain.json") },
		"component_keyring_kmip": func(t *testing.T, _ *awsWorld) string {
			s := keyservertest.New(t)
			return clientConf(t, s, "db", s.Addr)
		},
	}
	for from := range kinds {
		for to := range kinds {
			t.Run(from+" to "+to, func(t *testing.T) {
				source, destination := newAWSWorld(t), newAWSWorld(t)
				a, b := kinds[from](t, source), kinds[to](t, destination)
				source.fill(a, keys)
				for _, run := range []struct {
					args []string
					want string
				}{
					{[]string{a, b, "--dry-run"}, "5 keys to copy from"},
					{[]string{a, b, "--yes"}, "5 keys copied, 0 were there already; all 5 read again and compared"},
					{[]string{a, b, "--yes"}, "0 keys copied, 5 were there already"},
					{[]string{b, filepath.Join(source.dir, "fill.json"), "--verify-only"}, "all 5 keys of"},
				} {
					code, stdout, stderr := call(t, append([]string{"migrate"}, run.args...)...)
					if code != 0 || !strings.Contains(stdout, run.want) {
						t.Fatalf("%q: exit code %d, %s%s", run.args, code, stdout, stderr)
					}
					if strings.HasPrefix(run.want, "5 keys copied") {
						for _, want := range []string{to, map[bool]string{true: "out of early-plugin-load", false: "mysqld.my"}[from == "keyring_aws"]} {
							if !strings.Contains(stderr, want) {
								t.Errorf("no advice about %s: %s", want, stderr)
							}
						}
					}
				}
			})
		}
	}
}

// What the destination cannot hold is told beforehand, and nothing is copied.
func TestMigrateAWSRefusesBeforehand(t *testing.T) {
	element := func(name, typ string, size int) string {
		return fmt.Sprintf(`{"user":"","data_id":%q,"data_type":%q,"data":"%s","extension":[]}`, name, typ, strings.Repeat("5A", size))
	}
	file := filepath.Join(t.TempDir(), "keys.json")
	elements := []string{element("good", "AES", 32), element("odd", "AES", 20), element("rsa", "RSA", 256), element("limit", "SECRET", 4096), element("big", "SECRET", 4097)}
	if err := os.WriteFile(file, []byte(`{"version":"1.0","elements":[`+strings.Join(elements, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		conf func(*awsWorld) string
		data func(*awsWorld) string
		want []string
	}{
		"component": {func(w *awsWorld) string { return w.cnf }, func(w *awsWorld) string { return w.data },
			[]string{"nothing was copied, because of 1 of 5 keys", "big: ", "4097 bytes"}},
		"plugin": {func(w *awsWorld) string { return w.myCnf }, func(w *awsWorld) string { return w.pluginData },
			[]string{"nothing was copied, because of 3 of 5 keys", "odd: invalid key length: 20 bytes", "rsa: invalid key type: RSA", "big: invalid key length: 4097 bytes"}},
	} {
		for _, filled := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", filled: ", filled), func(t *testing.T) {
				w := newAWSWorld(t)
				if filled {
					w.fill(c.conf(w), 1)
				}
				before := w.kms.Requests()["Encrypt"]
				for _, how := range []string{"--dry-run", "--yes"} {
					code, _, stderr := call(t, "migrate", file, c.conf(w), how)
					if code != exitFailed {
						t.Errorf("%s: exit code %d", how, code)
					}
					for _, want := range c.want {
						if !strings.Contains(stderr, want) {
							t.Errorf("%s: %q is missing in %s", how, want, stderr)
						}
					}
				}
				if n := w.kms.Requests()["Encrypt"]; n != before {
					t.Errorf("%d keys were encrypted", n-before)
				}
				if there := exists(c.data(w)); there != filled {
					t.Errorf("the data file is there: %v", there)
				}
			})
		}
	}
}

// A KMS key that would not encrypt shows before anybody is asked, in a dry run, too.
func TestMigrateAWSWithoutPermission(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*awsWorld)
		code  int
		want  string
	}{
		"denied":   {func(w *awsWorld) { w.deny("Encrypt") }, exitFailed, "kms:Encrypt"},
		"disabled": {func(w *awsWorld) { w.kms.SetState(w.key, "Disabled"); w.kms.SetState(w.pluginKey, "Disabled") }, exitFailed, "Disabled"},
		"silent": {func(w *awsWorld) {
			w.kms.SetBefore(func(string, int) *kmstest.Fault { return &kmstest.Fault{Code: "KMSInternalException"} })
		}, exitUnreachable, "KMSInternalException"},
	} {
		for _, filled := range []bool{false, true} {
			w := newAWSWorld(t)
			file := filepath.Join(w.dir, "keys.json")
			writeKeys(t, file, 3)
			if filled {
				w.fill(w.cnf, 1)
				w.fill(w.myCnf, 1)
			}
			c.spoil(w)
			for _, conf := range []string{w.cnf, w.myCnf} {
				for _, how := range []string{"--dry-run", "--yes"} {
					code, _, stderr := call(t, "migrate", file, conf, how)
					if code != c.code || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "stop the server") {
						t.Errorf("%s, filled: %v, %s, %s: exit code %d, %s", name, filled, conf, how, code, stderr)
					}
				}
			}
		}
	}
	w := newAWSWorld(t)
	file := filepath.Join(w.dir, "keys.json")
	writeKeys(t, file, 3)
	w.without("keyring_aws_cmk_id")
	for _, how := range []string{"--dry-run", "--yes"} {
		code, _, stderr := call(t, "migrate", file, w.myCnf, how)
		if code != exitUsage || !strings.Contains(stderr, "DESTINATION: keyring_aws_cmk_id ("+w.myCnf+"): it is not set") {
			t.Errorf("%s: exit code %d, %s", how, code, stderr)
		}
	}
}

// An outage in the middle: the same again goes on (keyring_aws), or nothing was copied
// (component_keyring_kms, whose file is written once).
func TestMigrateAWSOutageInBetween(t *testing.T) {
	w := newAWSWorld(t)
	file := filepath.Join(w.dir, "keys.json")
	writeKeys(t, file, 9)
	for _, c := range []struct{ conf, failed, again string }{
		{w.cnf, "no key was copied", "9 keys copied, 0 were there already"},
		{w.myCnf, "4 of 9 keys were copied, then it failed", "5 keys copied, 4 were there already"},
	} {
		began := w.kms.Requests()["Encrypt"]
		w.kms.SetBefore(func(op string, n int) *kmstest.Fault {
			if op == "Encrypt" && n-began > 4 { // the first is a dry run
				return &kmstest.Fault{Code: "KMSInternalException"}
			}
			return nil
		})
		if code, _, stderr := call(t, "migrate", file, c.conf, "--yes"); code != exitUnreachable || !strings.Contains(stderr, c.failed) {
			t.Errorf("exit code %d, %s", code, stderr)
		}
		w.kms.SetBefore(nil)
		if code, stdout, stderr := call(t, "migrate", file, c.conf, "--yes"); code != 0 || !strings.Contains(stdout, c.again) {
			t.Errorf("again: exit code %d, %s%s", code, stdout, stderr)
		}
	}
}
