package kmsdata_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyring/keyringtest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func TestConformance(t *testing.T) {
	server := kmstest.New(t)
	keyringtest.Test(t, func(t testing.TB) func() keyring.Keyring {
		p := placeAt(t, server)
		return func() keyring.Keyring { return p.open() }
	}, keyringtest.Limits{Types: []string{"AES", "SECRET"}, AESSizes: []int{16, 24, 32}, MaxSize: awskms.MaxEncrypt})
}

// The lengths and types of the manual's table; nothing is asked of AWS KMS for others.
func TestLimits(t *testing.T) {
	p := newPlace(t)
	r := p.open()
	for _, c := range []struct {
		typ  string
		size int
		gen  bool // KMS can make it
		ok   bool // KMS can encrypt it
	}{
		{"AES", 16, true, true}, {"AES", 24, true, true}, {"aes", 32, true, true}, {"AES", 33, false, false}, {"AES", 8, false, false},
		{"SECRET", 1, true, true}, {"SECRET", 1024, true, true}, {"SECRET", 1025, false, true}, {"secret", 4096, false, true}, {"SECRET", 4097, false, false},
		{"SECRET", 0, false, false}, {"RSA", 128, false, false}, {"", 16, false, false},
	} {
		before := p.kms.Requests()
		name := keyring.ID{Name: "k"}
		d := secret.New(c.size)
		err := r.Store(context.Background(), name, keyring.Key{Type: c.typ, Data: d})
		if (err == nil) != c.ok {
			t.Errorf("store %s %d: %v", c.typ, c.size, err)
		}
		if c.ok {
			if err := r.Remove(context.Background(), name); err != nil {
				t.Error(err)
			}
		} else {
			kind(t, "store", err, keyring.ErrInvalid)
		}
		err = r.Generate(context.Background(), name, c.typ, c.size)
		if (err == nil) != c.gen {
			t.Errorf("generate %s %d: %v", c.typ, c.size, err)
		}
		after := p.kms.Requests()
		if !c.gen {
			kind(t, "generate", err, keyring.ErrInvalid)
			if after["GenerateDataKey"] != before["GenerateDataKey"] {
				t.Errorf("generate %s %d: AWS KMS was asked", c.typ, c.size)
			}
			continue
		}
		if err := r.Remove(context.Background(), name); err != nil {
			t.Error(err)
		}
	}
}

// Without a KMS key the plugin starts, and reads; what would need one is refused with
// the cure.
func TestNoKeyID(t *testing.T) {
	p := newPlace(t)
	if err := store(p.open(), "a"); err != nil {
		t.Fatal(err)
	}
	q := p.also()
	q.KeyID = ""
	r := q.open()
	holds(t, r, "a")
	_, rotate := r.RotateMasterKey(context.Background())
	for what, err := range map[string]error{
		"Store": store(r, "b"), "Generate": r.Generate(context.Background(), id("b"), "AES", 32),
		"Rewrap": r.Rewrap(context.Background(), nil), "RotateMasterKey": rotate,
	} {
		kind(t, what, err, keyring.ErrInvalid)
		if err != nil && !strings.Contains(err.Error(), "SET GLOBAL keyring_aws_cmk_id = ") {
			t.Errorf("%s: no cure in %v", what, err)
		}
	}
	if err := r.Remove(context.Background(), id("a")); err != nil {
		t.Error(err)
	}
}

// A KMS key that cannot be used shows at once.
func TestOpen_KMSKey(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(p *place)
		want    error
		text    string
	}{
		"unknown":  {func(p *place) { p.KeyID = "11111111-2222-3333-4444-555555555555" }, keyring.ErrDenied, "NotFoundException"},
		"disabled": {func(p *place) { p.kms.SetState(p.KeyID, "Disabled") }, keyring.ErrInactive, "Enable it"},
		"dying":    {func(p *place) { p.kms.SetState(p.KeyID, "PendingDeletion") }, keyring.ErrInactive, "not in use (PendingDeletion)"},
		"for MACs": {func(p *place) { p.KeyID = p.kms.NewKeyOf(kmstest.Region, "GENERATE_VERIFY_MAC", "HMAC_256") }, keyring.ErrInvalid, "for something else"},
		"may not be looked at": {func(p *place) {
			p.kms.SetBefore(func(op string, _ int) *kmstest.Fault {
				if op == "DescribeKey" {
					return &kmstest.Fault{Code: "AccessDeniedException", Message: "no"}
				}
				return nil
			})
		}, nil, ""},
		"may not be used": {func(p *place) {
			p.kms.SetBefore(func(string, int) *kmstest.Fault {
				return &kmstest.Fault{Code: "AccessDeniedException", Message: "no"}
			})
		}, keyring.ErrDenied, "AccessDeniedException"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			c.prepare(p)
			_, err := p.tryOpen()
			if c.want == nil && err != nil || c.want != nil && (err == nil || !strings.Contains(err.Error(), c.text)) {
				t.Fatalf("%v", err)
			}
			if c.want != nil {
				kind(t, "Open", err, c.want)
			}
		})
	}
}

