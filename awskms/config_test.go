package awskms_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// Credentials of the caller's are asked for each time, and what AWS thinks of them is told.
func TestCredentials(t *testing.T) {
	good := awskms.Credentials{AccessKeyID: "AKIDGOOD", SecretAccessKey: "the/secret", SessionToken: "the token"}
	given, failure := good, error(nil)
	s, c, key := newClient(t, func(o *awskms.Options) {
		o.Credentials = func(context.Context) (awskms.Credentials, error) { return given, failure }
	})
	s.Credentials(good)
	for _, tc := range []struct {
		given awskms.Credentials
		err   error
		text  string // "": it works
	}{
		{good, nil, ""},
		{awskms.Credentials{AccessKeyID: "AKIDBAD", SecretAccessKey: "the/secret", SessionToken: "the token"}, nil, "The security token included in the request is invalid (UnrecognizedClientException)"},
		{awskms.Credentials{AccessKeyID: "AKIDGOOD", SecretAccessKey: "the/secret"}, nil, "The security token included in the request is invalid (UnrecognizedClientException)"},
		{awskms.Credentials{AccessKeyID: "AKIDGOOD", SecretAccessKey: "wrong", SessionToken: "the token"}, nil,
			"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. " +
				"Consult the service documentation for details (InvalidSignatureException)"},
		{awskms.Credentials{AccessKeyID: "AKIDGOOD"}, nil, "no credentials: the access key is empty"},
		{good, errors.New("line 3 is no credential"), "no credentials: line 3 is no credential"},
		{good, nil, ""},
	} {
		given, failure = tc.given, tc.err
		_, err := c.Describe(t.Context(), key)
		if tc.text == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if !errors.Is(err, keyring.ErrDenied) || err.Error() != "AWS KMS DescribeKey "+key+": "+tc.text {
			t.Errorf("%v, want\n%s", err, tc.text)
		}
		if strings.Contains(err.Error(), "the/secret") || strings.Contains(err.Error(), "the token") {
			t.Errorf("%v shows a secret", err)
		}
	}
}

