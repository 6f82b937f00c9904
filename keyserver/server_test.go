package keyserver_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect enrols an endpoint and connects as it.
func connect(t testing.TB, s *keyservertest.Server, name string) *kmiptest.Conn {
	t.Helper()
	return kmiptest.Dial(t, s.Addr, s.ClientConfig(s.NewClient(name)))
}

// connectAs connects with the certificate of an endpoint.
func connectAs(t testing.TB, s *keyservertest.Server, certFile, keyFile string) *kmiptest.Conn {
	t.Helper()
	return kmiptest.Dial(t, s.Addr, s.ClientConfig(certFile, keyFile))
}

// must sends one operation, which has to succeed.
func must[P kmip.Payload](t testing.TB, c *kmiptest.Conn, p kmip.Payload) P {
	t.Helper()
	it := c.One(kmip.V1_4, p)
	if err := it.Err(); err != nil {
		t.Fatalf("%s: %v", p.Operation(), err)
	}
	response, ok := it.Payload.(P)
	if !ok {
		t.Fatalf("%s: the payload is %T", p.Operation(), it.Payload)
	}
	return response
}

// refused sends one operation, which has to fail for the reason.
func refused(t testing.TB, c *kmiptest.Conn, p kmip.Payload, reason kmip.ResultReason) {
	t.Helper()
	if it := c.One(kmip.V1_4, p); it.Status != kmip.StatusOperationFailed || it.Reason != reason || it.Message == "" || it.Operation != p.Operation() {
		t.Errorf("%s: %v, want %s", p.Operation(), it.Err(), reason)
	}
}

func aes(name string, more ...kmip.Attribute) *kmip.CreateRequest {
	attrs := kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
		kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt|kmip.UsageDecrypt)),
	}
	if name != "" {
		attrs = append(attrs, kmip.NameAttribute(name))
	}
	return &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: append(attrs, more...)}}
}

func create(t testing.TB, c *kmiptest.Conn, name string, more ...kmip.Attribute) (id string) {
	t.Helper()
	return must[*kmip.CreateResponse](t, c, aes(name, more...)).UniqueIdentifier
}

func locate(t testing.TB, c *kmiptest.Conn, attrs ...kmip.Attribute) []string {
	t.Helper()
	return must[*kmip.LocateResponse](t, c, &kmip.LocateRequest{Attributes: attrs}).UniqueIdentifiers
}

func state(t testing.TB, c *kmiptest.Conn, id string) kmip.State {
	t.Helper()
	return must[*kmip.GetAttributesResponse](t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{kmip.AttrState}}).Attributes.State()
}

// TestLife is an object's whole life, with every operation.
func TestLife(t *testing.T) {
	s := keyservertest.New(t)
	cert, keyFile := s.NewClient("db")
	c := kmiptest.Dial(t, s.Addr, s.ClientConfig(cert, keyFile))

	id := create(t, c, "k1")
	if len(id) != 36 || state(t, c, id) != kmip.StatePreActive {
		t.Fatalf("a new object: id %q, state %s", id, state(t, c, id))
	}
	got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id})
	key := got.Object.Content().Clone()
	if key.Len() != 32 || key.Equal(secret.New(32)) || got.Object.KeyBlock.Format != kmip.KeyFormatRaw || got.Object.KeyBlock.Algorithm != kmip.AlgorithmAES || got.Object.KeyBlock.Length != 256 {
		t.Fatalf("a created key: %+v", got.Object)
	}
	must[*kmip.ActivateResponse](t, c, &kmip.ActivateRequest{UniqueIdentifier: id})
	refused(t, c, &kmip.ActivateRequest{UniqueIdentifier: id}, kmip.ReasonPermissionDenied)
	refused(t, c, &kmip.DestroyRequest{UniqueIdentifier: id}, kmip.ReasonPermissionDenied)

	owner := kmip.Attribute{Name: "x-owner", Value: ttlv.TextValue("root")}
	if a := must[*kmip.AddAttributeResponse](t, c, &kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: owner}).Attribute; a.Index != 0 {
		t.Errorf("the first instance has index %d", a.Index)
	}
	if a := must[*kmip.AddAttributeResponse](t, c, &kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: kmip.NameAttribute("k1b")}).Attribute; a.Index != 1 {
		t.Errorf("the second name has index %d", a.Index)
	}
	owner.Value = ttlv.TextValue("app")
	must[*kmip.ModifyAttributeResponse](t, c, &kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: owner})
	if ids := locate(t, c, owner); len(ids) != 1 || ids[0] != id {
		t.Errorf("located by x-owner: %v", ids)
	}
	must[*kmip.DeleteAttributeResponse](t, c, &kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: "x-owner"})
	if ids := locate(t, c, owner); len(ids) != 0 {
		t.Errorf("located by an attribute that was deleted: %v", ids)
	}
	if names := must[*kmip.GetAttributeListResponse](t, c, &kmip.GetAttributeListRequest{UniqueIdentifier: id}).Names; len(names) < 8 {
		t.Errorf("the attribute list is %v", names)
	}

	// What was answered is there after another start.
	before := must[*kmip.GetAttributesResponse](t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id})
	s.Stop()
	s.Start()
	c = kmiptest.Dial(t, s.Addr, s.ClientConfig(cert, keyFile))
	after := must[*kmip.GetAttributesResponse](t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id})
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("another start changed the attributes: %s", diff)
	}
	got = must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id})
	if !got.Object.Content().Equal(key) {
		t.Error("another start changed the key")
	}

	must[*kmip.RevokeResponse](t, c, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationUnspecified}})
	if got := state(t, c, id); got != kmip.StateDeactivated {
		t.Errorf("after Revoke: %s", got)
	}
	must[*kmip.DestroyResponse](t, c, &kmip.DestroyRequest{UniqueIdentifier: id})
	refused(t, c, &kmip.GetRequest{UniqueIdentifier: id}, kmip.ReasonIllegalOperation)
	if got := state(t, c, id); got != kmip.StateDestroyed {
		t.Errorf("after Destroy: %s", got)
	}
	if ids := locate(t, c); len(ids) != 0 {
		t.Errorf("Locate finds destroyed objects: %v", ids)
	}
	if ids := locate(t, c, kmip.EnumerationAttribute(kmip.AttrState, kmip.StateDestroyed)); len(ids) != 1 {
		t.Errorf("Locate by the State Destroyed: %v", ids)
	}
	if id2 := create(t, c, "k1"); id2 == id {
		t.Error("an identifier came twice")
	}
	key.Wipe()
}
