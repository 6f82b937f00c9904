package keyserver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// talk is a conversation in one version of KMIP.
type talk struct {
	t testing.TB
	c *kmiptest.Conn
	v kmip.Version
}

// ok sends an operation, which has to succeed.
func ok[P kmip.Payload](l talk, p kmip.Payload) P {
	l.t.Helper()
	it := l.c.One(l.v, p)
	response, is := it.Payload.(P)
	if err := it.Err(); err != nil || !is {
		l.t.Fatalf("%s in %s: %v, %T", p.Operation(), l.v, err, it.Payload)
	}
	return response
}

// refused sends an operation, which has to fail for a reason of 2.x.
func (l talk) refused(p kmip.Payload, reason kmip.ResultReason) {
	l.t.Helper()
	if it := l.c.One(l.v, p); it.Status != kmip.StatusOperationFailed || it.Reason2 != reason {
		l.t.Errorf("%s in %s: %v, want %s", p.Operation(), l.v, it.Err(), reason)
	}
}

func (l talk) attributes(id string, names ...string) kmip.Attributes {
	l.t.Helper()
	return ok[*kmip.GetAttributesResponse](l, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: names}).Attributes
}

// both runs a test in both versions of 2.x, against a server with an audit log.
func both(t *testing.T, run func(l talk, logged func() string)) {
	for _, v := range []kmip.Version{kmip.V2_0, kmip.V2_1} {
		t.Run(v.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			log, err := audit.Open(path, audit.Head{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { log.Close() })
			s := keyservertest.New(t, func(o *keyserver.Options) { o.Audit = log })
			run(talk{t, connect(t, s, "db"), v}, func() string {
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			})
		})
	}
}

func registered(typ kmip.ObjectType, name string, attrs ...kmip.Attribute) *kmip.RegisterRequest {
	content := secret.Copy([]byte("0123456789abcdef"))
	r := &kmip.RegisterRequest{ObjectType: typ, Template: kmip.Template{Attributes: append(kmip.Attributes{kmip.NameAttribute(name)}, attrs...)}}
	switch typ {
	case kmip.ObjectTypeSymmetricKey:
		r.Object = kmip.SymmetricKey(kmip.AlgorithmAES, content)
	case kmip.ObjectTypeSecretData:
		r.Object = kmip.SecretData(kmip.SecretDataPassword, kmip.KeyFormatRaw, content)
	default:
		r.Object = kmip.OpaqueObject(0x80000001, content)
	}
	return r
}