// chainClient is a client with the default chain.
func chainClient(t *testing.T, s *kmstest.Server, change func(*awskms.Options)) (*awskms.Client, error) {
	t.Helper()
	o := s.Options()
	o.Credentials, o.Timeout = nil, time.Second
	if change != nil {
		change(&o)
	}
	c, err := awskms.New(t.Context(), o)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func TestChain_Environment(t *testing.T) {
	clean(t)
	s := kmstest.New(t)
	s.Credentials(awskms.Credentials{AccessKeyID: "AKIDENV", SecretAccessKey: "s", SessionToken: "tok"})
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	t.Setenv("AWS_SESSION_TOKEN", "tok")
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ENDPOINT_URL_KMS", s.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "9")
	t.Setenv("AWS_DEFAULTS_MODE", "auto")
	c, err := chainClient(t, s, func(o *awskms.Options) { o.Region, o.Endpoint = "", "" })
	if err != nil {
		t.Fatal(err)
	}
	key := s.NewKey("eu-west-1")
	if _, err := c.Describe(t.Context(), key[strings.Index(key, "/")+1:]); err != nil || c.Region() != "eu-west-1" {
		t.Error(c.Region(), err)
	}
	s.SetBefore(func(string, int) *kmstest.Fault { return &kmstest.Fault{Code: "ThrottlingException"} })
	c.Describe(t.Context(), key)
	if n := c.Requests()["DescribeKey"]; n > 4 {
		t.Errorf("%d requests: the SDK tries again, too", n)
	}
}

// The shared files are read again when AWS does not take what was read from them.
func TestChain_Files(t *testing.T) {
	clean(t)
	dir := t.TempDir()
	conf, creds := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	t.Setenv("AWS_CONFIG_FILE", conf)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", creds)
	t.Setenv("AWS_PROFILE", "db")
	s := kmstest.New(t)
	s.Credentials(awskms.Credentials{AccessKeyID: "AKIDNEW", SecretAccessKey: "new"})
	write(t, conf, []byte("[profile db]\nregion = eu-north-1\nservices = s\n[services s]\nkms =\n  endpoint_url = "+s.URL+"\n"))
	write(t, creds, []byte("[db]\naws_access_key_id = AKIDOLD\naws_secret_access_key = old\n"))
	c, err := chainClient(t, s, func(o *awskms.Options) { o.Region, o.Endpoint = "", "" })
	if err != nil {
		t.Fatal(err)
	}
	s.SetAlias("alias/x", s.NewKey("eu-north-1"))
	if _, err := c.Describe(t.Context(), "alias/x"); !errors.Is(err, keyring.ErrDenied) {
		t.Error(err)
	}
	write(t, creds, []byte("[db]\naws_access_key_id = AKIDNEW\naws_secret_access_key = new\n"))
	if _, err := c.Describe(t.Context(), "alias/x"); err != nil {
		t.Error(err)
	}
	if n := c.Requests()["DescribeKey"]; n != 4 {
		t.Errorf("%d requests, not 2 and 2", n)
	}

	write(t, conf, nil)
	t.Setenv("AWS_PROFILE", "other")
	if _, err := chainClient(t, s, nil); !errors.Is(err, keyring.ErrInvalid) || !strings.Contains(err.Error(), "other") {
		t.Error(err)
	}
}

// Files that the SDK passes over are errors that name them.
func TestNew_UnreadableFiles(t *testing.T) {
	clean(t)
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	closed := filepath.Join(dir, "closed")
	write(t, closed, []byte("[default]\n"))
	os.Chmod(closed, 0)
	if f, err := os.Open(closed); err == nil { // root may
		f.Close()
		os.Remove(closed)
		os.Mkdir(closed, 0o700)
	}
	home := func(file string) string { // with an unreadable file
		h := filepath.Join(t.TempDir(), "home")
		os.MkdirAll(filepath.Join(h, ".aws", file), 0o700)
		return h
	}
	bare, withConfig, withCredentials := t.TempDir(), home("config"), home("credentials")
	for name, tc := range map[string]struct {
		home, config, credentials string
		text                      []string // of the error; nil for none
	}{
		"nothing":                {bare, "", "", nil},
		"names nothing":          {withConfig, "/dev/null", "/dev/null", nil},
		"config missing":         {bare, missing, "", []string{missing, "no such file", "AWS_CONFIG_FILE names"}},
		"credentials missing":    {bare, "", missing, []string{missing, "no such file", "AWS_SHARED_CREDENTIALS_FILE names"}},
		"config closed":          {bare, closed, "", []string{closed, "AWS_CONFIG_FILE names"}},
		"config of home":         {withConfig, "", "", []string{withConfig + "/.aws/config", "set AWS_CONFIG_FILE"}},
		"credentials of home":    {withCredentials, "", "", []string{withCredentials + "/.aws/credentials", "set AWS_SHARED_CREDENTIALS_FILE"}},
		"home that is not there": {missing, "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HOME", tc.home)
			t.Setenv("AWS_CONFIG_FILE", tc.config)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", tc.credentials)
			_, err := awskms.New(t.Context(), awskms.Options{Region: "eu-central-1"})
			if (err == nil) != (tc.text == nil) {
				t.Fatal(err)
			}
			for _, part := range tc.text {
				if !strings.Contains(err.Error(), part) || !errors.Is(err, keyring.ErrDenied) {
					t.Errorf("%v does not say %q", err, part)
				}
			}
			o := awskms.Options{Region: "eu-central-1", Credentials: (&kmstest.Server{}).Options().Credentials}
			if _, err := awskms.New(t.Context(), o); err != nil && tc.config != closed {
				t.Errorf("with other credentials: %v", err)
			}
		})
	}
}

