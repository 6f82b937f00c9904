package kmip_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// registrations are what Percona's component must be able to read, byte for byte.
var registrations = []struct {
	file  string
	id    keyring.ID
	typ   string
	group string
}{
	{"register_aes", keyring.ID{Name: "INNODBKey-764d382a-7324-11e9-ad8f-9cb6d0d5dc99-1"}, "AES", ""},
	{"register_aes_group", keyring.ID{Name: "INNODBKey-764d382a-7324-11e9-ad8f-9cb6d0d5dc99-1"}, "AES", "mysql-1"},
	{"register_secret_group", keyring.ID{Name: "percona_audit_filter"}, "SECRET", "mysql-1"},
	{"register_owned", keyring.ID{Name: "my key", Owner: "root@localhost"}, "aes", ""},
}

// The golden files hold a request of KMIP 1.4 in hexadecimal, and the same as text.
func TestRegister_Golden(t *testing.T) {
	for _, c := range registrations {
		t.Run(c.file, func(t *testing.T) {
			w := newWorld(t, nil)
			w.o.ObjectGroup = c.group
			k := w.open()
			d := secret.Copy([]byte("0123456789abcdef0123456789ABCDEF"))
			defer d.Wipe()
			if err := k.Store(t.Context(), c.id, keyring.Key{Type: c.typ, Data: d}); err != nil {
				t.Fatal(err)
			}
			for _, m := range w.keeper.Requests() {
				if m.Items[0].Operation != kmip.OpRegister {
					continue
				}
				var e ttlv.Writer
				m.Encode(&e)
				got := kmip.Dump(e.Bytes()) + "\n"
				for b := e.Bytes(); len(b) > 0; b = b[min(len(b), 32):] {
					got += hex.EncodeToString(b[:min(len(b), 32)]) + "\n"
				}
				file := filepath.Join("testdata", c.file+".txt")
				want, err := os.ReadFile(file)
				if os.Getenv("DBKEYRING_WRITE_GOLDEN") != "" {
					err = os.WriteFile(file, []byte(got), 0o644)
					want = []byte(got)
				}
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
			want := []kmip.Operation{kmip.OpRegister, kmip.OpActivate}
			var got []kmip.Operation
			for _, m := range w.keeper.Requests() {
				switch op := m.Items[0].Operation; op {
				case kmip.OpRegister, kmip.OpActivate, kmip.OpRevoke, kmip.OpDestroy:
					got = append(got, op)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("operations %v, want %v", got, want)
			}
		})
	}
}

// Objects as both generations of Percona's component make them: the older with
// its attributes in another order and Pre-Active, the newer Active.
func TestReadsPercona(t *testing.T) {
	w := newWorld(t, nil)
	aes := func(n int32) kmip.Attributes {
		return kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
			kmip.IntegerAttribute(kmip.AttrCryptographicLength, n*8),
			kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 0x0C),
		}
	}
	add := func(o kmip.Object, s kmip.State, a ...kmip.Attribute) string { return w.keeper.Add(o, s, a...) }
	symmetric := func(b []byte) kmip.Object { return kmip.SymmetricKey(kmip.AlgorithmAES, secret.Copy(b)) }
	legacy := add(symmetric(bytesOf(32, 1)), kmip.StatePreActive,
		append(aes(32), kmip.NameAttribute("INNODBKey-u-1"), kmip.TextAttribute(kmip.AttrObjectGroup, "g"))...)
	add(symmetric(bytesOf(16, 2)), kmip.StateActive, append(kmip.Attributes{kmip.NameAttribute("MySQLReplicationKey_u")}, aes(16)...)...)
	add(kmip.SecretData(kmip.SecretDataPassword, kmip.KeyFormatOpaque, secret.Copy([]byte("opaque"))), kmip.StateActive,
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 0x240), kmip.NameAttribute("audit"))
	add(kmip.SecretData(kmip.SecretDataPassword, kmip.KeyFormatRaw, secret.Copy([]byte("raw"))), kmip.StateActive, kmip.NameAttribute("audit raw"))
	add(symmetric(bytesOf(16, 3)), kmip.StateActive, kmip.NameAttribute("schlüssel"))
	add(symmetric(bytesOf(16, 4)), kmip.StateActive) // no Name
	add(symmetric(bytesOf(16, 5)), kmip.StateActive, kmip.NameAttribute("dbkeyring:1:broken"))
	add(symmetric(nil), kmip.StateActive, kmip.NameAttribute("empty"))

	k := w.open()
	check := func() {
		t.Helper()
		mustHave(t, k, keyring.ID{Name: "INNODBKey-u-1"}, "AES", bytesOf(32, 1))
		mustHave(t, k, keyring.ID{Name: "MySQLReplicationKey_u"}, "AES", bytesOf(16, 2))
		mustHave(t, k, keyring.ID{Name: "audit"}, "SECRET", []byte("opaque"))
		mustHave(t, k, keyring.ID{Name: "audit raw"}, "SECRET", []byte("raw"))
		mustHave(t, k, keyring.ID{Name: "schlüssel"}, "AES", bytesOf(16, 3))
	}
	check()
	if ids, _ := k.List(t.Context()); len(ids) != 5 {
		t.Errorf("%v", ids)
	}
	for _, want := range []string{"have no usable Name and are passed over\" objects=2", "cannot be read and are passed over\" objects=1"} {
		if w.log.count(want) != 1 {
			t.Errorf("the log does not say once %q:\n%s", want, w.log)
		}
	}
	if n, err := k.(keyring.NativeIDer).NativeID(t.Context(), keyring.ID{Name: "INNODBKey-u-1"}); err != nil || n != legacy {
		t.Errorf("NativeID: %q, %v", n, err)
	}
	// What others made can be removed: a Pre-Active object without a revocation.
	for _, id := range []keyring.ID{{Name: "INNODBKey-u-1"}, {Name: "schlüssel"}, {Name: "audit"}} {
		if err := k.Remove(t.Context(), id); err != nil {
			t.Errorf("Remove %s: %v", id, err)
		}
	}
	if n := w.keeper.Operations(kmip.OpRevoke); n != 2 {
		t.Errorf("%d revocations, not 2", n)
	}
	for _, m := range w.keeper.Requests() {
		if p, ok := m.Items[0].Payload.(*kmip.RevokeRequest); ok && (p.Reason != kmip.RevocationReason{Code: 1, Message: "Deleting the key"} || !p.CompromiseOccurrence.IsZero()) {
			t.Errorf("%+v", p)
		}
	}
}

