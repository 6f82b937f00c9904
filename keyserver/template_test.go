package keyserver_test

import (
	"slices"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// template registers a Template.
func template(name string, a ...kmip.Attribute) *kmip.RegisterRequest {
	return &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeTemplate, Template: kmip.Template{Attributes: kmip.Attributes{kmip.NameAttribute(name)}},
		Object: kmip.Object{Type: kmip.ObjectTypeTemplate, TemplateAttributes: a}}
}

// of is a Template-Attribute with the names of Templates.
func of(names ...string) (t kmip.Template) {
	for _, n := range names {
		t.Names = append(t.Names, kmip.Name{Value: n, Type: kmip.NameUninterpretedTextString})
	}
	return t
}

var aes256 = kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256)}

// TestTemplates: an object gets what its Templates say, but for what its request says.
func TestTemplates(t *testing.T) {
	s := keyservertest.New(t)
	certFile, keyFile := s.NewClient("db")
	c := connectAs(t, s, certFile, keyFile)
	cipher := register(t, c, template("cipher", aes256...))
	use := register(t, c, template("use", mask(kmip.UsageEncrypt|kmip.UsageDeriveKey), kmip.TextAttribute("x-a", "1"), kmip.TextAttribute(kmip.AttrObjectGroup, "g"), past()))
	s.Stop()
	s.Start()
	c = connectAs(t, s, certFile, keyFile)
	got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: cipher})
	if !slices.EqualFunc(got.Object.TemplateAttributes, aes256, func(a, b kmip.Attribute) bool { return a.Name == b.Name && a.Value.Equal(b.Value) }) || got.ObjectType != kmip.ObjectTypeTemplate {
		t.Errorf("%+v", got)
	}
	if a := attributes(t, c, cipher); !slices.Equal(a.Names(), []string{"cipher"}) || len(a.All(kmip.AttrDigest))+len(a.All(kmip.AttrCryptographicLength)) != 0 {
		t.Errorf("%v", a)
	}
	expect := func(id string, bits int64, text string) {
		t.Helper()
		if attribute(t, c, id, kmip.AttrCryptographicLength).Int != bits || attribute(t, c, id, "x-a").Text != text || len(attributes(t, c, id).All("x-a")) != 1 || state(t, c, id) != kmip.StateActive {
			t.Errorf("%v", attributes(t, c, id))
		}
	}
	both := of("cipher", "use")
	key := must[*kmip.CreateResponse](t, c, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: both}).UniqueIdentifier
	expect(key, 256, "1")
	own := both
	own.Attributes = kmip.Attributes{kmip.NameAttribute("n"), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 128), kmip.TextAttribute("x-a", "2")}
	expect(must[*kmip.CreateResponse](t, c, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: own}).UniqueIdentifier, 128, "2")
	r := registerKey(kmip.KeyFormatRaw)
	bits := int64(r.Object.KeyBlock.Length)
	r.Template = of("use")
	expect(register(t, c, r), bits, "1")
	expect(must[*kmip.ReKeyResponse](t, c, &kmip.ReKeyRequest{UniqueIdentifier: key, Template: of("use")}).UniqueIdentifier, 256, "1")
	expect(must[*kmip.DeriveKeyResponse](t, c, &kmip.DeriveKeyRequest{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifiers: []string{key}, Method: kmip.DeriveHASH,
		Parameters: kmip.DerivationParameters{Parameters: bySHA256}, Template: both}).UniqueIdentifier, 256, "1")
	register(t, c, template("signing", kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmEC), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256), past()))
	register(t, c, template("signer", mask(kmip.UsageSign), kmip.TextAttribute("x-a", "3")))
	made := must[*kmip.CreateKeyPairResponse](t, c, &kmip.CreateKeyPairRequest{Common: of("signing"), Private: of("signer"), Public: kmip.Template{Attributes: kmip.Attributes{mask(kmip.UsageVerify)}}})
	expect(made.PrivateKey, 256, "3")
	if len(attributes(t, c, made.PublicKey).All("x-a")) != 0 {
		t.Error("the public key has what is the private one's")
	}
	expect(must[*kmip.ReKeyKeyPairResponse](t, c, &kmip.ReKeyKeyPairRequest{PrivateKey: made.PrivateKey, Private: of("signer")}).PrivateKey, 256, "3")
	// A Template is an object like others.
	must[*kmip.ArchiveResponse](t, c, &kmip.ArchiveRequest{UniqueIdentifier: use})
	refused(t, c, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: both}, kmip.ReasonObjectArchived)
	must[*kmip.RecoverResponse](t, c, &kmip.RecoverRequest{UniqueIdentifier: use})
	must[*kmip.DestroyResponse](t, c, &kmip.DestroyRequest{UniqueIdentifier: use})
	refused(t, c, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: both}, kmip.ReasonItemNotFound)
	expect(key, 256, "1") // what it has made stays
}