func TestNoRegion(t *testing.T) {
	s, c, key := newClient(t, func(o *awskms.Options) { o.Region = "" })
	if c.Region() != "" {
		t.Error(c.Region())
	}
	const want = "AWS KMS DescribeKey alias/x: no AWS region is set. Set the region in the configuration or in AWS_REGION, or name the KMS key by its ARN"
	if _, err := c.Describe(t.Context(), "alias/x"); !errors.Is(err, keyring.ErrInvalid) || err.Error() != want {
		t.Error(err)
	}
	if _, err := c.Describe(t.Context(), key); err != nil {
		t.Error(err)
	}
	s.SetAlias("alias/x", key)
	if _, err := c.Describe(t.Context(), strings.Replace(key, key[strings.Index(key, "key/"):], "alias/x", 1)); err != nil {
		t.Error(err)
	}
}

func TestNew_BadOptions(t *testing.T) {
	clean(t)
	for _, o := range []awskms.Options{{Endpoint: "kms.example.com"}, {Endpoint: "ftp://x"}, {Endpoint: "https://x", FIPS: true}} {
		o.Cure = func(e *awskms.Error) string { return fmt.Sprintf("Cure for class %d", e.Class) }
		if _, err := awskms.New(t.Context(), o); !errors.Is(err, keyring.ErrInvalid) || !strings.HasSuffix(err.Error(), ". Cure for class 4") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// Who gives no credentials costs no more than the time that a call has, and goes with the client.
func TestChain_Nobody(t *testing.T) {
	const timeout = 400 * time.Millisecond
	hang := "http://" + silent(t)
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		env  map[string]string
		kind error
		text string
	}{
		"metadata off":      {nil, keyring.ErrDenied, "no credentials: "},
		"metadata hangs":    {map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": hang}, keyring.ErrUnreachable, "no credentials within "},
		"metadata refuses":  {map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://" + closedPort(t)}, keyring.ErrUnreachable, "no credentials: connection refused"},
		"container hangs":   {map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": hang}, keyring.ErrUnreachable, "no credentials within "},
		"STS hangs":         {map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": filepath.Join(dir, "token"), "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/r", "AWS_ENDPOINT_URL_STS": hang}, keyring.ErrUnreachable, "no credentials within "},
		"no token":          {map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": filepath.Join(dir, "none"), "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/r"}, keyring.ErrDenied, "none: no such file or directory"},
		"a process babbles": {map[string]string{"AWS_CONFIG_FILE": filepath.Join(dir, "babble")}, keyring.ErrDenied, "no credentials: the credential_process of the AWS profile failed"},
		"a process hangs":   {map[string]string{"AWS_CONFIG_FILE": filepath.Join(dir, "sleep")}, keyring.ErrUnreachable, "no credentials within "},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, filepath.Join(dir, "token"), []byte("a token"))
			write(t, filepath.Join(dir, "babble"), []byte("[default]\ncredential_process = echo '{\"SecretAccessKey\": \"verysecret\"'\n"))
			write(t, filepath.Join(dir, "sleep"), []byte("[default]\ncredential_process = exec sleep 60\n"))
			clean(t)
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			c, err := awskms.New(t.Context(), awskms.Options{Region: "eu-central-1", Timeout: timeout})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_, err = c.Describe(t.Context(), "alias/x")
			if took := time.Since(began); took > timeout+200*time.Millisecond {
				t.Errorf("it took %s", took)
			}
			if !errors.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.text) || strings.Contains(err.Error(), "verysecret") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %s", err, tc.text)
			}
			if n := c.Requests(); len(n) > 0 {
				t.Errorf("%v were sent", n)
			}
			c.Close()
			noneLeft(t)
		})
	}
}

// noneLeft waits for the goroutines of the SDK to end. Their stacks are too deep for goleak.
func noneLeft(t *testing.T) {
	t.Helper()
	all := make([]byte, 4<<20)
	for range 200 {
		left := string(all[:runtime.Stack(all, true)])
		if !strings.Contains(left, "github.com/aws/") && !strings.Contains(left, "net/http.(*persistConn)") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("goroutines are left:\n%s", all[:runtime.Stack(all, true)])
}
