package awskms_test

import (
	"os"
	"testing"

	kms "github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/awskms"
	"github.com/dbkeyring/dbkeyring/masterkey/providertest"
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
