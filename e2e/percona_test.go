//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/secret"
)

// fileKey is a key as MySQL's file keyring keeps it.
type fileKey struct {
	User      string `json:"user"`
	ID        string `json:"data_id"`
	Type      string `json:"data_type"`
	Data      string `json:"data"` // hexadecimal
	Extension []any  `json:"extension"`
}

type fileKeyring struct {
	Version  string    `json:"version"`
	Elements []fileKey `json:"elements"`
}

// A data directory whose keys Percona's component put on the key server works
// with ours as it is, and what ours puts there Percona's can read: the file
// keyring stands in for a server with Percona's component, which holds in memory
// what it reads from the key server.
func TestDataDirectoryFromPerconaAndBack(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		m := newMySQL(t, "--server-id=1")
		m.Args = append(m.Args, "--log-bin="+m.path("data/binlog"), "--binlog-encryption=ON", "--innodb-redo-log-encrypt=ON")
		m.useFile(m.path("data/before.json")).start()
		m.exec("CREATE DATABASE e2e", "CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)",
			"ALTER INSTANCE ROTATE INNODB MASTER KEY", "ALTER INSTANCE ROTATE BINLOG MASTER KEY")
		m.stop()

		var before fileKeyring
		if err := json.Unmarshal([]byte(readFile(t, m.path("data/before.json"))), &before); err != nil || len(before.Elements) < 4 {
			t.Fatalf("%d keys, %v", len(before.Elements), err)
		}
		client := ks.client()
		for i, k := range before.Elements {
			// Before 2024 it left its keys Pre-Active.
			registerAsPercona(t, client, k, i%2 == 0)
		}

		m.useKMIP(ks.Config).start()
		m.want("42", "SELECT v FROM e2e.t")
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY", "ALTER INSTANCE ROTATE BINLOG MASTER KEY",
			"CREATE TABLE e2e.late (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.late VALUES (43)")
		m.restart()
		m.want("43", "SELECT v FROM e2e.late")
		m.stop()

		after := fileKeyring{Version: before.Version, Elements: readAsPercona(t, client)}
		text, err := json.Marshal(after)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, m.path("data/after.json"), string(text), 0o600)
		ks.stop()
		m.useFile(m.path("data/after.json")).start()
		m.want("42", "SELECT v FROM e2e.t")
		m.want("43", "SELECT v FROM e2e.late")
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY", "ALTER INSTANCE ROTATE BINLOG MASTER KEY")
		m.stop()
	})
}

// registerAsPercona sends what the component of 2022 to 2025 sends: the
// attributes in its order, and neither owner nor Application Specific Information.
func registerAsPercona(t *testing.T, c *kmipclient.Client, k fileKey, activate bool) {
	t.Helper()
	if k.User != "" || k.Type != "AES" {
		t.Fatalf("a key that Percona's component cannot keep: %s %s", k.User, k.Type)
	}
	raw, err := hex.DecodeString(k.Data)
	if err != nil {
		t.Fatal(err)
	}
	data := secret.Take(raw)
	defer data.Wipe()
	r, err := c.Register(context.Background(), &kmip.RegisterRequest{
		ObjectType: kmip.ObjectTypeSymmetricKey, Object: kmip.SymmetricKey(kmip.AlgorithmAES, data),
		Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
			kmip.IntegerAttribute(kmip.AttrCryptographicLength, int32(8*data.Len())),
			kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 0x0C),
			kmip.NameAttribute(k.ID),
		}},
	})
	if err == nil && activate {
		_, err = c.Activate(context.Background(), r.UniqueIdentifier)
	}
	if err != nil {
		t.Fatalf("%s: %v", k.ID, err)
	}
}

// readAsPercona reads all keys as the component does at its start: the Name is
// the key's id, and of two objects of one Name it would not start.
func readAsPercona(t *testing.T, c *kmipclient.Client) (keys []fileKey) {
	t.Helper()
	ctx := context.Background()
	found, err := c.Locate(ctx, &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey)}})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, uid := range found.UniqueIdentifiers {
		attrs, err := c.GetAttributes(ctx, uid, kmip.AttrName)
		if err != nil {
			t.Fatal(err)
		}
		names := attrs.Attributes.Names()
		if len(names) != 1 || seen[names[0]] {
			t.Fatalf("object %s has the Names %q", uid, names)
		}
		seen[names[0]] = true
		got, err := c.Get(ctx, uid)
		if err != nil {
			t.Fatal(err)
		}
		data := strings.ToUpper(hex.EncodeToString(bytes.Clone(got.Object.Content().Reveal())))
		got.Object.Wipe()
		keys = append(keys, fileKey{ID: names[0], Type: "AES", Data: data, Extension: []any{}})
	}
	return keys
}