// TestVersion2_Baseline is what the baseline profile of KMIP 2.1 asks of a server, told in one
// life of each kind of object.
func TestVersion2_Baseline(t *testing.T) {
	both(t, func(l talk, logged func() string) {
		ok[*kmip.InteropResponse](l, &kmip.InteropRequest{Function: kmip.InteropBegin, Identifier: "baseline"})
		for _, typ := range []kmip.ObjectType{kmip.ObjectTypeSymmetricKey, kmip.ObjectTypeSecretData, kmip.ObjectTypeOpaqueObject} {
			name := kmip.NameAttribute(typ.String())
			id := ok[*kmip.RegisterResponse](l, registered(typ, typ.String())).UniqueIdentifier
			if found := ok[*kmip.LocateResponse](l, &kmip.LocateRequest{Attributes: kmip.Attributes{name}}).UniqueIdentifiers; !slices.Equal(found, []string{id}) {
				l.t.Errorf("%s is located as %v", typ, found)
			}
			if got := ok[*kmip.GetResponse](l, &kmip.GetRequest{UniqueIdentifier: id}); string(got.Object.Content().Reveal()) != "0123456789abcdef" || got.ObjectType != typ {
				l.t.Errorf("%s: %+v", typ, got)
			}
			if a := l.attributes(id, kmip.AttrState, kmip.AttrObjectType, kmip.AttrDescription); len(a) != 2 || a.State() != kmip.StatePreActive {
				l.t.Errorf("%s: %v", typ, a)
			}
			// A Name is there once, also in one object.
			l.refused(&kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: name}, kmip.ReasonNonUniqueNameAttribute)
			l.refused(registered(typ, typ.String()), kmip.ReasonNonUniqueNameAttribute)
			other := ok[*kmip.RegisterResponse](l, registered(typ, typ.String()+" 2")).UniqueIdentifier
			l.refused(&kmip.AddAttributeRequest{UniqueIdentifier: other, Attribute: name}, kmip.ReasonNonUniqueNameAttribute)
			l.refused(&kmip.ModifyAttributeRequest{UniqueIdentifier: other, Attribute: name}, kmip.ReasonNonUniqueNameAttribute)
			// The server's own attributes stay its own.
			state := kmip.EnumerationAttribute(kmip.AttrState, kmip.StateActive)
			l.refused(&kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: state}, kmip.ReasonAttributeReadOnly)
			l.refused(&kmip.SetAttributeRequest{UniqueIdentifier: id, Attribute: state}, kmip.ReasonAttributeReadOnly)
			l.refused(&kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: kmip.AttrState}, kmip.ReasonAttributeReadOnly)
			// States.
			ok[*kmip.ActivateResponse](l, &kmip.ActivateRequest{UniqueIdentifier: id})
			l.refused(&kmip.ActivateRequest{UniqueIdentifier: id}, kmip.ReasonWrongKeyLifecycleState)
			l.refused(&kmip.DestroyRequest{UniqueIdentifier: id}, kmip.ReasonWrongKeyLifecycleState)
			l.refused(&kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: kmip.DateAttribute(kmip.AttrActivationDate, time.Now())}, kmip.ReasonWrongKeyLifecycleState)
			ok[*kmip.RevokeResponse](l, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationUnspecified}})
			ok[*kmip.DestroyResponse](l, &kmip.DestroyRequest{UniqueIdentifier: id})
			l.refused(&kmip.GetRequest{UniqueIdentifier: id}, kmip.ReasonObjectDestroyed)
			l.refused(&kmip.DestroyRequest{UniqueIdentifier: id}, kmip.ReasonObjectDestroyed)
			if got := l.attributes(id, kmip.AttrState).State(); got != kmip.StateDestroyed {
				l.t.Errorf("a destroyed %s is %s", typ, got)
			}
		}
		l.refused(&kmip.GetRequest{UniqueIdentifier: "none"}, kmip.ReasonObjectNotFound)
		l.refused(&kmip.GetAttributesRequest{UniqueIdentifier: "none"}, kmip.ReasonObjectNotFound)

		key := ok[*kmip.CreateResponse](l, aes("sensitive", kmip.Attribute{Name: kmip.AttrSensitive, Value: ttlv.BooleanValue(true)})).UniqueIdentifier
		l.refused(&kmip.GetRequest{UniqueIdentifier: key}, kmip.ReasonSensitive)
		verifier := ok[*kmip.CreateResponse](l, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
			kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageDecrypt))}}}).UniqueIdentifier
		l.refused(&kmip.EncryptRequest{UniqueIdentifier: verifier, Data: secret.Copy([]byte("x"))}, kmip.ReasonIncompatibleCryptographicUsageMask)

		ok[*kmip.LogResponse](l, &kmip.LogRequest{Message: "a \"test\"\nof ours"})
		if !strings.Contains(logged(), `"message":"a \"test\"\nof ours"`) {
			l.t.Errorf("the audit log lacks the message:\n%s", logged())
		}
		l.refused(&kmip.LogRequest{Message: strings.Repeat("a", 1025)}, kmip.ReasonServerLimitExceeded)
		l.refused(&kmip.LogRequest{}, kmip.ReasonMissingData)
		l.refused(&kmip.InteropRequest{Function: kmip.InteropReset, Identifier: "baseline"}, kmip.ReasonPermissionDenied)
		l.refused(&kmip.InteropRequest{Function: 9}, kmip.ReasonUnknownEnumeration)
		ok[*kmip.InteropResponse](l, &kmip.InteropRequest{Function: kmip.InteropEnd, Identifier: "baseline"})
		ok[*kmip.PingResponse](l, &kmip.PingRequest{})
	})
}

// TestVersion2_Asymmetric: key pairs and certificates, which have attributes of their own.
func TestVersion2_Asymmetric(t *testing.T) {
	both(t, func(l talk, _ func() string) {
		request := pair(kmip.AlgorithmRSA, 2048, kmip.TextAttribute("tc/Purpose", "test"))
		request.Private.Attributes = append(request.Private.Attributes, kmip.NameAttribute("private"))
		made := ok[*kmip.CreateKeyPairResponse](l, request)
		for id, typ := range map[string]kmip.ObjectType{made.PrivateKey: kmip.ObjectTypePrivateKey, made.PublicKey: kmip.ObjectTypePublicKey} {
			a := l.attributes(id, kmip.AttrObjectType, "tc/Purpose", kmip.AttrName, kmip.AttrLink)
			got, _ := a.Get(kmip.AttrObjectType)
			if _, tagged := a.Get("tc/Purpose"); !tagged || kmip.ObjectType(got.Int) != typ || len(a.Names()) > 0 != (typ == kmip.ObjectTypePrivateKey) {
				l.t.Errorf("%s: %+v", typ, a)
			}
			if link, _ := a.Get(kmip.AttrLink); len(link.Fields) != 2 {
				l.t.Errorf("%s has the link %+v", typ, link)
			}
		}
		key := ok[*kmip.GetResponse](l, &kmip.GetRequest{UniqueIdentifier: made.PublicKey, KeyFormat: kmip.KeyFormatTransparentRSAPublicKey})
		again := &kmip.RegisterRequest{ObjectType: kmip.ObjectTypePublicKey, Object: key.Object, Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.NameAttribute("again"), kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageVerify))}}}
		id := ok[*kmip.RegisterResponse](l, again).UniqueIdentifier
		ok[*kmip.DestroyResponse](l, &kmip.DestroyRequest{UniqueIdentifier: id})
		l.refused(&kmip.GetRequest{UniqueIdentifier: id}, kmip.ReasonObjectDestroyed)
		request.Common.Attributes = append(request.Common.Attributes, kmip.EnumerationAttribute(kmip.AttrKeyFormatType, kmip.KeyFormatTransparentRSAPublicKey))
		request.Private.Attributes = request.Private.Attributes[:len(request.Private.Attributes)-1]
		l.refused(request, kmip.ReasonKeyFormatTypeNotSupported)
	})
}

