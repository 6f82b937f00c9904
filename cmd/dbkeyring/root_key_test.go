package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// failing runs a command that fails, and returns its exit code and what it says.
func failing(t *testing.T, args ...string) (code int, text string) {
	t.Helper()
	var errs strings.Builder
	if code = run(&process{ctx: t.Context(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: &errs}, args); code == 0 {
		t.Errorf("dbkeyring %s: it went well", strings.Join(args, " "))
	}
	return code, errs.String()
}

// TestRootKey_OnAnotherServer: the root key lies on a second key server. Without it
// nothing opens, and nobody takes that for a wrong or a missing key.
func TestRootKey_OnAnotherServer(t *testing.T) {
	dir := t.TempDir()
	far, near, identity := filepath.Join(dir, "far"), filepath.Join(dir, "near"), filepath.Join(dir, "id")
	s := startServer(t, far)
	command(t, "endpoint", "add", "near", "--for", "kmip", "--out", identity, "--data", far)
	key := func(c int, address, identity string) string {
		answer, err := client(t, address, identity).Create(t.Context(), &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.IntegerAttribute(kmip.AttrCryptographicLength, int32(c)),
			kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt|kmip.UsageDecrypt)),
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return answer.UniqueIdentifier
	}
	to := func(id, address, identity string) []string {
		return []string{"root-key", "rotate", "--data", near, "--to", "kmip", "--kmip-key", id, "--server", address,
			"--cert", identity + "/client_certificate.pem", "--key", identity + "/client_key.pem", "--ca", identity + "/root_certificate.pem"}
	}
	n := startServer(t, near)
	command(t, "endpoint", "add", "self", "--for", "kmip", "--out", filepath.Join(dir, "self"), "--data", near)
	for _, tt := range []struct{ id, address, identity, want string }{
		{key(128, s.address, identity), s.address, identity, "has 16 bytes, and a root key 32"},
		{"no-such-key", s.address, identity, "no-such-key"},
		{key(256, n.address, filepath.Join(dir, "self")), n.address, filepath.Join(dir, "self"), "is kept by this key server itself"},
	} {
		if _, text := failing(t, to(tt.id, tt.address, tt.identity)...); !strings.Contains(text, tt.want) || !strings.Contains(text, "The root key is still the old one") {
			t.Errorf("got  %s\nwant %s", text, tt.want)
		}
	}
	command(t, to(key(256, s.address, identity), s.address, identity)...)
	if _, err := os.Stat(filepath.Join(near, "root_key.pem")); err == nil {
		t.Error("the old root key is still there")
	}
	_ = n.end(t, syscall.SIGKILL)
	if list := command(t, "endpoint", "list", "--data", near); !strings.Contains(list, "self") {
		t.Errorf("opened with the root key of another server it has %s", list)
	}
	_ = s.end(t, syscall.SIGKILL)
	code, text := failing(t, "endpoint", "list", "--data", near)
	if code != exitUnreachable || strings.Contains(text, "is not the root key") || !strings.Contains(text, s.address) || !strings.Contains(text, "hint: nothing was changed") {
		t.Errorf("the other server is down: exit code %d, %s", code, text)
	}
	if show := command(t, "root-key", "show", "--data", near); !strings.Contains(show, "of the KMIP server "+s.address) {
		t.Errorf("without it the root key is told as %s", show)
	}
}

