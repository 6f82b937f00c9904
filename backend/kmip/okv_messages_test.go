package kmip_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// operationDigits are those of a mark, which differ from run to run.
var operationDigits = regexp.MustCompile(`(made|stored):[0-9a-f]{16}`)

// What an okv key looks like on the wire, from the first request that changes
// something to the last. The golden files have each request in hexadecimal, and
// the same as text.
func TestOKV_Golden(t *testing.T) {
	innodb := keyring.ID{Name: "INNODBKey-764d382a-7324-11e9-ad8f-9cb6d0d5dc99-1"}
	owned := keyring.ID{Name: "my key", Owner: "root@localhost"}
	d := secret.Copy([]byte("0123456789abcdef0123456789ABCDEF"))
	defer d.Wipe()
	for _, c := range []struct {
		file  string
		habit func(*kmiptest.Keeper)
		group string
		do    func(keyring.Keyring) error
	}{
		{"okv_generate_aes", nil, "", func(k keyring.Keyring) error { return k.Generate(t.Context(), innodb, "AES", 32) }},
		{"okv_generate_aes_group", nil, "mysql-1", func(k keyring.Keyring) error { return k.Generate(t.Context(), innodb, "AES", 16) }},
		{"okv_store_owned", nil, "", func(k keyring.Keyring) error {
			return k.Store(t.Context(), owned, keyring.Key{Type: "aes", Data: d})
		}},
		{"okv_store_secret", func(k *kmiptest.Keeper) { k.NoCustom = true }, "", func(k keyring.Keyring) error {
			return k.Store(t.Context(), owned, keyring.Key{Type: "SECRET", Data: d})
		}},
		{"okv_generate_noadd", func(k *kmiptest.Keeper) { k.NoAdd = true }, "", func(k keyring.Keyring) error { return k.Generate(t.Context(), innodb, "AES", 32) }},
		{"okv_generate_noinformation", func(k *kmiptest.Keeper) { k.NoInformation = true }, "", func(k keyring.Keyring) error { return k.Generate(t.Context(), innodb, "AES", 32) }},
		{"okv_remove", nil, "", func(k keyring.Keyring) error {
			if err := k.Generate(t.Context(), innodb, "AES", 32); err != nil {
				return err
			}
			return k.Remove(t.Context(), innodb)
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			w := newOKV(t, c.habit)
			w.o.ObjectGroup = c.group
			k := w.open()
			before := len(w.keeper.Requests())
			if err := c.do(k); err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, m := range w.keeper.Requests()[before:] {
				switch m.Items[0].Operation {
				case kmip.OpLocate, kmip.OpGetAttributes:
					continue
				}
				var e ttlv.Writer
				m.Encode(&e)
				b := operationDigits.ReplaceAll(e.Bytes(), []byte("${1}:0123456789abcdef"))
				got.WriteString(kmip.Dump(b) + "\n")
				for line := range slices.Chunk(b, 32) {
					got.WriteString(hex.EncodeToString(line) + "\n")
				}
			}
			file := filepath.Join("testdata", c.file+".txt")
			want, err := os.ReadFile(file)
			if os.Getenv("DBKEYRING_WRITE_GOLDEN") != "" {
				err = os.WriteFile(file, []byte(got.String()), 0o644)
				want = []byte(got.String())
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A SECRET that is to be generated has bytes of the server's alone.
func TestOKV_SecretOfTheServer(t *testing.T) {
	id := keyring.ID{Name: "s"}
	for _, c := range []struct {
		version string
		noRNG   bool
		size    int
		creates int
		rng     int
	}{
		{"", false, 100, 4, 0}, // KMIP 1.1 has no RNG Retrieve
		{"1.1", true, 1, 1, 0},
		{"1.1", true, 64, 2, 0},
		{"1.2", false, 100, 0, 1},
		{"1.4", false, 250, 0, 3}, // the keeper gives 100 bytes at a time
		{"1.4", true, 33, 2, 0},
	} {
		w := newOKV(t, func(k *kmiptest.Keeper) { k.NoRNG = c.noRNG })
		w.o.ProtocolVersion = c.version
		var given strings.Builder // what the server gave out, in the order of asking
		k := w.open()
		if err := k.Generate(t.Context(), id, "SECRET", c.size); err != nil {
			t.Fatal(err)
		}
		_, content, err := fetch(t, k, id)
		if err != nil || len(content) != c.size {
			t.Fatalf("%d bytes, %v", len(content), err)
		}
		for _, b := range w.keeper.Given() {
			given.Write(b)
		}
		if !strings.HasPrefix(given.String(), string(content)) {
			t.Errorf("%+v: the bytes are not the server's", c)
		}
		if n := w.keeper.Operations(kmip.OpCreate); n != c.creates {
			t.Errorf("%+v: %d keys created", c, n)
		}
		if n := w.keeper.Operations(kmip.OpDestroy); n != c.creates {
			t.Errorf("%+v: %d keys destroyed", c, n)
		}
		if n := w.keeper.Operations(kmip.OpRNGRetrieve); n != c.rng {
			t.Errorf("%+v: %d requests for random bytes", c, n)
		}
		if n := len(w.keeper.IDs()); n != 1 {
			t.Errorf("%+v: %d objects are left", c, n)
		}
	}
}

func TestOKV_Refuses(t *testing.T) {
	w := newOKV(t, nil)
	k := w.open()
	before := len(w.keeper.Requests())
	for _, c := range []struct {
		typ  string
		size int
		want string
	}{
		{"RSA", 16, `invalid key type: "RSA"; it should be AES or SECRET`},
		{"DSA", 1024, `invalid key type: "DSA"`},
		{"AES", 1, "invalid key length: 1 bytes; an AES key has 16, 24 or 32"},
		{"AES", 33, "invalid key length: 33 bytes"},
		{"SECRET", 16385, "invalid key length: 16385 bytes; a key may have 1 to 16384"},
		{"SECRET", 0, "invalid key length: 0 bytes"},
	} {
		err := k.Generate(t.Context(), keyring.ID{Name: "k"}, c.typ, c.size)
		if keyring.KindOf(err) != keyring.ErrInvalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %d: %v", c.typ, c.size, err)
		}
	}
	if n := len(w.keeper.Requests()); n != before {
		t.Errorf("the server was asked %d times", n-before)
	}
}

// Versions: 1.1 unless the options say otherwise.
func TestOKV_Version(t *testing.T) {
	for option, want := range map[string]kmip.Version{"": kmip.V1_1, "1.0": kmip.V1_0, "1.4": kmip.V1_4} {
		w := newOKV(t, nil)
		w.o.ProtocolVersion = option
		k := w.open()
		if err := k.Generate(t.Context(), keyring.ID{Name: "k"}, "AES", 32); err != nil {
			t.Error(err)
		}
		for _, m := range w.keeper.Requests() {
			if m.Header.Version != want && m.Items[0].Operation != kmip.OpDiscoverVersions {
				t.Errorf("%q: %s at %s", option, m.Items[0].Operation, m.Header.Version)
			}
		}
	}
}

// Keys that are not of this keyring are not seen, their content is not asked for,
// and they stay as they are.
func TestOKV_OthersAreLeftAlone(t *testing.T) {
	w := newOKV(t, nil)
	name := kmip.NameAttribute
	others := []string{
		w.add("plain", bytesOf(32, 1), kmip.StateActive),
		w.add("ready only", bytesOf(32, 2), kmip.StateActive, kmip.TextAttribute("x-key-ready", "1")),
		w.add("old", bytesOf(32, 3), kmip.StatePreActive, kmip.DateAttribute(kmip.AttrInitialDate, w.now().Add(-1e12))),
		w.add("wrong mark", bytesOf(32, 4), kmip.StatePreActive, asi("dbkeyring", "made:xyz"), kmip.DateAttribute(kmip.AttrInitialDate, w.now().Add(-1e12))),
		w.add("other space", bytesOf(32, 5), kmip.StatePreActive, asi("other", "made:0123456789abcdef"), kmip.DateAttribute(kmip.AttrInitialDate, w.now().Add(-1e12))),
		w.keeper.Add(kmip.SecretData(kmip.SecretDataPassword, kmip.KeyFormatRaw, secret.Copy([]byte("x"))), kmip.StateActive, name("secret")),
	}
	k := w.open()
	if ids, err := k.List(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("%v, %v", ids, err)
	}
	for _, n := range []string{"plain", "ready only", "old", "wrong mark", "other space", "secret"} {
		id := keyring.ID{Name: n}
		if _, _, err := fetch(t, k, id); keyring.KindOf(err) != keyring.ErrNotFound {
			t.Errorf("%s: %v", n, err)
		}
		if err := k.Remove(t.Context(), id); keyring.KindOf(err) != keyring.ErrNotFound {
			t.Errorf("%s: %v", n, err)
		}
	}
	// Names are not unique there: ours goes beside it.
	if err := k.Generate(t.Context(), keyring.ID{Name: "plain"}, "AES", 16); err != nil {
		t.Error(err)
	}
	if err := k.Remove(t.Context(), keyring.ID{Name: "plain"}); err != nil {
		t.Error(err)
	}
	if got := w.keeper.IDs(); fmt.Sprint(got) != fmt.Sprint(others) {
		t.Errorf("left: %v, were: %v", got, others)
	}
	for _, m := range w.keeper.Requests() {
		for _, it := range m.Items {
			if g, ok := it.Payload.(*kmip.GetRequest); ok && slices.Contains(others, g.UniqueIdentifier) {
				t.Errorf("object %s was read", g.UniqueIdentifier)
			}
		}
	}
}

// Two MySQL servers that use the same credentials show in their InnoDB keys.
func TestOKV_ForeignServers(t *testing.T) {
	const a, b = "764d382a-7324-11e9-ad8f-9cb6d0d5dc99", "00000000-7324-11e9-ad8f-9cb6d0d5dc99"
	w := newOKV(t, nil)
	k := w.open()
	generate := func(name string) {
		if err := k.Generate(t.Context(), keyring.ID{Name: name}, "AES", 32); err != nil {
			t.Fatal(err)
		}
	}
	generate("INNODBKey-" + a + "-1")
	generate("INNODBKey-" + a + "-2")
	generate("INNODBKey-x-3")
	if n := w.log.count("interfere"); n != 0 {
		t.Errorf("warned of one server:\n%s", w.log)
	}
	generate("INNODBKey-" + b + "-1")
	if n := w.log.count("MySQL server " + b + " makes an InnoDB key where there are keys of " + a); n != 1 {
		t.Errorf("%d warnings:\n%s", n, w.log)
	}
	w.open()
	if n := w.log.count("there are InnoDB keys of several MySQL servers (" + b + ", " + a + "); each MySQL Server must be registered separately"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, w.log)
	}
}

func asi(space, data string) kmip.Attribute {
	return kmip.Attribute{Name: kmip.AttrAppSpecificInformation, Value: kmip.ApplicationSpecificInformation{Namespace: space, Data: data}.TTLV()}
}