// TestVersion2_Certificate: the fields of a certificate's names are attributes, and the server's.
func TestVersion2_Certificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(7), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{CommonName: "db", OrganizationalUnit: []string{"a", "b"}}}, &x509.Certificate{Subject: pkix.Name{CommonName: "ca", Country: []string{"AQ"}}}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	send := func(attrs ...kmip.Attribute) *kmip.RegisterRequest {
		return &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeCertificate, Template: kmip.Template{Attributes: attrs},
			Object: kmip.Object{Type: kmip.ObjectTypeCertificate, CertificateType: kmip.CertificateX509, CertificateValue: secret.Copy(der)}}
	}
	typ := func(c kmip.CertificateType) kmip.Attribute {
		return kmip.EnumerationAttribute(kmip.AttrCertificateType, c)
	}
	both(t, func(l talk, _ func() string) {
		id := ok[*kmip.RegisterResponse](l, send(typ(kmip.CertificateX509))).UniqueIdentifier
		want := kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCertificateLength, int32(len(der))), kmip.TextAttribute(kmip.AttrCertificateSubjectCN, "db"),
			kmip.TextAttribute(kmip.AttrCertificateSubjectOU, "a"), kmip.TextAttribute(kmip.AttrCertificateSubjectOU, "b"), kmip.TextAttribute(kmip.AttrCertificateIssuerCN, "ca"),
			kmip.TextAttribute(kmip.AttrCertificateIssuerC, "AQ")}
		want[3].Index = 1
		got := l.attributes(id, kmip.AttrCertificateLength, kmip.AttrCertificateSubjectCN, kmip.AttrCertificateSubjectOU, kmip.AttrCertificateIssuerCN, kmip.AttrCertificateIssuerC)
		if diff := cmp.Diff(want, got); diff != "" {
			l.t.Errorf("(-want +got):\n%s", diff)
		}
		if found := ok[*kmip.LocateResponse](l, &kmip.LocateRequest{Attributes: want[1:2]}).UniqueIdentifiers; len(found) != 1 {
			l.t.Errorf("located by its CN: %v", found)
		}
		if list := ok[*kmip.GetAttributeListResponse](talk{l.t, l.c, kmip.V1_4}, &kmip.GetAttributeListRequest{UniqueIdentifier: id}).Names; slices.Contains(list, kmip.AttrCertificateSubjectCN) {
			l.t.Errorf("1.4 sees %v", list)
		}
		l.refused(&kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: want[0]}, kmip.ReasonAttributeReadOnly)
		l.refused(send(kmip.TextAttribute(kmip.AttrCertificateSubjectCN, "db")), kmip.ReasonAttributeReadOnly)
		l.refused(send(typ(kmip.CertificatePGP)), kmip.ReasonInvalidField)
		l.refused(aes("k", typ(kmip.CertificateX509)), kmip.ReasonAttributeReadOnly)
	})
}

