package keyserver_test

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

var material = []byte("0123456789abcdef0123456789ABCDEF")

func registerKey(format kmip.KeyFormatType, attrs ...kmip.Attribute) *kmip.RegisterRequest {
	o := kmip.SymmetricKey(kmip.AlgorithmAES, secret.Copy(material))
	o.KeyBlock.Format = format
	return &kmip.RegisterRequest{ObjectType: o.Type, Object: o, Template: kmip.Template{Attributes: attrs}}
}

func registerSecret(format kmip.KeyFormatType, attrs ...kmip.Attribute) *kmip.RegisterRequest {
	o := kmip.SecretData(kmip.SecretDataPassword, format, secret.Copy(material))
	return &kmip.RegisterRequest{ObjectType: o.Type, Object: o, Template: kmip.Template{Attributes: attrs}}
}

func register(t testing.TB, c conn, p *kmip.RegisterRequest) (id string) {
	t.Helper()
	return must[*kmip.RegisterResponse](t, c, p).UniqueIdentifier
}

func TestRegister_GetInEveryFormat(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	raw, opaque, transparent := kmip.KeyFormatRaw, kmip.KeyFormatOpaque, kmip.KeyFormatTransparentSymmetricKey
	for _, p := range []*kmip.RegisterRequest{registerKey(raw), registerKey(opaque), registerKey(transparent), registerSecret(raw), registerSecret(opaque)} {
		want := p.Object.KeyBlock.Format
		id := register(t, c, p)
		for _, format := range []kmip.KeyFormatType{0, raw, opaque, transparent, kmip.KeyFormatPKCS8} {
			ask := &kmip.GetRequest{UniqueIdentifier: id, KeyFormat: format}
			if format == kmip.KeyFormatPKCS8 || format == transparent && p.ObjectType == kmip.ObjectTypeSecretData {
				refused(t, c, ask, kmip.ReasonKeyFormatTypeNotSupported)
				continue
			}
			got := must[*kmip.GetResponse](t, c, ask)
			if format == 0 {
				format = want
			}
			b := got.Object.KeyBlock
			if got.ObjectType != p.ObjectType || got.UniqueIdentifier != id || b.Format != format || string(b.Material.Reveal()) != string(material) || got.Object.SecretDataType != p.Object.SecretDataType {
				t.Errorf("%s registered as %s, had as %s: %+v", p.ObjectType, want, format, got)
			}
		}
	}
	id := register(t, c, &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeOpaqueObject, Object: kmip.OpaqueObject(0x80000001, secret.Copy(material))})
	got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id})
	if got.Object.OpaqueDataType != 0x80000001 || string(got.Object.OpaqueData.Reveal()) != string(material) {
		t.Errorf("an opaque object: %+v", got)
	}
	refused(t, c, &kmip.GetRequest{UniqueIdentifier: id, KeyFormat: raw}, kmip.ReasonKeyFormatTypeNotSupported)
}

func TestRegister_CompletesTheAttributes(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	id := register(t, c, registerKey(kmip.KeyFormatRaw))
	a := must[*kmip.GetAttributesResponse](t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id}).Attributes
	sum := sha256.Sum256(material)
	digest := kmip.Digest{Algorithm: kmip.HashSHA256, Value: sum[:], Format: kmip.KeyFormatRaw}
	for _, want := range []kmip.Attribute{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 0), kmip.TextAttribute(kmip.AttrUniqueIdentifier, id),
		{Name: kmip.AttrDigest, Value: digest.TTLV()},
	} {
		if v, ok := a.Get(want.Name); !ok || !v.Equal(want.Value) {
			t.Errorf("%s is %+v", want.Name, v)
		}
	}
	// The order of the answer is that of the question; what is not there is left out.
	a = must[*kmip.GetAttributesResponse](t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{
		kmip.AttrState, "x-Product_Version", kmip.AttrCryptographicLength, kmip.AttrState}}).Attributes
	if len(a) != 2 || a[0].Name != kmip.AttrState || a[1].Name != kmip.AttrCryptographicLength {
		t.Errorf("%+v", a)
	}
	// Nothing newer than the client's version.
	it := c.One(kmip.V1_0, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{kmip.AttrDigest}})
	if d := it.Payload.(*kmip.GetAttributesResponse).Attributes[0].Value; len(d.Fields) != 2 {
		t.Errorf("a digest at 1.0 has a field of 1.1: %+v", d)
	}
}