// With AWS KMS away the plugin starts; a key is unreachable and never absent, an absent
// one is absent without asking, and all is well when it is back.
func TestOutage(t *testing.T) {
	p := newPlace(t)
	if err := store(p.open(), "a"); err != nil {
		t.Fatal(err)
	}
	p.AWS.Timeout = 300 * time.Millisecond
	p.kms.SetBefore(func(string, int) *kmstest.Fault { return &kmstest.Fault{Status: 503, Code: "KMSInternalException"} })
	r := p.open()
	if !strings.Contains(p.log.String(), "the KMS key cannot be looked at") {
		t.Errorf("the log: %s", p.log.String())
	}
	_, err := r.Fetch(context.Background(), id("a"))
	kind(t, "Fetch", err, keyring.ErrUnreachable)
	kind(t, "Store", store(r, "b"), keyring.ErrUnreachable)
	kind(t, "Generate", r.Generate(context.Background(), id("b"), "AES", 32), keyring.ErrUnreachable)
	before := p.kms.Requests()["Decrypt"]
	_, err = r.Fetch(context.Background(), id("absent"))
	kind(t, "Fetch of an absent key", err, keyring.ErrNotFound)
	if p.kms.Requests()["Decrypt"] != before {
		t.Error("AWS KMS was asked for a key that is not there")
	}
	p.kms.SetBefore(nil)
	holds(t, r, "a")
	if err := store(r, "b"); err != nil {
		t.Error(err)
	}
	holds(t, p.open(), "a", "b")
}

// Other credentials are in force with the next call.
func TestCredentialChange(t *testing.T) {
	p := newPlace(t)
	now := awskms.Credentials{AccessKeyID: "AKIDOLD", SecretAccessKey: "old"}
	p.kms.Credentials(now)
	p.AWS.Credentials = func(context.Context) (awskms.Credentials, error) { return now, nil }
	r := p.open()
	if err := store(r, "a"); err != nil {
		t.Fatal(err)
	}
	p.kms.Credentials(awskms.Credentials{AccessKeyID: "AKIDNEW", SecretAccessKey: "new"})
	_, err := r.Fetch(context.Background(), id("a"))
	kind(t, "with the old credentials", err, keyring.ErrDenied)
	now = awskms.Credentials{AccessKeyID: "AKIDNEW", SecretAccessKey: "new"}
	holds(t, r, "a")
}

// The file and its folders are made, for their owner and group only.
func TestOpen_MakesFile(t *testing.T) {
	p := newPlace(t)
	p.DataFile = filepath.Join(filepath.Dir(p.DataFile), "mysql-keyring", "deep", "data")
	q := p.also()
	q.ReadOnly = true
	if _, err := q.tryOpen(); err == nil {
		t.Error("a read-only keyring without a file was opened")
	}
	r := p.open()
	for path, mode := range map[string]os.FileMode{p.DataFile: 0o640, filepath.Dir(p.DataFile): 0o750, filepath.Dir(filepath.Dir(p.DataFile)): 0o750} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if err := store(r, "a"); err != nil {
		t.Error(err)
	}
}

func TestReadOnly(t *testing.T) {
	p := newPlace(t)
	if err := store(p.open(), "a"); err != nil {
		t.Fatal(err)
	}
	before := p.text()
	p.ReadOnly = true
	r := p.open()
	holds(t, r, "a")
	_, rotate := r.RotateMasterKey(context.Background())
	for what, err := range map[string]error{
		"Store": store(r, "b"), "Generate": r.Generate(context.Background(), id("b"), "AES", 32), "Remove": r.Remove(context.Background(), id("a")),
		"Rewrap": r.Rewrap(context.Background(), nil), "RotateMasterKey": rotate,
	} {
		kind(t, what, err, keyring.ErrReadOnly)
	}
	if p.text() != before {
		t.Error("the file was changed")
	}
}

func TestStatus(t *testing.T) {
	p := newPlace(t)
	r := p.open()
	if err := store(r, "a"); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, row := range r.Status() {
		got[row.Name] = row.Value
	}
	if got["Keys"] != "1" || got["Data_file_generation"] != "2" || got["Kms_requests"] != "2 (DescribeKey 1, Encrypt 1)" {
		t.Error(got)
	}
}