// TestVersion2_FreshAndDSA: a client may say that an object is Fresh; keys for DSA are kept.
func TestVersion2_FreshAndDSA(t *testing.T) {
	numbers := func(tags ...ttlv.Tag) *secret.Bytes {
		var w ttlv.Writer
		for i, tag := range tags {
			w.BigInteger(tag, []byte{0, 0, 0, 0, 0, 0, 1, byte(i)})
		}
		return secret.Copy(w.Bytes())
	}
	both(t, func(l talk, _ func() string) {
		for typ, c := range map[kmip.ObjectType]struct {
			format kmip.KeyFormatType
			own    ttlv.Tag
		}{kmip.ObjectTypePrivateKey: {kmip.KeyFormatTransparentDSAPrivateKey, kmip.TagX}, kmip.ObjectTypePublicKey: {kmip.KeyFormatTransparentDSAPublicKey, kmip.TagY}} {
			send := func(alg kmip.CryptographicAlgorithm, material *secret.Bytes) *kmip.RegisterRequest {
				return &kmip.RegisterRequest{ObjectType: typ, Template: kmip.Template{Attributes: kmip.Attributes{
					kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageSign|kmip.UsageVerify)), {Name: kmip.AttrFresh, Value: ttlv.BooleanValue(true)}}},
					Object: kmip.Object{Type: typ, KeyBlock: kmip.KeyBlock{Format: c.format, Algorithm: alg, Length: 512, Material: material}}}
			}
			fresh := func(id string) bool {
				a, has := l.attributes(id, kmip.AttrFresh).Get(kmip.AttrFresh)
				return has && a.Int == 1
			}
			id := ok[*kmip.RegisterResponse](l, send(kmip.AlgorithmDSA, numbers(kmip.TagP, kmip.TagQ, kmip.TagG, c.own))).UniqueIdentifier
			if !fresh(id) {
				l.t.Errorf("a %s is not Fresh", typ)
			}
			got := ok[*kmip.GetResponse](l, &kmip.GetRequest{UniqueIdentifier: id})
			if k := got.Object.KeyBlock; k.Format != c.format || !k.Material.Equal(numbers(kmip.TagP, kmip.TagQ, kmip.TagG, c.own)) {
				l.t.Errorf("%s: %+v", typ, k)
			}
			if fresh(id) {
				l.t.Errorf("a %s is Fresh after Get", typ)
			}
			l.refused(&kmip.GetRequest{UniqueIdentifier: id, KeyFormat: kmip.KeyFormatPKCS8}, kmip.ReasonKeyFormatTypeNotSupported)
			l.refused(send(kmip.AlgorithmDSA, numbers(kmip.TagP, kmip.TagQ, kmip.TagG)), kmip.ReasonInvalidField)
			l.refused(send(kmip.AlgorithmDSA, numbers(kmip.TagP, kmip.TagQ, kmip.TagG, c.own, kmip.TagModulus)), kmip.ReasonInvalidField)
			l.refused(send(kmip.AlgorithmRSA, numbers(kmip.TagP, kmip.TagQ, kmip.TagG, c.own)), kmip.ReasonInvalidField)
		}
	})
}

// TestVersion2_Wrapping: what the wrapping key lacks is told apart from what the key lacks.
func TestVersion2_Wrapping(t *testing.T) {
	both(t, func(l talk, _ func() string) {
		id := ok[*kmip.CreateResponse](l, aes("k")).UniqueIdentifier
		wrapped := func(by string) *kmip.GetRequest {
			return &kmip.GetRequest{UniqueIdentifier: id, Wrapping: &kmip.KeyWrappingSpecification{Method: kmip.WrapEncrypt, EncryptionKey: &kmip.KeyInformation{UniqueIdentifier: by}}}
		}
		l.refused(wrapped("none"), kmip.ReasonWrappingObjectNotFound)
		l.refused(wrapped(id), kmip.ReasonIncompatibleCryptographicUsageMask)
		wrapper := aes("wrapper", kmip.DateAttribute(kmip.AttrActivationDate, time.Now().Add(-time.Hour)))
		wrapper.Template.Attributes[2] = kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageWrapKey|kmip.UsageUnwrapKey))
		by := ok[*kmip.CreateResponse](l, wrapper).UniqueIdentifier
		spec := wrapped(by)
		spec.Wrapping.AttributeNames = []string{kmip.AttrName}
		got := ok[*kmip.GetResponse](l, spec)
		back := &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Object: got.Object, Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.NameAttribute("back"), kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
			kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt))}}}
		ok[*kmip.RegisterResponse](l, back)
	})
}

// TestVersion2_Undo: a batch that is undone says so of each operation before the failure.
func TestVersion2_Undo(t *testing.T) {
	both(t, func(l talk, _ func() string) {
		m := l.c.Do(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: l.v, Continuation: kmip.BatchUndo}, Items: []kmip.RequestItem{
			{Operation: kmip.OpCreate, ID: []byte{1}, Payload: aes("undone")}, {Operation: kmip.OpGet, ID: []byte{2}, Payload: &kmip.GetRequest{UniqueIdentifier: "none"}},
		}})
		if len(m.Items) != 2 || m.Items[0].Status != kmip.StatusOperationUndone || m.Items[1].Reason2 != kmip.ReasonObjectNotFound {
			l.t.Errorf("%+v", m.Items)
		}
		if found := ok[*kmip.LocateResponse](l, &kmip.LocateRequest{}).UniqueIdentifiers; len(found) != 0 {
			l.t.Errorf("the undone key is there: %v", found)
		}
	})
}

