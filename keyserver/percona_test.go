package keyserver_test

import (
	"fmt"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The requests of Percona's component_keyring_kmip, in both of its generations,
// as its sources and captures have them: objects, attributes and their order,
// versions, sizes.

// legacy is the component of 2022 to 2025: a connection for each call, 1.0 or 1.4,
// and no answer above 8,192 bytes.
type legacy struct {
	t testing.TB
	s *keyservertest.Server

	cert, key string // files
	group     string
}

const legacyMaximum = 8192

func (l legacy) call(v kmip.Version, p kmip.Payload) kmip.ResponseItem {
	l.t.Helper()
	c := kmiptest.Dial(l.t, l.s.Addr, l.s.ClientConfig(l.cert, l.key))
	defer c.Close()
	var w ttlv.Writer
	(&kmip.RequestMessage{
		Header: kmip.RequestHeader{Version: v, MaximumResponseSize: legacyMaximum},
		Items:  []kmip.RequestItem{{Operation: p.Operation(), Payload: p}},
	}).Encode(&w)
	frame, err := c.Raw(w.Bytes())
	if err != nil {
		l.t.Fatal(err)
	}
	if len(frame) > legacyMaximum {
		l.t.Fatalf("%s: an answer of %d bytes", p.Operation(), len(frame))
	}
	m, err := kmip.DecodeResponse(frame, ttlv.Limits{})
	if err != nil || len(m.Items) != 1 || m.Header.Version != v {
		l.t.Fatalf("%s: %+v, %v", p.Operation(), m, err)
	}
	return m.Items[0]
}

func (l legacy) must(v kmip.Version, p kmip.Payload) kmip.Payload {
	l.t.Helper()
	it := l.call(v, p)
	if err := it.Err(); err != nil {
		l.t.Fatalf("%s at %s: %v", p.Operation(), v, err)
	}
	return it.Payload
}

func (l legacy) withGroup(attrs ...kmip.Attribute) kmip.Attributes {
	if l.group != "" {
		attrs = append(attrs, kmip.TextAttribute(kmip.AttrObjectGroup, l.group))
	}
	return attrs
}

func (l legacy) store(name string, key []byte) (id string) {
	o := kmip.SymmetricKey(kmip.AlgorithmAES, secret.Copy(key))
	p := &kmip.RegisterRequest{ObjectType: o.Type, Object: o, Template: kmip.Template{Attributes: l.withGroup(
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
		kmip.IntegerAttribute(kmip.AttrCryptographicLength, int32(len(key)*8)),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt|kmip.UsageDecrypt)),
		kmip.NameAttribute(name),
	)}}
	id = l.must(kmip.V1_4, p).(*kmip.RegisterResponse).UniqueIdentifier
	l.must(kmip.V1_0, &kmip.ActivateRequest{UniqueIdentifier: id})
	return id
}

func (l legacy) storeSecret(name, text string) (id string) {
	o := kmip.SecretData(kmip.SecretDataPassword, kmip.KeyFormatOpaque, secret.Copy([]byte(text)))
	p := &kmip.RegisterRequest{ObjectType: o.Type, Object: o, Template: kmip.Template{Attributes: l.withGroup(
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageDeriveKey|kmip.UsageExport)),
		kmip.NameAttribute(name),
	)}}
	id = l.must(kmip.V1_4, p).(*kmip.RegisterResponse).UniqueIdentifier
	l.must(kmip.V1_0, &kmip.ActivateRequest{UniqueIdentifier: id})
	return id
}

// load reads all keys of a type as the component does at its start: pages of 16
// until as many have come as Located Items says, then each key and its name.
func (l legacy) load(typ kmip.ObjectType) map[string]string {
	l.t.Helper()
	var ids []string
	for {
		offset := int32(len(ids))
		page := l.must(kmip.V1_0, &kmip.LocateRequest{MaximumItems: 16, OffsetItems: &offset,
			Attributes: l.withGroup(kmip.EnumerationAttribute(kmip.AttrObjectType, typ))}).(*kmip.LocateResponse)
		if page.LocatedItems == nil {
			l.t.Fatal("there is no Located Items, which libkmip reads at 1.0")
		}
		ids = append(ids, page.UniqueIdentifiers...)
		if len(page.UniqueIdentifiers) == 0 || len(ids) >= int(*page.LocatedItems) {
			break
		}
	}
	keys := make(map[string]string)
	for _, id := range ids {
		if len(id) > 127 {
			l.t.Errorf("libkmip takes no identifier of %d bytes", len(id))
		}
		got := l.must(kmip.V1_0, &kmip.GetRequest{UniqueIdentifier: id}).(*kmip.GetResponse)
		attrs := l.must(kmip.V1_4, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{kmip.AttrName}}).(*kmip.GetAttributesResponse)
		names := attrs.Attributes.Names()
		if len(names) != 1 || len(attrs.Attributes) != 1 {
			l.t.Errorf("the attributes asked for by Name are %+v", attrs.Attributes)
			continue
		}
		if _, twice := keys[names[0]]; twice {
			l.t.Errorf("the name %s comes twice: the component would refuse the keyring", names[0])
		}
		keys[names[0]] = string(got.Object.Content().Reveal())
	}
	return keys
}

func (l legacy) remove(id string) {
	l.t.Helper()
	l.must(kmip.V1_0, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationUnspecified, Message: "Deleting the key"}})
	l.must(kmip.V1_0, &kmip.DestroyRequest{UniqueIdentifier: id})
}

