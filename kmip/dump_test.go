package kmip_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

func TestDump_ShowsTheMessageAndNoKey(t *testing.T) {
	m := &kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: kmip.V1_2, TimeStamp: when}, Items: []kmip.ResponseItem{
		{Operation: kmip.OpGet, Payload: &kmip.GetResponse{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifier: "id-1",
			Object: kmip.SymmetricKey(kmip.AlgorithmAES, key.Clone())}},
		{Operation: kmip.OpGetAttributes, Payload: &kmip.GetAttributesResponse{UniqueIdentifier: "id-1", Attributes: kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrState, kmip.StateActive), kmip.NameAttribute("INNODBKey-1"), kmip.DateAttribute(kmip.AttrInitialDate, when)}}},
		{Operation: kmip.OpDestroy, Status: kmip.StatusOperationFailed, Reason: kmip.ReasonPermissionDenied, Message: "it is Active"},
	}}
	var w ttlv.Writer
	m.Encode(&w)
	got := kmip.Dump(w.Bytes())
	for _, want := range []string{
		"Response Message\n", "    Protocol Version: \n      Protocol Version Major: 1\n", "Operation: Get\n", "Unique Identifier: \"id-1\"\n",
		"Key Material: [secret, 32 bytes]\n", "Attribute Value: Active\n", "Name Value: \"INNODBKey-1\"\n",
		"Attribute Value: 2026-03-14T11:56:40Z\n", "Result Reason: Permission Denied\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, hex.EncodeToString(key.Reveal()[:4])) || strings.Contains(got, "0123456789abcdef") {
		t.Errorf("the key shows in\n%s", got)
	}
}

func TestDump_SecretsOfEveryKind(t *testing.T) {
	for _, p := range requests() {
		reg, ok := p.(*kmip.RegisterRequest)
		if !ok {
			continue
		}
		m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_4, Authentication: ttlv.StructureValue(ttlv.Field{Tag: kmip.TagCredential,
			Value: ttlv.StructureValue(ttlv.Field{Tag: kmip.TagCredentialValue, Value: ttlv.StructureValue(ttlv.Field{Tag: kmip.TagPassword, Value: ttlv.TextValue("hunter2")})})})},
			Items: []kmip.RequestItem{{Operation: kmip.OpRegister, Payload: reg}}}
		var w ttlv.Writer
		m.Encode(&w)
		got := kmip.Dump(w.Bytes())
		if !strings.Contains(got, "[secret, 32 bytes]") || strings.Contains(got, hex.EncodeToString(key.Reveal()[:4])) || strings.Contains(got, "hunter2") {
			t.Errorf("%s:\n%s", reg.ObjectType, got)
		}
	}
	if got := kmip.Dump([]byte("GET / HTTP/1.1\r\n")); !strings.HasPrefix(got, "[16 bytes: ") || strings.Contains(got, "HTTP") {
		t.Error(got)
	}
}

// A Get response as servers send it, to compare codecs with.
func benchmarkMessage() *kmip.ResponseMessage {
	return &kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: kmip.V1_4, TimeStamp: when}, Items: []kmip.ResponseItem{
		{Operation: kmip.OpGet, Payload: &kmip.GetResponse{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifier: "5c2a1b3e-7d4f-4a6b-8c9d-0e1f2a3b4c5d",
			Object: kmip.SymmetricKey(kmip.AlgorithmAES, key.Clone())}}}}
}

func BenchmarkEncodeGetResponse(b *testing.B) {
	m := benchmarkMessage()
	var w ttlv.Writer
	b.ReportAllocs()
	for b.Loop() {
		w.Truncate(0)
		m.Encode(&w)
	}
}

func BenchmarkDecodeGetResponse(b *testing.B) {
	var w ttlv.Writer
	benchmarkMessage().Encode(&w)
	b.ReportAllocs()
	for b.Loop() {
		m, err := kmip.DecodeResponse(w.Bytes(), ttlv.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		m.Wipe()
	}
}

func TestDump_Version2(t *testing.T) {
	m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V2_1}}
	for _, p := range []kmip.Payload{
		&kmip.GetAttributesRequest{UniqueIdentifier: "id", Names: []string{kmip.AttrState, "tc/Set"}},
		&kmip.SetAttributeRequest{UniqueIdentifier: "id", Attribute: kmip.EnumerationAttribute(kmip.AttrNISTKeyType, kmip.NISTSymmetricMasterKey)},
		&kmip.AdjustAttributeRequest{UniqueIdentifier: "id", Name: "x-n", Type: kmip.AdjustDecrement},
		&kmip.InteropRequest{Function: kmip.InteropBegin, Identifier: "a"}, &kmip.LogRequest{Message: "hello"},
	} {
		m.Items = append(m.Items, kmip.RequestItem{Operation: p.Operation(), Payload: p})
	}
	var w ttlv.Writer
	m.Encode(&w)
	got := kmip.Dump(w.Bytes())
	for _, want := range []string{"Attribute Reference: State\n", "Vendor Identification: \"tc\"\n", "NIST Key Type: Symmetric master key\n",
		"Adjustment Type: Decrement\n", "Interop Function: Begin\n", "Log Message: \"hello\"\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