// TestVersion2_Attributes: instances by their values, vendors' attributes, Set and Adjust.
func TestVersion2_Attributes(t *testing.T) {
	both(t, func(l talk, _ func() string) {
		text := func(name, v string) kmip.Attribute { return kmip.TextAttribute(name, v) }
		id := ok[*kmip.CreateResponse](l, aes("a", kmip.NameAttribute("b"), text("x-own", "1"), text("tc/Set", "one"), text(kmip.AttrContactInformation, "c"))).UniqueIdentifier
		old := talk{l.t, l.c, kmip.V1_4}

		// 1.x sees what it can name.
		list := ok[*kmip.GetAttributeListResponse](old, &kmip.GetAttributeListRequest{UniqueIdentifier: id}).Names
		if !slices.Contains(list, "x-own") || slices.Contains(list, "tc/Set") || slices.Contains(list, kmip.AttrKeyFormatType) {
			l.t.Errorf("1.4 sees %v", list)
		}
		list = ok[*kmip.GetAttributeListResponse](l, &kmip.GetAttributeListRequest{UniqueIdentifier: id}).Names
		for _, want := range []string{"x-own", "tc/Set", kmip.AttrKeyFormatType, kmip.AttrProtectionStorageMask} {
			if !slices.Contains(list, want) {
				l.t.Errorf("%s lacks %s: %v", l.v, want, list)
			}
		}
		if it := l.c.One(kmip.V1_4, &kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: text("tc/Set", "two")}); it.Reason != kmip.ReasonInvalidField {
			l.t.Errorf("1.4 names a vendor's attribute: %v", it.Err())
		}
		if found := ok[*kmip.LocateResponse](l, &kmip.LocateRequest{Attributes: kmip.Attributes{text("tc/Set", "one")}}).UniqueIdentifiers; len(found) != 1 {
			l.t.Errorf("located by tc/Set: %v", found)
		}

		// Names: which one has to be said.
		name := func(n string) *kmip.Attribute { a := kmip.NameAttribute(n); return &a }
		l.refused(&kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: *name("c")}, kmip.ReasonMultiValuedAttribute)
		l.refused(&kmip.ModifyAttributeRequest{UniqueIdentifier: id, Current: name("none"), Attribute: *name("c")}, kmip.ReasonAttributeInstanceNotFound)
		l.refused(&kmip.ModifyAttributeRequest{UniqueIdentifier: id, Current: &kmip.Attribute{Name: "x-own", Value: ttlv.TextValue("1")}, Attribute: *name("c")}, kmip.ReasonInvalidField)
		ok[*kmip.ModifyAttributeResponse](l, &kmip.ModifyAttributeRequest{UniqueIdentifier: id, Current: name("b"), Attribute: *name("c")})
		if got := l.attributes(id, kmip.AttrName).Names(); !slices.Equal(got, []string{"a", "c"}) {
			l.t.Errorf("the names are %v", got)
		}
		ok[*kmip.DeleteAttributeResponse](l, &kmip.DeleteAttributeRequest{UniqueIdentifier: id, Current: name("a")})
		ok[*kmip.ModifyAttributeResponse](l, &kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: *name("d")})
		if got := l.attributes(id, kmip.AttrName).Names(); !slices.Equal(got, []string{"d"}) {
			l.t.Errorf("the names are %v", got)
		}
		ok[*kmip.AddAttributeResponse](l, &kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: *name("e")})
		ok[*kmip.DeleteAttributeResponse](l, &kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: kmip.AttrName})
		if got := l.attributes(id, kmip.AttrName); len(got) != 0 {
			l.t.Errorf("names are left: %v", got)
		}
		l.refused(&kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: kmip.AttrName}, kmip.ReasonAttributeNotFound)
		l.refused(&kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: kmip.AttrCryptographicLength}, kmip.ReasonAttributeReadOnly)

		// Set: a new one, the one that is there, and not one of several.
		set := func(a kmip.Attribute) *kmip.SetAttributeRequest {
			return &kmip.SetAttributeRequest{UniqueIdentifier: id, Attribute: a}
		}
		ok[*kmip.SetAttributeResponse](l, set(text("tc/New", "1")))
		ok[*kmip.SetAttributeResponse](l, set(text("tc/New", "2")))
		ok[*kmip.SetAttributeResponse](l, set(text(kmip.AttrContactInformation, "d")))
		ok[*kmip.SetAttributeResponse](l, set(kmip.Attribute{Name: kmip.AttrSensitive, Value: ttlv.BooleanValue(true)}))
		want := kmip.Attributes{text(kmip.AttrContactInformation, "d"), text("tc/New", "2")}
		if diff := cmp.Diff(want, l.attributes(id, kmip.AttrContactInformation, "tc/New")); diff != "" {
			l.t.Errorf("(-want +got):\n%s", diff)
		}
		ok[*kmip.AddAttributeResponse](l, &kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: text("tc/New", "3")})
		l.refused(set(text("tc/New", "4")), kmip.ReasonMultiValuedAttribute)
		l.refused(&kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: text(kmip.AttrContactInformation, "e")}, kmip.ReasonAttributeSingleValued)

		// Adjust.
		adjust := func(name string, how kmip.AdjustmentType, by ...ttlv.Value) *kmip.AdjustAttributeRequest {
			r := &kmip.AdjustAttributeRequest{UniqueIdentifier: id, Name: name, Type: how}
			for _, v := range by {
				r.Value = &v
			}
			return r
		}
		ok[*kmip.SetAttributeResponse](l, set(kmip.IntegerAttribute("x-n", 40)))
		ok[*kmip.SetAttributeResponse](l, set(kmip.Attribute{Name: "x-flag", Value: ttlv.BooleanValue(true)}))
		ok[*kmip.AdjustAttributeResponse](l, adjust("x-n", kmip.AdjustIncrement))
		ok[*kmip.AdjustAttributeResponse](l, adjust("x-n", kmip.AdjustIncrement, ttlv.IntegerValue(5)))
		ok[*kmip.AdjustAttributeResponse](l, adjust("x-n", kmip.AdjustDecrement, ttlv.IntegerValue(4)))
		ok[*kmip.AdjustAttributeResponse](l, adjust("x-flag", kmip.AdjustNegate))
		if a := l.attributes(id, "x-n", "x-flag"); len(a) != 2 || a[0].Value.Int != 42 || a[1].Value.Int != 0 {
			l.t.Errorf("adjusted: %v", a)
		}
		l.refused(adjust("x-n", kmip.AdjustIncrement, ttlv.IntegerValue(1<<31-1)), kmip.ReasonNumericRange)
		l.refused(adjust("x-n", kmip.AdjustNegate), kmip.ReasonInvalidDataType)
		l.refused(adjust("x-n", kmip.AdjustIncrement, ttlv.TextValue("1")), kmip.ReasonInvalidDataType)
		l.refused(adjust("x-own", kmip.AdjustIncrement), kmip.ReasonInvalidDataType)
		l.refused(adjust("x-none", kmip.AdjustIncrement), kmip.ReasonAttributeNotFound)
		l.refused(adjust(kmip.AttrCryptographicLength, kmip.AdjustIncrement), kmip.ReasonAttributeReadOnly)
		l.refused(adjust("tc/New", kmip.AdjustIncrement), kmip.ReasonMultiValuedAttribute)
	})
}

