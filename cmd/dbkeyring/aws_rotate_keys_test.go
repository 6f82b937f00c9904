package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
)

func (w *awsWorld) read(file string) string {
	w.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

// rotate runs rotate-keys.
func (w *awsWorld) rotate(args ...string) (code int, stdout, stderr string) {
	return call(w, append([]string{"aws", "rotate-keys", w.cnf, "--yes"}, args...)...)
}

// same compares with what fill has put in.
func (w *awsWorld) same(where string) {
	w.Helper()
	if code, _, stderr := call(w, "migrate", filepath.Join(w.dir, "fill.json"), w.cnf, "--verify-only"); code != 0 {
		w.Errorf("%s: %s", where, stderr)
	}
}

// A crash after the data file and before the configuration: what the configuration says
// is old, and all can be read and stored; the same again ends it.
func TestRotateKeysCutInBetween(t *testing.T) {
	for name, more := range map[string][]string{"percona": nil, "dbkeyring": {"us-west-2"}} {
		t.Run(name, func(t *testing.T) {
			w := newAWSWorld(t)
			old, fresh := []string{w.key}, []string{w.kms.NewKey(kmstest.Region)}
			for _, region := range more {
				old, fresh = append(old, w.kms.NewKey(region)), append(fresh, w.kms.NewKey(region))
			}
			w.writeCnf(w.cnf, old...)
			w.fill(w.cnf, 7)
			cnf, data := w.read(w.cnf), w.read(w.data)

			o, _, err := perconakms.ReadFile(w.cnf, "")
			if err != nil {
				t.Fatal(err)
			}
			o.Keys = fresh
			ring, err := kmsfile.Open(t.Context(), o.Options, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := ring.Rewrap(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			ring.Close()
			if w.read(w.data) == data || w.read(w.cnf) != cnf {
				t.Fatal("the crash is not where it should be")
			}
			w.same("after the crash")
			more := filepath.Join(w.dir, "more.json")
			w.write(more, `{"version":"1.0","elements":[{"user":"","data_id":"new","data_type":"AES","data":"`+strings.Repeat("7E", 32)+`","extension":[]}]}`)
			if code, _, stderr := call(t, "migrate", more, w.cnf, "--yes"); code != 0 {
				t.Errorf("nothing can be stored after the crash: %s", stderr)
			}

			var args []string
			for _, key := range fresh {
				args = append(args, "--kms-key", key)
			}
			code, stdout, stderr := w.rotate(args...)
			if code != 0 || !strings.Contains(stdout, "8 keys of "+w.data+" are encrypted anew, under "+strings.Join(fresh, ", ")) ||
				!strings.Contains(stdout, w.cnf+" names it now") || !strings.Contains(stderr, "ALTER INSTANCE RELOAD KEYRING") {
				t.Errorf("exit code %d, %s%s", code, stdout, stderr)
			}
			for _, key := range old {
				w.kms.Drop(key)
			}
			w.same("without the old KMS keys")
			if strings.Contains(w.read(w.cnf), w.key) || !strings.Contains(w.read(w.cnf), `"secret_access_key"`) {
				t.Error(w.read(w.cnf))
			}
		})
	}
}

// An error at any request changes neither file; the same again asks only for the rest.
func TestRotateKeysAllOrNothing(t *testing.T) {
	const (
		keys   = 200
		atOnce = 32 // answers that are lost with the one that fails
	)
	for name, c := range map[string]struct {
		fault kmstest.Fault
		code  int
	}{
		"denied": {kmstest.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: kms:ReEncryptTo"}, exitFailed},
		"outage": {kmstest.Fault{Code: "KMSInternalException"}, exitUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newAWSWorld(t)
			w.fill(w.cnf, keys)
			fresh := w.kms.NewKey(kmstest.Region)
			cnf, data := w.read(w.cnf), w.read(w.data)
			w.kms.SetBefore(func(op string, n int) *kmstest.Fault {
				if op == "ReEncrypt" && n >= keys/2 {
					return &c.fault
				}
				return nil
			})
			code, stdout, stderr := w.rotate("--kms-key", fresh)
			if code != c.code || stdout != "" || !strings.Contains(stderr, "error: the keys are not encrypted anew: ") || !strings.Contains(stderr, "run the same again") {
				t.Errorf("exit code %d, %s%s", code, stdout, stderr)
			}
			if w.read(w.cnf) != cnf || w.read(w.data) != data {
				t.Error("a file has changed")
			}
			w.kms.SetBefore(nil)
			w.same("after the failure")
			before := w.kms.Requests()["ReEncrypt"]
			if code, _, stderr := w.rotate("--kms-key", fresh); code != 0 {
				t.Fatal(stderr)
			}
			if n := w.kms.Requests()["ReEncrypt"] - before; n < keys/2 || n > keys/2+atOnce {
				t.Errorf("%d requests for the other half of %d", n, keys)
			}
			w.kms.Drop(w.key)
			w.same("after the second run")
		})
	}
}

// The configuration cannot be written: that is said, and what to write into it.
func TestRotateKeysConfigurationCannotBeWritten(t *testing.T) {
	w := newAWSWorld(t)
	w.fill(w.cnf, 2)
	fresh := w.kms.NewKey(kmstest.Region)
	cnf := w.read(w.cnf)
	w.kms.SetBefore(func(op string, n int) *kmstest.Fault {
		if op == "ReEncrypt" { // somebody is editing it
			w.write(w.cnf, "{")
		}
		return nil
	})
	code, _, stderr := w.rotate("--kms-key", fresh)
	if code != exitFailed || !strings.Contains(stderr, "the keys are encrypted under the new KMS key, and "+w.cnf+" still names the old one: ") ||
		!strings.Contains(stderr, `hint: set "kms_key" in it to `+fresh+", or run the same again") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	w.kms.SetBefore(nil)
	w.write(w.cnf, cnf)
	w.same("with the old configuration")
}

// New KMS keys are named so that FILE leads to them, in the region of the keys.
func TestRotateKeysRegions(t *testing.T) {
	w := newAWSWorld(t)
	fresh, far := w.kms.NewKey(kmstest.Region), w.kms.NewKey("us-west-2")
	w.kms.SetAlias("alias/old", w.key)
	w.kms.SetAlias("alias/new", fresh)
	w.fill(w.cnf, 2)
	byARN := w.read(w.cnf)
	byAlias := strings.Replace(byARN, w.key, "alias/old", 1)
	withRegion := strings.Replace(byAlias, `"kms_key"`, `"region": "`+kmstest.Region+`", "kms_key"`, 1)
	byDefault := byAlias // credentials and region of the default chain
	for _, option := range []string{"auth_key", "secret_access_key"} {
		lines := strings.SplitAfter(byDefault, "\n")
		for i, line := range lines {
			if strings.Contains(line, `"`+option+`"`) {
				lines[i] = ""
			}
		}
		byDefault = strings.Join(lines, "")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", testAccess.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", testAccess.SecretAccessKey)
	t.Setenv("AWS_REGION", kmstest.Region)
	for _, c := range []struct{ cnf, key, refused string }{
		{byARN, "alias/new", "takes the region, " + kmstest.Region + ", from the ARN of the present KMS key, and this is no ARN. Give the ARN"},
		{byARN, far, "it is in the region us-west-2, and the keys are in " + kmstest.Region},
		{withRegion, "alias/new", ""},
		{withRegion, fresh, ""},
		{withRegion, far, "it is in the region us-west-2, and the keys are in " + kmstest.Region},
		{byDefault, "alias/new", ""},
		{byDefault, fresh, ""},
		{byDefault, far, "it is in the region us-west-2, and the keys are in " + kmstest.Region},
		{byDefault, "no key", "--kms-key: \"no key\" is no KMS key"},
		{strings.Replace(byARN, `"read_only": false`, `"read_only": true`, 1), fresh, "it is true: nothing can be changed"},
		{`{"read_local_config": true}`, fresh, "the options stand in the file of the same name in the data directory"},
	} {
		w.write(w.cnf, c.cnf)
		code, _, stderr := w.rotate("--kms-key", c.key)
		if c.refused != "" {
			if code != exitUsage || !strings.Contains(stderr, c.refused) || w.read(w.cnf) != c.cnf {
				t.Errorf("%s: exit code %d, %s", c.key, code, stderr)
			}
			continue
		}
		if code != 0 || !strings.Contains(w.read(w.cnf), c.key) {
			t.Errorf("%s: exit code %d, %s\n%s", c.key, code, stderr, w.read(w.cnf))
		}
		w.same(c.key)
	}
}

// Progress is shown on a terminal; a signal ends the work with both files as they were.
func TestRotateKeysProgressAndInterrupt(t *testing.T) {
	w := newAWSWorld(t)
	w.fill(w.cnf, 60)
	cnf, data := w.read(w.cnf), w.read(w.data)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := w.kms.Requests()["ReEncrypt"]
	w.kms.SetBefore(func(op string, n int) *kmstest.Fault {
		if op == "ReEncrypt" && n-began == 40 {
			cancel()
		}
		return nil
	})
	for _, interrupted := range []bool{true, false} {
		term := newTerminal(t, func(string) {})
		var stdout bytes.Buffer
		code := run(&process{ctx: ctx, stdin: strings.NewReader(""), stdout: &stdout, stderr: term.File}, []string{"aws", "rotate-keys", w.cnf, "--yes"})
		text := term.end()
		switch {
		case interrupted && (code == 0 || w.read(w.cnf) != cnf || w.read(w.data) != data || !strings.Contains(text, "run the same again")):
			t.Errorf("interrupted: exit code %d, %q", code, text)
		case !interrupted && (code != 0 || !strings.Contains(text, "\rencrypting [##############################] 60/60")):
			t.Errorf("exit code %d, %q", code, text)
		}
		w.kms.SetBefore(nil)
		ctx = t.Context()
	}
	w.same("in the end")
}