func TestRefusals(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	id := create(t, c, "taken")
	other := create(t, c, "other")
	template := func(change func(*kmip.RegisterRequest)) kmip.Payload {
		p := registerKey(kmip.KeyFormatRaw)
		change(p)
		return p
	}
	bare := func(attrs ...kmip.Attribute) kmip.Payload {
		return &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: attrs}}
	}
	alg, mask := kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 12)
	rename := kmip.ModifyAttributeRequest{UniqueIdentifier: other, Attribute: kmip.NameAttribute("taken")}
	for _, test := range []struct {
		name   string
		p      kmip.Payload
		reason kmip.ResultReason
	}{
		{"no such object", &kmip.GetRequest{UniqueIdentifier: "none"}, kmip.ReasonItemNotFound},
		{"no object and no placeholder", &kmip.ActivateRequest{}, kmip.ReasonItemNotFound},
		{"Create of another type", &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSecretData}, kmip.ReasonInvalidField},
		{"Create without a length", bare(alg, mask), kmip.ReasonMissingData},
		{"Create of an odd length", bare(alg, mask, kmip.IntegerAttribute(kmip.AttrCryptographicLength, 100)), kmip.ReasonInvalidField},
		{"Create of a huge length", bare(alg, mask, kmip.IntegerAttribute(kmip.AttrCryptographicLength, 1<<30)), kmip.ReasonInvalidField},
		{"Create of a negative length", bare(alg, mask, kmip.IntegerAttribute(kmip.AttrCryptographicLength, -256)), kmip.ReasonInvalidField},
		{"Create for RSA", bare(kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmRSA), mask, kmip.IntegerAttribute(kmip.AttrCryptographicLength, 2048)), kmip.ReasonInvalidField},
		{"Create by a template", &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Names: []kmip.Name{{Value: "t"}}}}, kmip.ReasonItemNotFound},
		{"Create of a taken name", aes("taken"), kmip.ReasonInvalidField},
		{"Register of a taken name", registerKey(kmip.KeyFormatRaw, kmip.NameAttribute("taken")), kmip.ReasonInvalidField},
		{"Add of a taken name", &kmip.AddAttributeRequest{UniqueIdentifier: other, Attribute: kmip.NameAttribute("taken")}, kmip.ReasonIllegalOperation},
		{"Modify to a taken name", &rename, kmip.ReasonIllegalOperation},
		{"Register in PKCS#8", registerKey(kmip.KeyFormatPKCS8), kmip.ReasonKeyFormatTypeNotSupported},
		{"Register of secret data in the transparent format", registerSecret(kmip.KeyFormatTransparentSymmetricKey), kmip.ReasonKeyFormatTypeNotSupported},
		{"Register with a wrong length", registerKey(kmip.KeyFormatRaw, kmip.IntegerAttribute(kmip.AttrCryptographicLength, 128)), kmip.ReasonInvalidField},
		{"Register with two algorithms", registerKey(kmip.KeyFormatRaw, kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmTripleDES)), kmip.ReasonInvalidField},
		{"Register with a wrong length inside", template(func(p *kmip.RegisterRequest) { p.Object.KeyBlock.Length = 128 }), kmip.ReasonInvalidField},
		{"Register of an empty key", template(func(p *kmip.RegisterRequest) { p.Object.KeyBlock.Material, p.Object.KeyBlock.Length = secret.New(0), 0 }), kmip.ReasonInvalidField},
		{"Register without an algorithm", template(func(p *kmip.RegisterRequest) { p.Object.KeyBlock.Algorithm = 0 }), kmip.ReasonMissingData},
		{"Locate by an unknown attribute", &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.TextAttribute("Nmae", "x")}}, kmip.ReasonInvalidField},
		{"Locate by a name of a wrong type", &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.TextAttribute(kmip.AttrName, "taken")}}, kmip.ReasonInvalidField},
		{"Locate by an empty name", &kmip.LocateRequest{Attributes: kmip.Attributes{{Name: kmip.AttrName, Value: ttlv.StructureValue()}}}, kmip.ReasonInvalidField},
		{"Locate by no value", &kmip.LocateRequest{Attributes: kmip.Attributes{{Name: kmip.AttrObjectGroup}}}, kmip.ReasonInvalidField},
		{"Locate by digest", &kmip.LocateRequest{Attributes: kmip.Attributes{{Name: kmip.AttrDigest, Value: kmip.Digest{}.TTLV()}}}, kmip.ReasonInvalidField},
		{"Locate the default member of a group", &kmip.LocateRequest{ObjectGroupMember: kmip.GroupMemberDefault}, kmip.ReasonInvalidField},
		{"Locate less than nothing", &kmip.LocateRequest{MaximumItems: -1}, kmip.ReasonInvalidField},
		{"Locate by very many attributes", &kmip.LocateRequest{Attributes: slices.Repeat(kmip.Attributes{kmip.TextAttribute("x-a", "1")}, 65)}, kmip.ReasonInvalidField},
		{"Locate by three dates", &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.DateAttribute(kmip.AttrInitialDate, time.Unix(1, 0)), kmip.DateAttribute(kmip.AttrInitialDate, time.Unix(2, 0)), kmip.DateAttribute(kmip.AttrInitialDate, time.Unix(3, 0))}}, kmip.ReasonInvalidField},
	} {
		it := c.One(kmip.V1_4, test.p)
		if it.Status != kmip.StatusOperationFailed || it.Reason != test.reason || it.Message == "" {
			t.Errorf("%s: %v", test.name, it.Err())
		}
	}
	if ids := locate(t, c); len(ids) != 2 || ids[0] != id || ids[1] != other {
		t.Errorf("after all that failed: %v", ids)
	}
}