// TestVersion2_Create: what 2.x can ask for besides, and what is refused.
func TestVersion2_Create(t *testing.T) {
	both(t, func(l talk, _ func() string) {
		enumeration := func(name string, v uint32) kmip.Attribute {
			return kmip.Attribute{Name: name, Value: ttlv.EnumerationValue(v)}
		}
		safe := kmip.Attribute{Name: kmip.AttrQuantumSafe, Value: ttlv.BooleanValue(true)}
		key := aes("k", enumeration(kmip.AttrObjectType, uint32(kmip.ObjectTypeSymmetricKey)), enumeration(kmip.AttrKeyFormatType, uint32(kmip.KeyFormatTransparentSymmetricKey)), safe,
			enumeration(kmip.AttrNISTKeyType, uint32(kmip.NISTSymmetricDataEncryptionKey)))
		key.Protection = kmip.ProtectionStorageMasks{kmip.StorageHardware, kmip.StorageSoftware}
		id := ok[*kmip.CreateResponse](l, key).UniqueIdentifier
		if got := ok[*kmip.GetResponse](l, &kmip.GetRequest{UniqueIdentifier: id}); got.Object.KeyBlock.Format != kmip.KeyFormatTransparentSymmetricKey {
			l.t.Errorf("the key has the format %s", got.Object.KeyBlock.Format)
		}
		if a := l.attributes(id, kmip.AttrKeyFormatType, kmip.AttrNISTKeyType, kmip.AttrProtectionStorageMask, kmip.AttrQuantumSafe); len(a) != 4 {
			l.t.Errorf("%v", a)
		}
		for format, want := range map[kmip.KeyFormatType]int{kmip.KeyFormatTransparentSymmetricKey: 1, kmip.KeyFormatRaw: 0} {
			filter := kmip.Attributes{enumeration(kmip.AttrKeyFormatType, uint32(format))}
			if found := ok[*kmip.LocateResponse](l, &kmip.LocateRequest{Attributes: filter}).UniqueIdentifiers; len(found) != want {
				l.t.Errorf("located by the format %s: %v", format, found)
			}
		}
		hardware := aes("h")
		hardware.Protection = kmip.ProtectionStorageMasks{kmip.StorageHardware, kmip.StorageSoftware | kmip.StorageValidated}
		l.refused(hardware, kmip.ReasonProtectionStorageUnavailable)
		short := aes("s", safe)
		short.Template.Attributes[1] = kmip.IntegerAttribute(kmip.AttrCryptographicLength, 128)
		l.refused(short, kmip.ReasonGeneralFailure)
		l.refused(aes("o", enumeration(kmip.AttrObjectType, uint32(kmip.ObjectTypeSecretData))), kmip.ReasonAttributeReadOnly)
		l.refused(aes("f", enumeration(kmip.AttrKeyFormatType, uint32(kmip.KeyFormatPKCS8))), kmip.ReasonKeyFormatTypeNotSupported)
		l.refused(registered(kmip.ObjectTypeSymmetricKey, "r", enumeration(kmip.AttrKeyFormatType, uint32(kmip.KeyFormatOpaque))), kmip.ReasonInvalidField)
		if l.v == kmip.V2_1 {
			l.refused(aes("a", kmip.Attribute{Name: kmip.AttrRotateAutomatic, Value: ttlv.BooleanValue(true)}), kmip.ReasonFeatureNotSupported)
			id := ok[*kmip.CreateResponse](l, aes("i", kmip.Attribute{Name: kmip.AttrRotateInterval, Value: ttlv.IntervalValue(86400)})).UniqueIdentifier
			if a := l.attributes(id, kmip.AttrRotateInterval); len(a) != 1 || a[0].Value.Int != 86400 {
				l.t.Errorf("the interval is %v", a)
			}
		}
	})
}

