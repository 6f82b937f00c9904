package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
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
