package kmip_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

var (
	when  = time.Date(2026, 3, 14, 11, 56, 40, 0, time.UTC)
	three = int32(3)
	attrs = kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
		kmip.NameAttribute("INNODBKey-1"),
		{Name: kmip.AttrName, Index: 1, Value: kmip.Name{Value: "second"}.TTLV()},
		{Name: "x-owner", Value: ttlv.TextValue("root@localhost")},
		{Name: kmip.AttrAppSpecificInformation, Value: kmip.ApplicationSpecificInformation{Namespace: "n", Data: "d"}.TTLV()},
	}
	template = kmip.Template{Attributes: attrs}
	key      = secret.Copy([]byte("0123456789abcdef0123456789ABCDEF"))
)

func requests() []kmip.Payload {
	return []kmip.Payload{
		&kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: template},
		&kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: template, Object: kmip.SymmetricKey(kmip.AlgorithmAES, key.Clone())},
		&kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSecretData, Object: kmip.SecretData(kmip.SecretDataPassword, kmip.KeyFormatOpaque, key.Clone())},
		&kmip.RegisterRequest{ObjectType: kmip.ObjectTypeOpaqueObject, Object: kmip.OpaqueObject(0x80000001, key.Clone())},
		&kmip.LocateRequest{MaximumItems: 16, OffsetItems: &three, Attributes: attrs},
		&kmip.GetRequest{UniqueIdentifier: "id", KeyFormat: kmip.KeyFormatRaw},
		&kmip.GetAttributesRequest{UniqueIdentifier: "id", Names: []string{kmip.AttrState, kmip.AttrName}},
		&kmip.GetAttributeListRequest{UniqueIdentifier: "id"},
		&kmip.CheckRequest{UniqueIdentifier: "id", UsageLimitsCount: ptr(int64(7)), UsageMask: ptr(kmip.UsageEncrypt), LeaseTime: ptr(uint32(60))}, &kmip.CheckRequest{},
		&kmip.AddAttributeRequest{UniqueIdentifier: "id", Attribute: attrs[1]},
		&kmip.ModifyAttributeRequest{UniqueIdentifier: "id", Attribute: attrs[2]},
		&kmip.DeleteAttributeRequest{UniqueIdentifier: "id", Name: kmip.AttrName, Index: 1},
		&kmip.ActivateRequest{},
		&kmip.RevokeRequest{UniqueIdentifier: "id", Reason: kmip.RevocationReason{Code: kmip.RevocationKeyCompromise, Message: "gone"}, CompromiseOccurrence: when},
		&kmip.DestroyRequest{UniqueIdentifier: "id"},
		&kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations, kmip.QueryObjects}},
		&kmip.DiscoverVersionsRequest{Versions: kmip.Versions()},
		&kmip.EncryptRequest{UniqueIdentifier: "id", Parameters: &kmip.CryptographicParameters{Mode: kmip.ModeGCM, Padding: kmip.PaddingNone, Algorithm: kmip.AlgorithmAES, RandomIV: true, TagLength: 16},
			Data: key.Clone(), IV: []byte("iv"), Part: kmip.Part{Init: true}, AdditionalData: []byte("more")},
		&kmip.DecryptRequest{UniqueIdentifier: "id", Data: key.Clone(), IV: []byte("iv"), AdditionalData: []byte("more"), Tag: []byte("tag"), Part: kmip.Part{Correlation: []byte("c"), Final: true}},
		&kmip.RegisterRequest{ObjectType: kmip.ObjectTypeCertificate, Object: kmip.Object{Type: kmip.ObjectTypeCertificate, CertificateType: kmip.CertificateX509, CertificateValue: key.Clone()}},
		&kmip.RegisterRequest{ObjectType: kmip.ObjectTypePGPKey, Object: kmip.Object{Type: kmip.ObjectTypePGPKey, PGPKeyVersion: 4, KeyBlock: kmip.KeyBlock{Format: kmip.KeyFormatRaw, Material: key.Clone()}}},
		&kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSplitKey, Object: kmip.Object{Type: kmip.ObjectTypeSplitKey, KeyBlock: kmip.KeyBlock{Format: kmip.KeyFormatRaw, Material: key.Clone()},
			Split: kmip.SplitKey{Parts: 3, Identifier: 1, Threshold: 2, Method: kmip.SplitPolynomialPrimeField, PrimeFieldSize: []byte{0, 0, 0, 0, 0, 0, 0, 5}}}},
		&kmip.RegisterRequest{ObjectType: kmip.ObjectTypePublicKey, Object: kmip.Object{Type: kmip.ObjectTypePublicKey, KeyBlock: kmip.KeyBlock{Format: kmip.KeyFormatTransparentRSAPublicKey,
			Material: secret.Copy(transparent()), Algorithm: kmip.AlgorithmRSA, Length: 2048}}},
		&kmip.CreateKeyPairRequest{Common: template, Private: template, Public: template},
		&kmip.GetUsageAllocationRequest{UniqueIdentifier: "id", UsageLimitsCount: 7}, &kmip.ObtainLeaseRequest{UniqueIdentifier: "id"},
		&kmip.ArchiveRequest{UniqueIdentifier: "id"}, &kmip.RecoverRequest{UniqueIdentifier: "id"},
		&kmip.DeriveKeyRequest{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifiers: []string{"1", "2"}, Method: kmip.DeriveENCRYPT, Template: template,
			Parameters: kmip.DerivationParameters{Parameters: everyParameter(), IV: []byte("iv"), Data: key.Clone(), Salt: []byte("salt"), Iterations: 1000}},
		&kmip.DeriveKeyRequest{ObjectType: kmip.ObjectTypeSecretData, UniqueIdentifiers: []string{"1"}, Method: kmip.DeriveHASH},
		&kmip.ReKeyKeyPairRequest{PrivateKey: "id", Offset: ptr(uint32(7)), Common: template, Private: template, Public: template}, &kmip.ReKeyKeyPairRequest{},
		&kmip.ReKeyRequest{UniqueIdentifier: "id", Offset: ptr(uint32(0)), Template: template}, &kmip.ReKeyRequest{},
		&kmip.SignRequest{UniqueIdentifier: "id", Parameters: everyParameter(), Data: key.Clone(), Part: kmip.Part{Init: true}},
		&kmip.SignatureVerifyRequest{UniqueIdentifier: "id", DigestedData: key.Clone(), SignatureData: []byte("s")},
		&kmip.MACRequest{UniqueIdentifier: "id", Data: key.Clone()},
		&kmip.MACVerifyRequest{UniqueIdentifier: "id", Data: key.Clone(), MACData: []byte("m")},
		&kmip.HashRequest{Parameters: &kmip.CryptographicParameters{Hash: kmip.HashSHA256}, Data: key.Clone()},
		&kmip.RNGSeedRequest{Data: key.Clone()},
	}
}