func TestPercona_Legacy(t *testing.T) {
	s := keyservertest.New(t)
	cert, key := s.NewClient("mysql")
	for _, group := range []string{"", "mysql-1"} {
		l := legacy{t: t, s: s, cert: cert, key: key, group: group}
		if group == "" {
			if got := l.load(kmip.ObjectTypeSymmetricKey); len(got) != 0 {
				t.Errorf("an empty server has %d keys", len(got))
			}
		}
		ids := make(map[string]string)
		want := make(map[string]string)
		const keys = 35 // two pages and a bit
		for i := range keys {
			name, material := fmt.Sprintf("%s-INNODBKey-%d", group, i), fmt.Sprintf("%032d", i)
			ids[name], want[name] = l.store(name, []byte(material)), material
		}
		l.storeSecret(group+"-password", "geheim")
		got := l.load(kmip.ObjectTypeSymmetricKey)
		for name, material := range want {
			if got[name] != material {
				t.Errorf("%s is %q", name, got[name])
			}
		}
		if len(got) != keys {
			t.Errorf("group %q: %d keys", group, len(got))
		}
		if secrets := l.load(kmip.ObjectTypeSecretData); len(secrets) != 1 || secrets[group+"-password"] != "geheim" {
			t.Errorf("group %q: the secrets are %v", group, secrets)
		}
		for name := range want {
			l.remove(ids[name])
		}
		if got := l.load(kmip.ObjectTypeSymmetricKey); len(got) != 0 {
			t.Errorf("after removing all: %v", got)
		}
		l.remove(l.store(group+"-INNODBKey-0", []byte("0123456789abcdef"))) // a name that was removed
		for _, id := range l.must(kmip.V1_4, &kmip.LocateRequest{Attributes: l.withGroup(kmip.NameAttribute(group + "-password"))}).(*kmip.LocateResponse).UniqueIdentifiers {
			l.remove(id)
		}
	}
}

func TestPercona_LegacyTooLargeForIt(t *testing.T) {
	s := keyservertest.New(t)
	cert, key := s.NewClient("mysql")
	l := legacy{t: t, s: s, cert: cert, key: key}
	id := l.storeSecret("large", string(make([]byte, 16384)))
	if it := l.call(kmip.V1_0, &kmip.GetRequest{UniqueIdentifier: id}); it.Reason != kmip.ReasonResponseTooLarge {
		t.Errorf("%v", it.Err())
	}
}

// TestPercona_New is the component of 2026: one connection, 1.4, a Query first,
// and one batch of Get and Get Attributes for each key.
func TestPercona_New(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "mysql")
	do := func(payloads ...kmip.Payload) []kmip.ResponseItem {
		t.Helper()
		m := &kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_4}}
		for i, p := range payloads {
			it := kmip.RequestItem{Operation: p.Operation(), Payload: p}
			if len(payloads) > 1 {
				it.ID = fmt.Append(nil, i+1)
			}
			m.Items = append(m.Items, it)
		}
		response := c.Do(m)
		if len(response.Items) != len(payloads) {
			t.Fatalf("%d answers to %d items", len(response.Items), len(payloads))
		}
		for i, it := range response.Items {
			if err := it.Err(); err != nil || string(it.ID) != string(m.Items[i].ID) {
				t.Fatalf("%s: %v, ID %q", payloads[i].Operation(), err, it.ID)
			}
		}
		return response.Items
	}
	q := do(&kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations, kmip.QueryObjects, kmip.QueryServerInformation}})[0].Payload.(*kmip.QueryResponse)
	if len(q.Operations) == 0 || len(q.ObjectTypes) == 0 || q.VendorIdentification == "" {
		t.Errorf("Query: %+v", q)
	}
	group := kmip.TextAttribute(kmip.AttrObjectGroup, "g")
	const keys = 300 // more than a page of 256
	for i := range keys {
		o := kmip.SymmetricKey(kmip.AlgorithmAES, secret.Copy(fmt.Appendf(nil, "%032d", i)))
		id := do(&kmip.RegisterRequest{ObjectType: o.Type, Object: o, Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.NameAttribute(fmt.Sprint("key", i)), group,
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
			kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt|kmip.UsageDecrypt)),
		}}})[0].Payload.(*kmip.RegisterResponse).UniqueIdentifier
		do(&kmip.ActivateRequest{UniqueIdentifier: id})
	}
	var ids []string
	for {
		offset := int32(len(ids))
		page := do(&kmip.LocateRequest{MaximumItems: 256, OffsetItems: &offset,
			Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey), group}})[0].Payload.(*kmip.LocateResponse)
		ids = append(ids, page.UniqueIdentifiers...)
		if len(page.UniqueIdentifiers) == 0 {
			break
		}
	}
	if len(ids) != keys {
		t.Fatalf("located %d", len(ids))
	}
	for i, id := range ids {
		items := do(&kmip.GetRequest{UniqueIdentifier: id}, &kmip.GetAttributesRequest{UniqueIdentifier: id})
		a := items[1].Payload.(*kmip.GetAttributesResponse).Attributes
		if names := a.Names(); a.State() != kmip.StateActive || len(names) != 1 || names[0] != fmt.Sprint("key", i) {
			t.Errorf("the attributes of key %d: %+v", i, a)
		}
		if got := string(items[0].Payload.(*kmip.GetResponse).Object.Content().Reveal()); got != fmt.Sprintf("%032d", i) {
			t.Errorf("key %d is %q", i, got)
		}
	}
	do(&kmip.RevokeRequest{UniqueIdentifier: ids[0], Reason: kmip.RevocationReason{Code: kmip.RevocationUnspecified, Message: "Deleting the key"}}, &kmip.DestroyRequest{UniqueIdentifier: ids[0]})
	if n := len(do(&kmip.LocateRequest{Attributes: kmip.Attributes{group}})[0].Payload.(*kmip.LocateResponse).UniqueIdentifiers); n != keys-1 {
		t.Errorf("%d are left", n)
	}
}
