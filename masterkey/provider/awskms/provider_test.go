package awskms_test

import (
	"os"
	"strings"
	"testing"
	"time"

	kms "github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/awskms"
	"github.com/dbkeyring/dbkeyring/masterkey/providertest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func TestMain(m *testing.M) {
	kmstest.ClearEnvironment()
	os.Exit(m.Run())
}

func newProvider(t testing.TB, s *kmstest.Server, key string) *awskms.Provider {
	t.Helper()
	p, err := awskms.New(t.Context(), awskms.Options{KeyID: key, AWS: s.Options()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConformance(t *testing.T) {
	s := kmstest.New(t)
	arn := s.NewKey(kmstest.Region)
	providertest.Test(t, func(t testing.TB) masterkey.Provider { return newProvider(t, s, arn) },
		providertest.Keeper{Missing: []masterkey.Ref{{ID: arn}}, Asks: true})
}

func TestStates(t *testing.T) {
	s := kmstest.New(t)
	arn := s.NewKey(kmstest.Region)
	p := newProvider(t, s, arn)
	defer p.Close()
	_, ref, err := p.Create(t.Context(), "")
	if err != nil || ref.ID != arn {
		t.Fatalf("%+v, %v", ref, err)
	}
	s.SetState(arn, "Disabled")
	if state, err := p.State(t.Context(), ref); err != nil || state != masterkey.Deactivated {
		t.Errorf("%s, %v", state, err)
	}
	if _, _, err := p.Read(t.Context(), ref); keyring.KindOf(err) != keyring.ErrInactive {
		t.Errorf("%v", err)
	}
	s.SetState(arn, "Enabled")
	// A blob of a keyring's, under the same KMS key, is no master key.
	client, err := kms.New(t.Context(), s.Options())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	key, _, err := p.Read(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := client.Encrypt(t.Context(), arn, key, kms.ContextOf(keyring.ID{Name: "k"}, "AES"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Read(t.Context(), masterkey.Ref{ID: arn, Blob: blob.Data}); keyring.KindOf(err) != keyring.ErrCorrupt {
		t.Errorf("%v", err)
	}
	s.Drop(arn)
	if _, err := p.State(t.Context(), ref); err == nil || keyring.KindOf(err) == keyring.ErrNotFound {
		t.Errorf("a KMS key that is not there: %v", err)
	}
}

// Each fault of AWS KMS has its kind, in each call, and none says that there is no key.
func TestFaults(t *testing.T) {
	s := kmstest.New(t)
	arn := s.NewKey(kmstest.Region)
	o := s.Options()
	o.Timeout = time.Second
	p, err := awskms.New(t.Context(), awskms.Options{KeyID: arn, AWS: o})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, ref, err := p.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fault kmstest.Fault
		kind  error
	}{
		"no permission":          {kmstest.Fault{Code: "AccessDeniedException", Message: "not authorized"}, keyring.ErrDenied},
		"wrong credentials":      {kmstest.Fault{Code: "UnrecognizedClientException", Message: "invalid token"}, keyring.ErrDenied},
		"throttled":              {kmstest.Fault{Code: "ThrottlingException", Message: "Rate exceeded"}, keyring.ErrUnreachable},
		"broken":                 {kmstest.Fault{Code: "KMSInternalException", Message: "oops"}, keyring.ErrUnreachable},
		"silent":                 {kmstest.Fault{Hang: true}, keyring.ErrUnreachable},
		"no such KMS key":        {kmstest.Fault{Code: "NotFoundException", Message: "does not exist"}, keyring.ErrDenied},
		"a KMS key out of use":   {kmstest.Fault{Code: "KMSInvalidStateException", Message: "is pending deletion"}, keyring.ErrInactive},
		"a disabled KMS key":     {kmstest.Fault{Code: "DisabledException", Message: "is disabled"}, keyring.ErrInactive},
		"something else answers": {kmstest.Fault{Status: 502, Body: "<html>"}, keyring.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			s.SetBefore(func(string, int) *kmstest.Fault { return &c.fault })
			defer s.SetBefore(nil)
			start := time.Now()
			_, _, create := p.Create(t.Context(), "")
			_, _, read := p.Read(t.Context(), ref)
			state, stateErr := p.State(t.Context(), ref)
			for call, err := range map[string]error{"Create": create, "Read": read} {
				if keyring.KindOf(err) != c.kind || !strings.Contains(err.Error(), "master key") {
					t.Errorf("%s: %v", call, err)
				}
			}
			if c.kind == keyring.ErrInactive {
				if stateErr != nil || state != masterkey.Deactivated {
					t.Errorf("State: %s, %v", state, stateErr)
				}
			} else if keyring.KindOf(stateErr) != c.kind {
				t.Errorf("State: %v", stateErr)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// A lost answer leaves nothing behind, and what AWS KMS decrypts has to be a key.
func TestBlobs(t *testing.T) {
	s := kmstest.New(t)
	arn := s.NewKey(kmstest.Region)
	p := newProvider(t, s, "alias/db")
	defer p.Close()
	s.SetAlias("alias/db", arn)
	s.SetBefore(func(op string, n int) *kmstest.Fault {
		if op == "Encrypt" && n == 0 {
			return &kmstest.Fault{Cut: true}
		}
		return nil
	})
	key, ref, err := p.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if ref.ID != arn { // an alias may be another key's tomorrow
		t.Errorf("%+v", ref)
	}
	s.SetAlias("alias/db", s.NewKey(kmstest.Region))
	if got, _, err := p.Read(t.Context(), ref); err != nil || !got.Equal(key) {
		t.Errorf("after the alias was moved: %v", err)
	}
	client, err := kms.New(t.Context(), s.Options())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	short, err := client.Encrypt(t.Context(), arn, secret.Random(16), kms.Context{"purpose": "dbkeyring master key"})
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), ref.Blob...)
	damaged[len(damaged)-1] ^= 1
	for name, r := range map[string]masterkey.Ref{"short": {ID: arn, Blob: short.Data}, "damaged": {ID: arn, Blob: damaged}} {
		if _, _, err := p.Read(t.Context(), r); keyring.KindOf(err) != keyring.ErrCorrupt {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The state of a key that is not named is that of the configured one.
	if state, err := p.State(t.Context(), masterkey.Ref{}); err != nil || state != masterkey.Active {
		t.Errorf("%s, %v", state, err)
	}
	s.SetState(arn, "PendingDeletion")
	if state, err := p.State(t.Context(), ref); err != nil || state != masterkey.Deactivated {
		t.Errorf("%s, %v", state, err)
	}
}
