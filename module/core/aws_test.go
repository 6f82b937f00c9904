package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
	"github.com/dbkeyring/dbkeyring/internal/hostlog"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

func TestMain(m *testing.M) {
	kmstest.ClearEnvironment()
	os.Exit(m.Run())
}

// access is what a server of kmstest takes.
var access = awskms.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

// kmsRequest writes a component_keyring_kms.cnf for a server's key.
func kmsRequest(t *testing.T, endpoint, key string) (bridge.Request, *hostlog.Queue) {
	t.Helper()
	dir := t.TempDir()
	s := perconakms.Settings{Path: filepath.Join(dir, "keys"), Keys: []string{key}, Endpoint: endpoint, Credentials: access}
	if err := perconakms.Write(dir, s); err != nil {
		t.Fatal(err)
	}
	q := hostlog.NewQueue(100)
	return bridge.Request{Component: perconakms.Component, ComponentPath: dir, FirstDir: dir, Log: slog.New(q.Handler(slog.LevelInfo))}, q
}

// awsRequest writes a conf file for keyring_aws.
func awsRequest(t *testing.T, endpoint, key string) (bridge.Request, *hostlog.Queue) {
	t.Helper()
	dir := t.TempDir()
	s := keyringaws.Settings{KeyID: key, ConfFile: filepath.Join(dir, "conf"), DataFile: filepath.Join(dir, "made", "data")}
	if err := keyringaws.WriteConf(s.ConfFile, access, endpoint); err != nil {
		t.Fatal(err)
	}
	q := hostlog.NewQueue(100)
	return bridge.Request{Component: keyringaws.Plugin, ComponentPath: s.String(), FirstDir: dir, Log: slog.New(q.Handler(slog.LevelInfo))}, q
}

func logText(q *hostlog.Queue) string {
	var b strings.Builder
	q.Flush(func(l hostlog.Line) { b.WriteString(l.Text + "\n") })
	return b.String()
}

func TestAWSDialects(t *testing.T) {
	for name, c := range map[string]struct {
		request func(t *testing.T, endpoint, key string) (bridge.Request, *hostlog.Queue)
		dialect bridge.Dialect
		first   keyring.StatusRow // where it is the same every time
		file    string            // what the log names
	}{
		perconakms.Component: {kmsRequest, componentKMS, keyring.StatusRow{Name: "Read_only", Value: "No"}, perconakms.FileName},
		keyringaws.Plugin:    {awsRequest, keyringAWS, keyring.StatusRow{Name: "Keyring_aws_region", Value: kmstest.Region}, "/conf"},
	} {
		t.Run(name, func(t *testing.T) {
			s := kmstest.New(t)
			s.Credentials(access)
			req, log := c.request(t, s.URL, s.NewKey(kmstest.Region))
			config, err := c.dialect(req)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(s.Requests()); n != 0 {
				t.Errorf("reading the configuration asked AWS KMS: %v", s.Requests())
			}
			if config.CallTimeout != 6*time.Second {
				t.Errorf("CallTimeout is %v", config.CallTimeout)
			}
			found := false
			for _, row := range config.Status {
				found = found || row == c.first
				if strings.Contains(row.Value, access.SecretAccessKey) {
					t.Errorf("a secret in the status: %v", row)
				}
			}
			if text := logText(log); !found || !strings.Contains(text, c.file) || strings.Contains(text, access.SecretAccessKey) {
				t.Errorf("status %v, log %s", config.Status, text)
			}
			k, err := config.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			id := keyring.ID{Name: "INNODBKey-1"}
			if err := k.Generate(t.Context(), id, keyring.TypeAES, 32); err != nil {
				t.Fatal(err)
			}
			again, err := config.Open(t.Context()) // as after an outage
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			key, err := again.Fetch(t.Context(), id)
			if err != nil || key.Data.Len() != 32 {
				t.Errorf("%d bytes, %v", key.Data.Len(), err)
			}
			key.Wipe()
			config.Wipe()
		})
	}
}

// A server that is initialized gives up on a dead AWS KMS within 2 s.
func TestAWSDialectsQuick(t *testing.T) {
	silent := "http://" + listenSilently(t)
	key := "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	for _, c := range []struct {
		request func(t *testing.T, endpoint, key string) (bridge.Request, *hostlog.Queue)
		dialect bridge.Dialect
		works   bool // the plugin asks for each key when it is needed
	}{{kmsRequest, componentKMS, false}, {awsRequest, keyringAWS, true}} {
		req, _ := c.request(t, silent, key)
		req.Quick = true
		config, err := c.dialect(req)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		k, err := config.Open(t.Context())
		if took := time.Since(start); took > 1900*time.Millisecond {
			t.Errorf("%s: %v", req.Component, took)
		}
		if (err == nil) != c.works || err != nil && keyring.KindOf(err) != keyring.ErrUnreachable {
			t.Errorf("%s: %v", req.Component, err)
		}
		if err == nil {
			k.Close()
		} else if k != nil {
			t.Errorf("%s: a keyring with an error: %v", req.Component, k)
		}
	}
}

func TestAWSDialectsWrongConfiguration(t *testing.T) {
	req, _ := kmsRequest(t, "no URL", "")
	config, err := componentKMS(req)
	if keyring.KindOf(err) != keyring.ErrInvalid || !strings.Contains(err.Error(), "kms_key") || !strings.Contains(err.Error(), "endpoint") {
		t.Errorf("%v", err)
	}
	if len(config.Status) == 0 || config.Status[0] != (keyring.StatusRow{Name: "Data_file", Value: "<NOT APPLICABLE>"}) {
		t.Errorf("%v", config.Status)
	}
	req, log := awsRequest(t, "", "")
	if _, err := keyringAWS(req); err != nil || !strings.Contains(logText(log), "keyring_aws_cmk_id has to be set") {
		t.Errorf("without a KMS key: %v", err)
	}
	req.ComponentPath = strings.Replace(req.ComponentPath, "/conf", "/none", 1)
	if _, err := keyringAWS(req); keyring.KindOf(err) != keyring.ErrInvalid || !strings.Contains(err.Error(), "keyring_aws_conf_file") {
		t.Errorf("without a conf file: %v", err)
	}
}