func responses() []kmip.Payload {
	return []kmip.Payload{
		&kmip.CreateResponse{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifier: "id", Template: &template},
		&kmip.RegisterResponse{UniqueIdentifier: "id"},
		&kmip.EncryptResponse{UniqueIdentifier: "id", Data: key.Clone(), IV: []byte("iv"), Tag: []byte("tag")},
		&kmip.DecryptResponse{UniqueIdentifier: "id", Data: key.Clone()},
		&kmip.LocateResponse{LocatedItems: &three, UniqueIdentifiers: []string{"1", "2", "3"}},
		&kmip.GetResponse{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifier: "id", Object: kmip.SymmetricKey(kmip.AlgorithmAES, key.Clone())},
		&kmip.GetAttributesResponse{UniqueIdentifier: "id", Attributes: attrs},
		&kmip.GetAttributeListResponse{UniqueIdentifier: "id", Names: []string{"Name"}},
		&kmip.CheckResponse{UniqueIdentifier: "id"},
		&kmip.AddAttributeResponse{UniqueIdentifier: "id", Attribute: attrs[3]},
		&kmip.ModifyAttributeResponse{UniqueIdentifier: "id", Attribute: attrs[3]},
		&kmip.DeleteAttributeResponse{UniqueIdentifier: "id", Attribute: attrs[3]},
		&kmip.ActivateResponse{UniqueIdentifier: "id"},
		&kmip.RevokeResponse{UniqueIdentifier: "id"},
		&kmip.DestroyResponse{UniqueIdentifier: "id"},
		&kmip.QueryResponse{Operations: kmip.Operations(), ObjectTypes: []kmip.ObjectType{kmip.ObjectTypeSymmetricKey}, VendorIdentification: "v",
			ServerInformation: []ttlv.Field{{Tag: 0x540001, Value: ttlv.TextValue("i")}}, ApplicationNamespaces: []string{"n"},
			RNGs:         []kmip.RNGParameters{{Algorithm: kmip.RNGUnspecified}, {Algorithm: kmip.RNGFIPS1862, CryptographicAlgorithm: kmip.AlgorithmAES, CryptographicLength: 256}},
			Capabilities: &kmip.Capabilities{Streaming: true, Asynchronous: true, Attestation: true, BatchUndo: true, BatchContinue: true, Unwrap: 1, Destroy: 2, Shredding: 3, RNG: 2}},
		&kmip.DiscoverVersionsResponse{Versions: kmip.Versions()},
		&kmip.CreateKeyPairResponse{PrivateKey: "1", PublicKey: "2", PrivateTemplate: &template, PublicTemplate: &template},
		&kmip.GetUsageAllocationResponse{UniqueIdentifier: "id"}, &kmip.ObtainLeaseResponse{UniqueIdentifier: "id", LeaseTime: 3600, LastChange: when},
		&kmip.ArchiveResponse{UniqueIdentifier: "id"}, &kmip.RecoverResponse{UniqueIdentifier: "id"},
		&kmip.DeriveKeyResponse{UniqueIdentifier: "id", Template: &template},
		&kmip.ReKeyKeyPairResponse{PrivateKey: "1", PublicKey: "2", PrivateTemplate: &template, PublicTemplate: &template},
		&kmip.ReKeyResponse{UniqueIdentifier: "id", Template: &template},
		&kmip.SignResponse{UniqueIdentifier: "id", SignatureData: []byte("s")},
		&kmip.SignatureVerifyResponse{UniqueIdentifier: "id", Validity: kmip.ValidityInvalid},
		&kmip.MACResponse{UniqueIdentifier: "id", MACData: []byte("m"), Correlation: []byte("c")},
		&kmip.MACVerifyResponse{UniqueIdentifier: "id", Correlation: []byte("c")},
		&kmip.HashResponse{Digest: []byte("d")},
		&kmip.RNGSeedResponse{DataLength: 3},
	}
}