// A key that another client adds later is found without a reload, whichever of
// its Names it has.
func TestFindsWhatCameLater(t *testing.T) {
	w := newWorld(t, nil)
	k := w.open()
	w.add("schlüssel", bytesOf(16, 1), kmip.StateActive)
	w.add("later", bytesOf(16, 2), kmip.StatePreActive)
	for range 2 {
		mustHave(t, k, keyring.ID{Name: "schlüssel"}, "AES", bytesOf(16, 1))
		mustHave(t, k, keyring.ID{Name: "later"}, "AES", bytesOf(16, 2))
	}
	if n := w.keeper.Operations(kmip.OpGet); n != 2 {
		t.Errorf("%d objects were read, not 2: a found key is not kept in memory", n)
	}
}

func TestObjectGroup(t *testing.T) {
	w := newWorld(t, nil)
	w.add("of nobody", bytesOf(16, 1), kmip.StateActive)
	w.add("of another", bytesOf(16, 2), kmip.StateActive, kmip.TextAttribute(kmip.AttrObjectGroup, "other"))
	w.add("ours", bytesOf(16, 3), kmip.StateActive, kmip.TextAttribute(kmip.AttrObjectGroup, "g"))
	w.o.ObjectGroup = "g"
	k := w.open()
	mustHave(t, k, keyring.ID{Name: "ours"}, "AES", bytesOf(16, 3))
	if ids, _ := k.List(t.Context()); len(ids) != 1 {
		t.Errorf("%v", ids)
	}
	for _, n := range []string{"of nobody", "of another"} {
		if _, _, err := fetch(t, k, keyring.ID{Name: n}); keyring.KindOf(err) != keyring.ErrNotFound {
			t.Errorf("%s: %v", n, err)
		}
	}
	if err := k.Store(t.Context(), keyring.ID{Name: "of another"}, key(bytesOf(16, 4))); err != nil {
		t.Error(err)
	}
	mustHave(t, k, keyring.ID{Name: "of another"}, "AES", bytesOf(16, 4))
}