// onObject2 is what 2.x can do with an object besides.
func onObject2(id string) []kmip.Payload {
	return []kmip.Payload{
		&kmip.SetAttributeRequest{UniqueIdentifier: id, Attribute: kmip.IntegerAttribute("x-n", 1)},
		&kmip.AdjustAttributeRequest{UniqueIdentifier: id, Name: "x-n", Type: kmip.AdjustIncrement},
		&kmip.ModifyAttributeRequest{UniqueIdentifier: id, Current: &kmip.Attribute{Name: "x-n", Value: ttlv.IntegerValue(2)}, Attribute: kmip.IntegerAttribute("x-n", 3)},
		&kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: "x-n"},
	}
}

// TestVersion2_Access: objects are their owners', whatever the version.
func TestVersion2_Access(t *testing.T) {
	s := keyservertest.New(t)
	owner, stranger := talk{t, connect(t, s, "owner"), kmip.V2_1}, talk{t, connect(t, s, "stranger"), kmip.V2_1}
	cert, key := s.NewAdmin("admin")
	admin := talk{t, connectAs(t, s, cert, key), kmip.V2_1}
	id := ok[*kmip.CreateResponse](owner, aes("n")).UniqueIdentifier
	for _, p := range append(onObject(id), onObject2(id)...) {
		stranger.refused(p, kmip.ReasonObjectNotFound)
	}
	for _, p := range onObject2(id) {
		admin.refused(p, kmip.ReasonPermissionDenied)
		if it := owner.c.One(kmip.V2_1, p); it.Err() != nil {
			t.Errorf("the owner: %v", it.Err())
		}
	}
}

// TestVersion2_Query: operations are told to who can name them.
func TestVersion2_Query(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	for v, want := range map[kmip.Version][3]bool{kmip.V1_0: {}, kmip.V1_4: {true}, kmip.V2_0: {true, true}, kmip.V2_1: {true, true, true}} {
		got := ok[*kmip.QueryResponse](talk{t, c, v}, &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}}).Operations
		for i, op := range []kmip.Operation{kmip.OpEncrypt, kmip.OpSetAttribute, kmip.OpPing} {
			if slices.Contains(got, op) != want[i] {
				t.Errorf("%s in %s: %v", op, v, got)
			}
		}
	}
	for v, want := range map[kmip.Version]int{kmip.V1_4: 0, kmip.V2_0: 1} {
		if got := ok[*kmip.QueryResponse](talk{t, c, v}, &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryServerInformation}}); len(got.ServerInformation) != want {
			t.Errorf("%s: %+v", v, got)
		}
	}
	if it := c.One(kmip.V1_4, &kmip.PingRequest{}); it.Reason != kmip.ReasonOperationNotSupported {
		t.Errorf("Ping in 1.4: %v", it.Err())
	}
}