// everyParameter has every field of Cryptographic Parameters.
func everyParameter() *kmip.CryptographicParameters {
	return &kmip.CryptographicParameters{Mode: kmip.ModeCTR, Padding: kmip.PaddingPSS, Hash: kmip.HashSHA384, Role: 1, Signature: kmip.SignatureRSASSAPSS, Algorithm: kmip.AlgorithmRSA, RandomIV: true,
		IVLength: 96, TagLength: 12, FixedFieldLength: 32, InvocationFieldLength: 64, CounterLength: 32, InitialCounter: &three, SaltLength: &three,
		MaskGenerator: kmip.MaskMGF1, MaskHash: kmip.HashSHA1, PSource: []byte("label"), TrailerField: &three}
}

func TestCryptographicParameters_AsAttribute(t *testing.T) {
	got, err := kmip.ParseCryptographicParameters(everyParameter().TTLV())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*everyParameter(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := kmip.ParseCryptographicParameters(ttlv.StructureValue(ttlv.Field{Tag: kmip.TagTagLength, Value: ttlv.TextValue("16")})); err == nil {
		t.Error("a Tag Length of text was taken")
	}
}

// transparent is the fields of a Transparent RSA Public Key.
func transparent() []byte {
	var w ttlv.Writer
	w.BigInteger(kmip.TagModulus, []byte{0, 0, 0, 0, 0, 0, 0, 33})
	w.BigInteger(kmip.TagPublicExponent, []byte{0, 0, 0, 0, 0, 0, 0, 3})
	return w.Bytes()
}

var secrets = cmp.Comparer(func(a, b *secret.Bytes) bool { return a.Equal(b) && (a == nil) == (b == nil) })

func TestRequest_RoundTrip(t *testing.T) {
	m := &kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_4, MaximumResponseSize: 8192, ClientCorrelation: "c",
		Continuation: kmip.BatchContinue, Order: true, TimeStamp: when, Authentication: ttlv.StructureValue()}}
	for i, p := range requests() {
		m.Items = append(m.Items, kmip.RequestItem{Operation: p.Operation(), ID: []byte{byte(i)}, Payload: p})
	}
	var w ttlv.Writer
	m.Encode(&w)
	got, err := kmip.DecodeRequest(w.Bytes(), ttlv.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got, secrets); diff != "" {
		t.Errorf("(-sent +received):\n%s", diff)
	}
}