// A server that takes no Application Specific Information still keeps the key;
// only the spelling of its type is lost.
func TestNoApplicationData(t *testing.T) {
	w := newWorld(t, func(k *kmipKeeper) {
		k.Before = func(p kmip.Payload) error {
			if r, ok := p.(*kmip.RegisterRequest); ok {
				if _, has := r.Template.Attributes.Get(kmip.AttrAppSpecificInformation); has {
					return kmip.Errorf(kmip.ReasonApplicationNamespaceNotSupported, "no such namespace")
				}
			}
			return nil
		}
	})
	k := w.open()
	id := keyring.ID{Name: "k", Owner: "o"}
	d := secret.Copy(bytesOf(16, 1))
	defer d.Wipe()
	if err := k.Store(t.Context(), id, keyring.Key{Type: "Aes", Data: d}); err != nil {
		t.Fatal(err)
	}
	mustHave(t, k, id, "AES", bytesOf(16, 1))
	mustHave(t, w.open(), id, "AES", bytesOf(16, 1))
}

// Some servers take Secret Data as Raw alone. Reading takes either form.
func TestSecretOnAStrictServer(t *testing.T) {
	for _, reason := range []kmip.ResultReason{kmip.ReasonKeyFormatTypeNotSupported, kmip.ReasonInvalidField, kmip.ReasonFeatureNotSupported, kmip.ReasonGeneralFailure} {
		w := newWorld(t, func(k *kmipKeeper) {
			k.Before = func(p kmip.Payload) error {
				if r, ok := p.(*kmip.RegisterRequest); ok && r.Object.KeyBlock.Format == kmip.KeyFormatOpaque {
					return kmip.Errorf(reason, "no such format")
				}
				return nil
			}
		})
		k := w.open()
		id := keyring.ID{Name: "audit"}
		d := secret.Copy([]byte("pass phrase"))
		defer d.Wipe()
		err := k.Store(t.Context(), id, keyring.Key{Type: "SECRET", Data: d})
		if reason == kmip.ReasonGeneralFailure { // says nothing about the format
			if keyring.KindOf(err) != keyring.ErrUnreachable || w.keeper.Operations(kmip.OpRegister) != 1 {
				t.Errorf("%s: %v, %d attempts", reason, err, w.keeper.Operations(kmip.OpRegister))
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", reason, err)
			continue
		}
		mustHave(t, k, id, "SECRET", []byte("pass phrase"))
		mustHave(t, w.open(), id, "SECRET", []byte("pass phrase"))
		if n := w.keeper.Operations(kmip.OpRegister); n != 2 || len(w.keeper.IDs()) != 1 {
			t.Errorf("%s: %d attempts, %d objects", reason, n, len(w.keeper.IDs()))
		}
	}
}

func TestInvalid_TellsLengthsAndTypes(t *testing.T) {
	w := newWorld(t, nil)
	k := w.open()
	err := k.Generate(t.Context(), keyring.ID{Name: strings.Repeat("n", 240), Owner: "root@localhost"}, "RSA", 0)
	for _, want := range []string{"240", "14", "267", "250", `"RSA"`, "AES and SECRET", "0 bytes", "1 to 16384"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %s", err, want)
		}
	}
	if keyring.KindOf(err) != keyring.ErrInvalid {
		t.Errorf("%v", err)
	}
	if n := len(w.keeper.IDs()); n != 0 {
		t.Errorf("%d objects", n)
	}
}