// TestVersions_Limited: an operator can take versions away.
func TestVersions_Limited(t *testing.T) {
	c := connect(t, keyservertest.New(t, func(o *keyserver.Options) { o.Versions = []kmip.Version{kmip.V2_0, kmip.V2_1} }), "db")
	if it := c.One(kmip.V2_1, aes("k")); it.Err() != nil {
		t.Error(it.Err())
	}
	if got := ok[*kmip.DiscoverVersionsResponse](talk{t, c, kmip.V2_0}, &kmip.DiscoverVersionsRequest{}).Versions; !slices.Equal(got, []kmip.Version{kmip.V2_1, kmip.V2_0}) {
		t.Errorf("%v", got)
	}
	if it := c.One(kmip.V1_4, aes("k")); it.Reason2 != kmip.ReasonUnsupportedProtocolVersion {
		t.Errorf("1.4: %v", it.Err())
	}
	if _, err := keyserver.New(keyserver.Options{Versions: []kmip.Version{{Major: 3}}, Store: keyservertest.New(t).Store, Endpoints: keyservertest.New(t).Registry}); err == nil {
		t.Error("a version that there is not is taken")
	}
}

// TestVersion2_Check: what an object's attributes do not allow stops the batch, here before
// the key is Active, and in 1.x too.
func TestVersion2_Check(t *testing.T) {
	both(t, func(l talk, _ func() string) {
		const once = int64(2)
		id := ok[*kmip.CreateResponse](l, aes("checked", limits(once, kmip.UsageLimitsObject))).UniqueIdentifier
		check := func(change func(p *kmip.CheckRequest)) *kmip.CheckRequest {
			p := &kmip.CheckRequest{UniqueIdentifier: id}
			change(p)
			return p
		}
		uses := func(m kmip.UsageMask) *kmip.CheckRequest {
			return check(func(p *kmip.CheckRequest) { p.UsageMask = &m })
		}
		count := func(n int64) *kmip.CheckRequest {
			return check(func(p *kmip.CheckRequest) { p.UsageLimitsCount = &n })
		}
		lease := func(n uint32) *kmip.CheckRequest {
			return check(func(p *kmip.CheckRequest) { p.LeaseTime = &n })
		}
		m := l.c.Do(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: l.v, Continuation: kmip.BatchUndo}, Items: []kmip.RequestItem{
			{Operation: kmip.OpActivate, ID: []byte{1}, Payload: &kmip.ActivateRequest{UniqueIdentifier: id}},
			{Operation: kmip.OpCheck, ID: []byte{2}, Payload: uses(kmip.UsageEncrypt)},
			{Operation: kmip.OpCheck, ID: []byte{3}, Payload: uses(kmip.UsageEncrypt | kmip.UsageSign)},
		}})
		if len(m.Items) != 3 || m.Items[0].Status != kmip.StatusOperationUndone || m.Items[1].Status != kmip.StatusOperationUndone ||
			m.Items[2].Reason2 != kmip.ReasonIncompatibleCryptographicUsageMask {
			l.t.Errorf("%+v", m.Items)
		}
		if state, _ := l.attributes(id, kmip.AttrState).Get(kmip.AttrState); kmip.State(state.Int) != kmip.StatePreActive {
			l.t.Errorf("after a failed Check the key is %+v", state)
		}
		m = l.c.Do(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: l.v, Continuation: kmip.BatchContinue}, Items: []kmip.RequestItem{
			{Operation: kmip.OpLocate, ID: []byte{1}, Payload: &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute("checked")}}},
			{Operation: kmip.OpCheck, ID: []byte{2}, Payload: &kmip.CheckRequest{}},
			{Operation: kmip.OpCheck, ID: []byte{3}, Payload: count(once + 1)},
			{Operation: kmip.OpGet, ID: []byte{4}, Payload: &kmip.GetRequest{}},
		}})
		if len(m.Items) != 4 || m.Items[1].Err() != nil || m.Items[2].Reason2 != kmip.ReasonUsageLimitExceeded || m.Items[3].Reason2 != kmip.ReasonObjectNotFound {
			l.t.Errorf("%+v", m.Items)
		}
		if got := ok[*kmip.CheckResponse](l, count(once)); got.UniqueIdentifier != id {
			l.t.Errorf("the answer is about %q", got.UniqueIdentifier)
		}
		ok[*kmip.CheckResponse](l, lease(3600))
		l.refused(lease(3601), kmip.ReasonPermissionDenied)
		l.refused(count(-1), kmip.ReasonInvalidField)
		if it := l.c.One(kmip.V1_0, uses(kmip.UsageSign)); it.Reason != kmip.ReasonPermissionDenied {
			l.t.Errorf("1.0: %v", it.Err())
		}
		ok[*kmip.DestroyResponse](l, &kmip.DestroyRequest{UniqueIdentifier: id})
		l.refused(&kmip.CheckRequest{UniqueIdentifier: id}, kmip.ReasonObjectDestroyed)
	})
}