func TestResponse_RoundTrip(t *testing.T) {
	m := &kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: kmip.V1_4, TimeStamp: when, ClientCorrelation: "c", ServerCorrelation: "s"}}
	for i, p := range responses() {
		m.Items = append(m.Items, kmip.ResponseItem{Operation: p.Operation(), ID: []byte{byte(i)}, Payload: p})
	}
	m.Items = append(m.Items, kmip.ResponseItem{Operation: kmip.OpGet, Status: kmip.StatusOperationFailed, Reason: kmip.ReasonItemNotFound, Message: "none"})
	var w ttlv.Writer
	m.Encode(&w)
	got, err := kmip.DecodeResponse(w.Bytes(), ttlv.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got, secrets); diff != "" {
		t.Errorf("(-sent +received):\n%s", diff)
	}
	if err := got.Items[len(got.Items)-1].Err(); kmip.ReasonOf(err) != kmip.ReasonItemNotFound {
		t.Errorf("the failure became %v", err)
	}
}

// A peer of an old version cannot read newer tags; servers that sent them have
// broken clients of 1.0.
func TestResponse_OldVersionGetsNoNewerTag(t *testing.T) {
	all := kmip.Attributes{}
	for _, at := range kmip.AttributeTypes() {
		all = append(all, kmip.Attribute{Name: at.Name, Value: ttlv.TextValue("v")})
	}
	for _, v := range kmip.Versions() {
		m := &kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: v, TimeStamp: when, ClientCorrelation: "c", ServerCorrelation: "s"},
			Items: []kmip.ResponseItem{{Operation: kmip.OpGetAttributes, Payload: &kmip.GetAttributesResponse{UniqueIdentifier: "1", Attributes: all}}}}
		var w ttlv.Writer
		m.Encode(&w)
		got, err := kmip.DecodeResponse(w.Bytes(), ttlv.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if sent := got.Header.ServerCorrelation != ""; sent != v.AtLeast(kmip.V1_4) {
			t.Errorf("%s: Server Correlation Value sent: %t", v, sent)
		}
		attributes := got.Items[0].Payload.(*kmip.GetAttributesResponse).Attributes
		for _, at := range kmip.AttributeTypes() {
			if _, sent := attributes.Get(at.Name); sent != at.In(v) {
				t.Errorf("%s: %s, of %s, sent: %t", v, at.Name, at.Since, sent)
			}
		}
	}
}