// TestRootKey_InAWSKMS: the root key does not leave AWS KMS. The ARN is kept, since an
// alias may be another key's one day, and a key that cannot be used is not a wrong one.
func TestRootKey_InAWSKMS(t *testing.T) {
	kms := kmstest.New(t)
	kms.Credentials(awskms.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"})
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	t.Setenv("AWS_REGION", kmstest.Region)
	front := httptest.NewServer(kms)
	defer front.Close()
	key := kms.NewKey(kmstest.Region)
	kms.SetAlias("alias/root", key)

	data := filepath.Join(t.TempDir(), "data")
	s := startServer(t, data)
	if err := s.end(t, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	to := []string{"root-key", "rotate", "--data", data, "--to", "aws-kms", "--kms-endpoint", front.URL, "--kms-key"}
	if _, text := failing(t, append(to, "alias/none")...); !strings.Contains(text, "alias/none") || !strings.Contains(text, "The root key is still the old one") {
		t.Errorf("a key that there is none of: %s", text)
	}
	if text := command(t, append(to, "alias/root")...); !strings.Contains(text, "the key "+key+" of AWS KMS") {
		t.Errorf("the ARN is not kept: %s", text)
	}
	kms.SetAlias("alias/root", kms.NewKey(kmstest.Region))
	command(t, "endpoint", "list", "--data", data)
	command(t, "root-key", "rotate", "--data", data) // the same key, and other data keys
	for state, want := range map[string]string{"Disabled": "Enable the key", "PendingDeletion": "cancel its deletion"} {
		kms.SetState(key, state)
		if _, text := failing(t, "endpoint", "list", "--data", data); !strings.Contains(text, want) || strings.Contains(text, "is not the root key") {
			t.Errorf("%s: %s", state, text)
		}
	}
	kms.SetState(key, "Enabled")
	front.Close()
	if code, text := failing(t, "endpoint", "list", "--data", data); code != exitUnreachable || strings.Contains(text, "is not the root key") {
		t.Errorf("an outage: exit code %d, %s", code, text)
	}
}

// TestRootKey_KilledWhileItIsRotated: whenever the server is killed, the next start
// opens the store and has every key.
func TestRootKey_KilledWhileItIsRotated(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	data, identity, phrase := filepath.Join(dir, "data"), filepath.Join(dir, "db"), filepath.Join(dir, "phrase")
	t.Setenv("DBKEYRING_ROOT_PASSPHRASE", "correct horse battery")
	if err := os.WriteFile(phrase, []byte("correct horse battery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, data)
	command(t, "endpoint", "add", "db", "--for", "kmip", "--out", identity, "--data", data)
	content := map[string]string{}
	c := client(t, s.address, identity)
	for i := range 300 {
		id, err := registerKey(c, fmt.Sprint(i), fmt.Sprint("content ", i))
		if err != nil {
			t.Fatal(err)
		}
		content[id] = fmt.Sprint("content ", i)
	}
	ended, open := 0, 0
	for round := range rounds {
		to := []string{"root-key", "rotate", "--to", "file", "--data", data}
		wait := time.Duration(rand.IntN(40)) * time.Millisecond
		switch round % 3 {
		case 1:
			to = append(to, "--file", filepath.Join(dir, fmt.Sprint("elsewhere", round)))
		case 2:
			to = []string{"root-key", "rotate", "--to", "passphrase", "--passphrase-file", phrase, "--data", data}
			wait += 150 * time.Millisecond // Argon2id takes that long
		}
		done := make(chan int, 1)
		go func() {
			done <- run(&process{ctx: t.Context(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}, to)
		}()
		time.Sleep(wait) // a moment that differs from round to round is the point
		_ = s.end(t, syscall.SIGKILL)
		if <-done == 0 {
			ended++
		}
		s = startServer(t, data)
		if strings.Contains(command(t, "root-key", "show", "--data", data), "not at its end") {
			open++
		}
		c := client(t, s.address, identity)
		for id, want := range content {
			if answer, err := c.Get(t.Context(), id); err != nil || string(answer.Object.Content().Reveal()) != want {
				t.Fatalf("round %d: %s: %v\n%s", round, id, err, &s.log)
			}
		}
	}
	t.Logf("%d rotations, of which %d had come to their end, and %d still went on after the start", rounds, ended, open)
	for deadline := time.Now().Add(30 * time.Second); strings.Contains(command(t, "root-key", "show", "--data", data), "not at its end"); {
		if time.Now().After(deadline) {
			t.Fatal("the rotation does not come to its end")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := s.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &s.log)
	}
}