func TestNames(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	id := create(t, c, "n")
	create(t, connect(t, s, "another"), "n") // each endpoint has names of its own
	must[*kmip.ModifyAttributeResponse](t, c, &kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: kmip.NameAttribute("m")})
	id2 := create(t, c, "n")
	must[*kmip.DestroyResponse](t, c, &kmip.DestroyRequest{UniqueIdentifier: id2})
	create(t, c, "n")
	must[*kmip.DeleteAttributeResponse](t, c, &kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: kmip.AttrName})
	create(t, c, "m")

	lenient := connect(t, keyservertest.New(t, func(o *keyserver.Options) { o.DuplicateNames = true }), "db")
	create(t, lenient, "n")
	create(t, lenient, "n")
	if ids := locate(t, lenient, kmip.NameAttribute("n")); len(ids) != 2 {
		t.Errorf("lenient: %v", ids)
	}
}

func TestObject_CannotGrowForEver(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	id := create(t, c, "n")
	for i := range 10 {
		it := c.One(kmip.V1_4, &kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: kmip.TextAttribute("x-a", strings.Repeat("a", 200_000)+strconv.Itoa(i))})
		if i < 5 && it.Err() != nil || i >= 5 && it.Reason != kmip.ReasonIndexOutOfBounds {
			t.Fatalf("%d: %v", i, it.Err())
		}
	}
	if a := must[*kmip.GetAttributesResponse](t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{"x-a"}}).Attributes; len(a) != 5 {
		t.Errorf("%d attributes are left", len(a))
	}
}

func TestVersionsAndQuery(t *testing.T) {
	c := connect(t, keyservertest.New(t, func(o *keyserver.Options) { o.Version = "1.2.3" }), "db")
	all := must[*kmip.DiscoverVersionsResponse](t, c, &kmip.DiscoverVersionsRequest{}).Versions
	if len(all) != 7 || all[0] != kmip.V2_1 {
		t.Errorf("%v", all)
	}
	some := must[*kmip.DiscoverVersionsResponse](t, c, &kmip.DiscoverVersionsRequest{Versions: []kmip.Version{{Major: 2, Minor: 2}, kmip.V1_0, kmip.V1_2}}).Versions
	if len(some) != 2 || some[0] != kmip.V1_2 || some[1] != kmip.V1_0 {
		t.Errorf("%v", some)
	}
	if none := must[*kmip.DiscoverVersionsResponse](t, c, &kmip.DiscoverVersionsRequest{Versions: []kmip.Version{{Major: 3}}}).Versions; len(none) != 0 {
		t.Errorf("%v", none)
	}
	q := must[*kmip.QueryResponse](t, c, &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations, kmip.QueryObjects, kmip.QueryServerInformation, kmip.QueryProfiles}})
	if !slices.Contains(q.Operations, kmip.OpSign) || len(q.ObjectTypes) != 9 || !strings.Contains(q.VendorIdentification, "dbkeyring 1.2.3") {
		t.Errorf("%+v", q)
	}
	random := must[*kmip.RNGRetrieveResponse](t, c, &kmip.RNGRetrieveRequest{Length: 48}).Data
	again := must[*kmip.RNGRetrieveResponse](t, c, &kmip.RNGRetrieveRequest{Length: 48}).Data
	if random.Len() != 48 || again.Len() != 48 || random.Equal(again) {
		t.Errorf("%d and %d random bytes, the same: %t", random.Len(), again.Len(), random.Equal(again))
	}
	for _, n := range []int32{-1, 0, 16385} {
		if it := c.One(kmip.V1_4, &kmip.RNGRetrieveRequest{Length: n}); it.Reason != kmip.ReasonInvalidField {
			t.Errorf("%d random bytes: %+v", n, it)
		}
	}
	it := c.One(kmip.V1_0, &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}})
	old := it.Payload.(*kmip.QueryResponse).Operations
	if newer := slices.ContainsFunc(old, func(op kmip.Operation) bool { return op.Since() != kmip.V1_0 }); newer || !slices.Contains(old, kmip.OpCreateKeyPair) {
		t.Errorf("%v at 1.0", old)
	}
}
