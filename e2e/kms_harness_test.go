//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
)

// awsKMS is an AWS KMS for mysqld: Debian's moto, or awskms/kmstest, or a faulty
// network before either. moto is another program's idea of AWS KMS; what it never
// does, such as to refuse, kmstest does.
type awsKMS struct {
	t    testing.TB
	url  string
	proc *process // nil for kmstest, and for the moto that tests share
}

const (
	region      = "eu-central-1"
	otherRegion = "us-west-2"
)

// accessKey is what MySQL's document shows; moto does not look at it.
var accessKey = awskms.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

// awsEnv keeps the SDK of AWS from what this machine has.
var awsEnv = []string{"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null"}

// shared is one moto for all tests that do nothing to it: it takes a second of
// processor to start, and 100 MB.
var shared struct {
	sync.Once
	moto *process
	url  string
}

func sharedKMS(t testing.TB) *awsKMS {
	t.Helper()
	shared.Do(func() {
		shared.moto, shared.url = startMoto(t, suite.dir, false)
	})
	if shared.url == "" {
		t.Fatal("the moto of all tests has not started")
	}
	return &awsKMS{t: t, url: shared.url}
}

// newKMS is a moto of the test's own, which may be frozen and killed.
func newKMS(t testing.TB) *awsKMS {
	t.Helper()
	proc, url := startMoto(t, tempDir(t), true)
	return &awsKMS{t: t, url: url, proc: proc}
}

func motoPath(t testing.TB) string {
	t.Helper()
	path := os.Getenv("MOTO_SERVER")
	if path == "" {
		path = filepath.Join(cacheDir(), "sid/usr/hostbin/moto_server")
	}
	if _, err := os.Stat(path); err != nil {
		missing(t, "moto", "run `scripts/moto`, which fetches one, or name a moto_server with MOTO_SERVER=PATH.")
	}
	return path
}

// startMoto starts moto and waits until it answers. One that is not the test's own
// lives until the end of the run.
func startMoto(t testing.TB, dir string, own bool) (*process, string) {
	t.Helper()
	port := freePort(t)
	args := []string{motoPath(t), "-H", "127.0.0.1", "-p", fmt.Sprint(port)}
	var proc *process
	if own {
		proc = spawn(t, filepath.Join(dir, "moto.log"), args[0], args[1:]...)
	} else {
		var err error
		if proc, err = launch(filepath.Join(dir, "moto.log"), args[0], args[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	eventually(t, 60*time.Second, "moto listens on "+addr, func() (bool, string) {
		if proc.ended() {
			t.Fatalf("moto: %v: %s", proc.err, tail(proc.output()))
		}
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil, fmt.Sprint(err)
	})
	return proc, "http://" + addr
}

func (k *awsKMS) addr() string   { return k.url[len("http://"):] }
func (k *awsKMS) freeze()        { k.proc.signal(syscall.SIGSTOP) }
func (k *awsKMS) thaw()          { k.proc.signal(syscall.SIGCONT) }
func urlOf(addr string) string   { return "http://" + addr }
func base64Of(b []byte) string   { return base64.StdEncoding.EncodeToString(b) }
func bytesOf(text string) []byte { b, _ := base64.StdEncoding.DecodeString(text); return b }

// call sends a request by hand, so that none of our code is on both sides.
func (k *awsKMS) call(region, operation string, in map[string]any) map[string]any {
	k.t.Helper()
	out, err := k.try(region, operation, in)
	if err != nil {
		k.t.Fatal(err)
	}
	return out
}

func (k *awsKMS) try(region, operation string, in map[string]any) (map[string]any, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, k.url+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/"+region+"/kms/aws4_request, SignedHeaders=host, Signature=0")
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", operation, answer.Status, text)
	}
	out := map[string]any{}
	return out, json.Unmarshal(text, &out)
}

// newKey makes a KMS key and returns its ARN.
func (k *awsKMS) newKey(region string) string {
	k.t.Helper()
	out := k.call(region, "CreateKey", map[string]any{"KeyUsage": "ENCRYPT_DECRYPT"})
	arn, _ := out["KeyMetadata"].(map[string]any)["Arn"].(string)
	if arn == "" {
		k.t.Fatalf("CreateKey: %v", out)
	}
	return arn
}

// encrypt is a blob of AWS KMS without an encryption context.
func (k *awsKMS) encrypt(region, keyID string, plain []byte) []byte {
	k.t.Helper()
	out := k.call(region, "Encrypt", map[string]any{"KeyId": keyID, "Plaintext": base64Of(plain)})
	return bytesOf(out["CiphertextBlob"].(string))
}

// decrypt also tells the KMS key that the blob is encrypted under.
func (k *awsKMS) decrypt(region string, blob []byte, context map[string]string) (plain []byte, arn string) {
	k.t.Helper()
	in := map[string]any{"CiphertextBlob": base64Of(blob)}
	if context != nil {
		in["EncryptionContext"] = context
	}
	out := k.call(region, "Decrypt", in)
	return bytesOf(out["Plaintext"].(string)), out["KeyId"].(string)
}