func TestDecodeRequest_FaultOfAnItemStaysInIt(t *testing.T) {
	encode := func(items ...kmip.RequestItem) []byte {
		m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_2}, Items: items}
		var w ttlv.Writer
		m.Encode(&w)
		return w.Bytes()
	}
	good := kmip.RequestItem{Operation: kmip.OpGet, Payload: &kmip.GetRequest{UniqueIdentifier: "1"}}
	cases := []struct {
		name   string
		item   kmip.RequestItem
		reason kmip.ResultReason
	}{
		{"unknown operation", kmip.RequestItem{Operation: 0x99, Payload: &kmip.GetRequest{}}, kmip.ReasonOperationNotSupported},
		{"field of another operation", kmip.RequestItem{Operation: kmip.OpDestroy, Payload: &kmip.QueryRequest{Functions: []kmip.QueryFunction{1}}}, kmip.ReasonInvalidField},
		{"field of a wrong type", kmip.RequestItem{Operation: kmip.OpGet, Payload: wrongType{}}, kmip.ReasonInvalidMessage},
		{"Register of nothing", kmip.RequestItem{Operation: kmip.OpRegister, Payload: &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey}}, kmip.ReasonInvalidField},
	}
	for _, c := range cases {
		m, err := kmip.DecodeRequest(encode(good, c.item, good), ttlv.Limits{})
		if err != nil || len(m.Items) != 3 {
			t.Fatalf("%s: %v", c.name, err)
		}
		if m.Items[0].Err != nil || m.Items[2].Err != nil || m.Items[2].Payload == nil {
			t.Errorf("%s: the fault spread to its neighbours", c.name)
		}
		if got := kmip.ReasonOf(m.Items[1].Err); got != c.reason || m.Items[1].Payload != nil {
			t.Errorf("%s: %v, reason %s", c.name, m.Items[1].Err, got)
		}
	}
}

type wrongType struct{}

func (wrongType) Operation() kmip.Operation             { return kmip.OpGet }
func (wrongType) Encode(w *ttlv.Writer, _ kmip.Version) { w.Integer(kmip.TagUniqueIdentifier, 1) }
func (wrongType) Decode(*ttlv.Reader)                   {}

func TestDecodeRequest_RefusesTheMessage(t *testing.T) {
	m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.Version{Major: 9, Minor: 9}}, Items: []kmip.RequestItem{{Operation: kmip.OpGet, Payload: &kmip.GetRequest{}}}}
	var w ttlv.Writer
	m.Encode(&w)
	got, err := kmip.DecodeRequest(w.Bytes(), ttlv.Limits{})
	if kmip.ReasonOf(err) != kmip.ReasonInvalidMessage || !strings.Contains(err.Error(), "9.9") || got.Header.Version.Major != 9 {
		t.Errorf("version 9.9: %v", err)
	}
	m = kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_0}}
	w.Truncate(0)
	m.Encode(&w)
	if _, err := kmip.DecodeRequest(w.Bytes(), ttlv.Limits{}); kmip.ReasonOf(err) != kmip.ReasonInvalidMessage {
		t.Errorf("an empty batch: %v", err)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, p := range requests() {
		m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_4, TimeStamp: when}, Items: []kmip.RequestItem{{Operation: p.Operation(), Payload: p}}}
		var w ttlv.Writer
		m.Encode(&w)
		f.Add(w.Bytes())
	}
	f.Add(encoded(kmip.V1_4, registerTemplate()))
	for _, p := range requests2() {
		m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V2_1, TimeStamp: when}, Items: []kmip.RequestItem{{Operation: p.Operation(), Payload: p}}}
		var w ttlv.Writer
		m.Encode(&w)
		f.Add(w.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := kmip.DecodeRequest(b, ttlv.Limits{})
		defer m.Wipe()
		if err != nil {
			return
		}
		for _, it := range m.Items {
			if (it.Payload == nil) == (it.Err == nil) {
				t.Errorf("an item has payload %v and error %v", it.Payload, it.Err)
			}
			if it.Err != nil {
				return
			}
		}
		var w ttlv.Writer
		m.Encode(&w)
		if _, err := kmip.DecodeRequest(w.Bytes(), ttlv.Limits{}); err != nil {
			t.Errorf("what was read cannot be read again: %v", err)
		}
	})
}