func TestTemplates_Refused(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	cipher := register(t, c, template("cipher", aes256...))
	register(t, c, template("other", kmip.IntegerAttribute(kmip.AttrCryptographicLength, 128)))
	register(t, connect(t, s, "another"), template("theirs", aes256...))
	create(t, c, "a key")
	for name, r := range map[string]struct {
		p      kmip.Payload
		reason kmip.ResultReason
	}{
		"none of the name":     {&kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: of("none")}, kmip.ReasonItemNotFound},
		"another owner's":      {&kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: of("theirs")}, kmip.ReasonItemNotFound},
		"no Template":          {&kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: of("a key")}, kmip.ReasonItemNotFound},
		"contradiction":        {&kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: of("cipher", "other")}, kmip.ReasonInvalidField},
		"not enough":           {&kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: of("cipher")}, kmip.ReasonMissingData},
		"Create of one":        {&kmip.CreateRequest{ObjectType: kmip.ObjectTypeTemplate}, kmip.ReasonInvalidField},
		"with a Name":          {template("t", kmip.NameAttribute("n")), kmip.ReasonInvalidField},
		"with a State":         {template("t", kmip.EnumerationAttribute(kmip.AttrState, kmip.StateActive)), kmip.ReasonInvalidField},
		"with what is unknown": {template("t", kmip.TextAttribute("Shoe Size", "43")), kmip.ReasonInvalidField},
		"with two lengths":     {template("t", kmip.IntegerAttribute(kmip.AttrCryptographicLength, 1), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 2)), kmip.ReasonInvalidField},
		"a name that is taken": {template("cipher"), kmip.ReasonInvalidField},
		"in a format":          {&kmip.GetRequest{UniqueIdentifier: cipher, KeyFormat: kmip.KeyFormatRaw}, kmip.ReasonIllegalOperation},
		"wrapped":              {&kmip.GetRequest{UniqueIdentifier: cipher, Wrapping: by(cipher, 0, kmip.EncodingNone)}, kmip.ReasonIllegalOperation},
		"Encrypt with one":     {&kmip.EncryptRequest{UniqueIdentifier: cipher, Data: data(16)}, kmip.ReasonPermissionDenied},
		"Re-key of one":        {&kmip.ReKeyRequest{UniqueIdentifier: cipher}, kmip.ReasonIllegalOperation},
	} {
		if it := c.One(kmip.V1_4, r.p); it.Reason != r.reason {
			t.Errorf("%s: %v, want %s", name, it.Err(), r.reason)
		}
	}
	// A client of 2.x sees that it is there, and cannot read it.
	if it := c.One(kmip.V2_1, &kmip.GetRequest{UniqueIdentifier: cipher}); it.Reason2 != kmip.ReasonIllegalObjectType {
		t.Errorf("%v", it.Err())
	}
	for v, want := range map[kmip.Version]bool{kmip.V1_0: true, kmip.V1_4: true, kmip.V2_1: false} {
		it := c.One(v, &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryObjects}})
		if got := slices.Contains(it.Payload.(*kmip.QueryResponse).ObjectTypes, kmip.ObjectTypeTemplate); got != want {
			t.Errorf("%s: Query tells of Templates: %t", v, got)
		}
	}
	// In a batch a Template counts at once, and Undo takes it back.
	ask := wholeMessage(template("new", append(aes256, mask(kmip.UsageEncrypt))...), &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: of("new")}, &kmip.GetRequest{UniqueIdentifier: "none"})
	if got := statuses(c.Do(ask)); !slices.Equal(got, []string{"Operation Undone", "Operation Undone", "Operation Failed"}) {
		t.Errorf("%v", got)
	}
	refused(t, c, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: of("new")}, kmip.ReasonItemNotFound)
}
