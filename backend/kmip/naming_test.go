package kmip

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// These lie on users' servers: a change here loses their keys.
var goldenNames = []struct {
	id   keyring.ID
	name string
}{
	{keyring.ID{Name: "INNODBKey-764d382a-7324-11e9-ad8f-9cb6d0d5dc99-1"}, "INNODBKey-764d382a-7324-11e9-ad8f-9cb6d0d5dc99-1"},
	{keyring.ID{Name: "MySQLReplicationKey_764d382a_old"}, "MySQLReplicationKey_764d382a_old"},
	{keyring.ID{Name: "my key: 100% (\"quoted\")"}, "my key: 100% (\"quoted\")"},
	{keyring.ID{Name: "MyKey", Owner: "root@localhost"}, "dbkeyring:1:root@localhost:MyKey"},
	{keyring.ID{Name: "a key", Owner: "app user@%"}, "dbkeyring:1:app%20user@%25:a%20key"},
	{keyring.ID{Name: "a:b", Owner: "c:d"}, "dbkeyring:1:c%3Ad:a%3Ab"},
	{keyring.ID{Name: "-._~@AZaz09", Owner: "-._~@AZaz09"}, "dbkeyring:1:-._~@AZaz09:-._~@AZaz09"},
	{keyring.ID{Name: "schlüssel", Owner: "größe@host"}, "dbkeyring:1:gr%C3%B6%C3%9Fe@host:schl%C3%BCssel"},
	{keyring.ID{Name: "schlüssel"}, "dbkeyring:1::schl%C3%BCssel"},
	{keyring.ID{Name: "\xff\x01\x7f"}, "dbkeyring:1::%FF%01%7F"},
	{keyring.ID{Name: "dbkeyring:1:o:k"}, "dbkeyring:1::dbkeyring%3A1%3Ao%3Ak"},
	{keyring.ID{Name: "dbkeyring:1:"}, "dbkeyring:1::dbkeyring%3A1%3A"},
	{keyring.ID{Name: "dbkeyring:2:o:k"}, "dbkeyring:2:o:k"},
	{keyring.ID{Name: "dbkeyring:1"}, "dbkeyring:1"},
}

func TestNames_Golden(t *testing.T) {
	for _, c := range goldenNames {
		if got := nameOf(c.id); got != c.name {
			t.Errorf("%s: %q, want %q", c.id, got, c.name)
		}
		if got, ok := parseName(c.name); !ok || got != c.id {
			t.Errorf("%q: %s, %t, want %s", c.name, got, ok, c.id)
		}
	}
}

// What begins like one of our Names and is none names no key, so that no key has
// two Names.
func TestNames_NotOurs(t *testing.T) {
	for _, n := range []string{"", "dbkeyring:1:", "dbkeyring:1::", "dbkeyring:1:owner", "dbkeyring:1:owner:", "dbkeyring:1::plain", "dbkeyring:1:o:a:b",
		"dbkeyring:1:o:a%20b%2", "dbkeyring:1:o:%", "dbkeyring:1:o:%zz", "dbkeyring:1:o:%c3", "dbkeyring:1:o:%41", "dbkeyring:1:o:a b", "dbkeyring:1:o:ü", "dbkeyring:1:%41:k", "a\x00"} {
		if id, ok := parseName(n); ok {
			t.Errorf("%q is taken for %s", n, id)
		}
	}
	// Another program's, which we read as it is and look for again.
	if id, ok := parseName("schlüssel"); !ok || id.Name != "schlüssel" {
		t.Errorf("%s, %t", id, ok)
	}
	if got := names(keyring.ID{Name: "schlüssel"}); len(got) != 2 || got[1] != "schlüssel" {
		t.Errorf("%q", got)
	}
	for _, id := range []keyring.ID{{Name: "plain"}, {Name: "\xff"}, {Name: "schlüssel", Owner: "o"}, {Name: "dbkeyring:1:o:k"}} {
		if got := names(id); len(got) != 1 {
			t.Errorf("%s: %q", id, got)
		}
	}
}

func TestNames_OneToOne(t *testing.T) {
	part := rapid.OneOf(rapid.StringMatching(`[a%:@ü \x01-]{0,6}`), rapid.Map(rapid.SliceOfN(rapid.ByteRange(1, 255), 0, 8), func(b []byte) string { return string(b) }),
		rapid.Map(rapid.String(), func(s string) string { return namePrefix + s }))
	rapid.Check(t, func(t *rapid.T) {
		a := keyring.ID{Name: part.Draw(t, "name"), Owner: part.Draw(t, "owner")}
		b := keyring.ID{Name: part.Draw(t, "other name"), Owner: part.Draw(t, "other owner")}
		if a.Name == "" || strings.Contains(a.Name+a.Owner, "\x00") {
			t.Skip()
		}
		n := nameOf(a)
		if got, ok := parseName(n); !ok || got != a {
			t.Fatalf("%q became %q and came back as %q", a, n, got)
		}
		if !isPrintableASCII(n) {
			t.Fatalf("%q is not printable ASCII", n)
		}
		if a != b && nameOf(b) == n {
			t.Fatalf("%q and %q have the same Name", a, b)
		}
	})
}

func TestNames_AnyNameIsReadOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.String(), rapid.Map(rapid.StringMatching(`[a%20:@F]{0,9}`), func(s string) string { return namePrefix + s })).Draw(t, "name")
		id, ok := parseName(n)
		if !ok {
			return
		}
		found := false
		for _, m := range names(id) {
			found = found || m == n
		}
		if !found {
			t.Fatalf("%q is read as %q, which is looked for as %q", n, id, names(id))
		}
	})
}

func TestApplicationData_Golden(t *testing.T) {
	for _, c := range []struct {
		id     keyring.ID
		typ    string
		data   string
		needed bool
	}{
		{keyring.ID{Name: "k"}, "AES", "1::k:AES", false},
		{keyring.ID{Name: "k"}, "aes", "1::k:aes", true},
		{keyring.ID{Name: "my key", Owner: "root@localhost"}, "AES", "1:root@localhost:my%20key:AES", true},
		{keyring.ID{Name: "ü"}, "AES", "1::%C3%BC:AES", true},
	} {
		data, needed := applicationData(c.id, c.typ, "AES")
		if data != c.data || needed != c.needed {
			t.Errorf("%s: %q, %t", c.id, data, needed)
		}
		if got := parseType(data, "AES"); got != c.typ {
			t.Errorf("%q: type %q", data, got)
		}
	}
	for _, data := range []string{"", "1:::", "1:o:k:SECRET", "2:o:k:aes", "o:k:aes", "1:o:k:aes:x"} {
		if got := parseType(data, "AES"); got != "AES" {
			t.Errorf("%q: type %q", data, got)
		}
	}
}