func FuzzDecodeResponse(f *testing.F) {
	for _, p := range responses() {
		m := kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: kmip.V1_4, TimeStamp: when}, Items: []kmip.ResponseItem{{Operation: p.Operation(), Payload: p}}}
		var w ttlv.Writer
		m.Encode(&w)
		f.Add(w.Bytes())
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		if m, err := kmip.DecodeResponse(b, ttlv.Limits{}); err == nil {
			m.Wipe()
		}
	})
}

// An object of a kind that we lack is that item's fault: the others are read.
func TestResponse_OneUnreadableItem(t *testing.T) {
	get := func(id string) kmip.ResponseItem {
		return kmip.ResponseItem{Operation: kmip.OpGet, ID: []byte(id), Payload: &kmip.GetResponse{
			ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifier: id, Object: kmip.SymmetricKey(kmip.AlgorithmAES, key.Clone())}}
	}
	m := &kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: kmip.V2_1, TimeStamp: when}, Items: []kmip.ResponseItem{get("1"), get("2")}}
	var w ttlv.Writer
	m.Encode(&w)
	frame := strings.Replace(string(w.Bytes()), "\x42\x00\x8F\x01", "\x42\x00\x90\x01", 1) // a Template, which 2.x has not
	got, err := kmip.DecodeResponse([]byte(frame), ttlv.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Wipe()
	if err := got.Items[0].Err(); kmip.ReasonOf(err) != kmip.ReasonFeatureNotSupported || got.Items[0].Payload != nil {
		t.Errorf("the first item: %v", err)
	}
	if err := got.Items[1].Err(); err != nil || !got.Items[1].Payload.(*kmip.GetResponse).Object.Content().Equal(key) {
		t.Errorf("the second item: %v", err)
	}
}

// getsKey is a Get Response with a Key Compression Type, as older releases of Percona
// Server for MongoDB have registered it.
type getsKey struct{ compression uint32 }

func (getsKey) Operation() kmip.Operation { return kmip.OpGet }
func (getsKey) Decode(*ttlv.Reader)       {}
func (g getsKey) Encode(w *ttlv.Writer, _ kmip.Version) {
	w.Enumeration(kmip.TagObjectType, uint32(kmip.ObjectTypeSymmetricKey))
	w.TextString(kmip.TagUniqueIdentifier, "1")
	object := w.Begin(kmip.TagSymmetricKey)
	block := w.Begin(kmip.TagKeyBlock)
	w.Enumeration(kmip.TagKeyFormatType, uint32(kmip.KeyFormatRaw))
	w.Enumeration(kmip.TagKeyCompressionType, g.compression)
	value := w.Begin(kmip.TagKeyValue)
	w.ByteString(kmip.TagKeyMaterial, key.Reveal())
	w.End(value)
	w.End(block)
	w.End(object)
}

func TestKeyBlock_Compression(t *testing.T) {
	for compression, reason := range map[uint32]kmip.ResultReason{1: 0, 2: kmip.ReasonKeyCompressionTypeNotSupported} {
		m := kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: kmip.V1_0, TimeStamp: when}, Items: []kmip.ResponseItem{{Operation: kmip.OpGet, Payload: getsKey{compression}}}}
		var w ttlv.Writer
		m.Encode(&w)
		got, err := kmip.DecodeResponse(w.Bytes(), ttlv.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer got.Wipe()
		if err := got.Items[0].Err(); kmip.ReasonOf(err) != reason || err == nil && !got.Items[0].Payload.(*kmip.GetResponse).Object.Content().Equal(key) {
			t.Errorf("%d: %v", compression, err)
		}
	}
}
