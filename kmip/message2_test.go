package kmip_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

func ptr[T any](v T) *T { return &v }

// requests2 are requests that 2.x encodes in a way of its own.
func requests2() []kmip.Payload {
	all := append(requests(),
		&kmip.ModifyAttributeRequest{UniqueIdentifier: "id", Current: ptr(kmip.NameAttribute("a")), Attribute: kmip.NameAttribute("b")},
		&kmip.DeleteAttributeRequest{UniqueIdentifier: "id", Name: kmip.AttrName},
		&kmip.DeleteAttributeRequest{UniqueIdentifier: "id", Name: "tc/Set", Current: &kmip.Attribute{Name: "tc/Set", Value: ttlv.TextValue("one")}},
		&kmip.GetAttributesRequest{UniqueIdentifier: "id", Names: []string{"x-owner", "tc/Set", kmip.AttrQuantumSafe}},
	)
	for _, p := range all {
		switch p := p.(type) {
		case *kmip.DeleteAttributeRequest:
			p.Index = 0
		case *kmip.ModifyAttributeRequest:
			p.Attribute.Index = 0
		}
	}
	return all
}

func TestRequest2_RoundTrip(t *testing.T) {
	for _, v := range []kmip.Version{kmip.V2_0, kmip.V2_1} {
		m := &kmip.RequestMessage{Header: kmip.RequestHeader{Version: v, ClientCorrelation: "c", Asynchronous: true, TimeStamp: when}}
		for i, p := range requests2() {
			m.Items = append(m.Items, kmip.RequestItem{Operation: p.Operation(), ID: []byte{byte(i)}, Payload: p})
		}
		var w ttlv.Writer
		m.Encode(&w)
		for _, tag := range []ttlv.Tag{kmip.TagTemplateAttribute, kmip.TagAttributeIndex, kmip.TagCustomAttribute} {
			if strings.Contains(string(w.Bytes()), string([]byte{byte(tag >> 16), byte(tag >> 8 & 0xff), byte(tag & 0xff)})) {
				t.Errorf("%s: %s is sent", v, kmip.NameOfTag(tag))
			}
		}
		got, err := kmip.DecodeRequest(w.Bytes(), ttlv.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got, secrets); diff != "" {
			t.Errorf("%s (-sent +received):\n%s", v, diff)
		}
	}
}

func TestResponse2_RoundTrip(t *testing.T) {
	m := &kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: kmip.V2_1, TimeStamp: when, ClientCorrelation: "c", ServerCorrelation: "s"}}
	for i, p := range append(responses(), &kmip.GetAttributesResponse{UniqueIdentifier: "id"}, &kmip.GetAttributeListResponse{UniqueIdentifier: "id", Names: []string{"Name", "x-owner", "tc/Set"}}) {
		switch p := p.(type) { // what 2.x does not send
		case *kmip.CreateResponse:
			p.Template = nil
		case *kmip.ReKeyResponse:
			p.Template = nil
		case *kmip.DeriveKeyResponse:
			p.Template = nil
		case *kmip.ReKeyKeyPairResponse:
			p.PrivateTemplate, p.PublicTemplate = nil, nil
		case *kmip.CreateKeyPairResponse:
			p.PrivateTemplate, p.PublicTemplate = nil, nil
		case *kmip.AddAttributeResponse:
			p.Attribute = kmip.Attribute{}
		case *kmip.ModifyAttributeResponse:
			p.Attribute = kmip.Attribute{}
		case *kmip.DeleteAttributeResponse:
			p.Attribute = kmip.Attribute{}
		}
		m.Items = append(m.Items, kmip.ResponseItem{Operation: p.Operation(), ID: []byte{byte(i)}, Payload: p})
	}
	var w ttlv.Writer
	m.Encode(&w)
	got, err := kmip.DecodeResponse(w.Bytes(), ttlv.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got, secrets); diff != "" {
		t.Errorf("(-sent +received):\n%s", diff)
	}
}

// payload encodes one request's payload, without the message around it.
func payload(p kmip.Payload, v kmip.Version) string {
	var w ttlv.Writer
	p.Encode(&w, v)
	return hex.EncodeToString(w.Bytes())
}

// TestAttributes2_Bytes pins the encoding down, field by field.
func TestAttributes2_Bytes(t *testing.T) {
	const (
		id   = "420094 07 00000001 3100000000000000"
		name = "420053 01 00000020" + "420055 07 00000001 6e00000000000000" + "420054 05 00000004 0000000100000000"
		own  = "420008 01 00000030" + "42009d 07 00000001 7800000000000000" + "42000a 07 00000001 6100000000000000" + "42000b 02 00000004 0000000700000000"
	)
	for _, c := range []struct {
		p    kmip.Payload
		want string
	}{
		{&kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute("n"), kmip.IntegerAttribute("x-a", 7)}}, "420125 01 00000060" + name + own},
		{&kmip.AddAttributeRequest{UniqueIdentifier: "1", Attribute: kmip.NameAttribute("n")}, id + "42013d 01 00000028" + name},
		{&kmip.ModifyAttributeRequest{UniqueIdentifier: "1", Current: ptr(kmip.IntegerAttribute("x-a", 7)), Attribute: kmip.NameAttribute("n")}, id + "42013c 01 00000038" + own + "42013d 01 00000028" + name},
		{&kmip.GetAttributesRequest{UniqueIdentifier: "1", Names: []string{kmip.AttrState, "x-a", kmip.AttrOperationPolicyName}},
			id + "42013b 05 00000004 0042008d00000000" + "42013b 01 00000020 42009d 07 00000001 7800000000000000 42000a 07 00000001 6100000000000000"},
		{&kmip.GetAttributesResponse{UniqueIdentifier: "1"}, id + "420125 01 00000000"},
		{&kmip.DeleteAttributeRequest{UniqueIdentifier: "1", Name: kmip.AttrName}, id + "42013b 05 00000004 0042005300000000"},
		{&kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: kmip.Attributes{kmip.NameAttribute("n")}}},
			"420057 05 00000004 0000000200000000" + "420125 01 00000028" + name},
	} {
		if diff := cmp.Diff(strings.ReplaceAll(c.want, " ", ""), payload(c.p, kmip.V2_1)); diff != "" {
			t.Errorf("%T (-want +got):\n%s", c.p, diff)
		}
	}
}

// TestDecodeRequest_FieldsOfTheOtherVersion: 1.x's fields are none in 2.x, and the other way
// round.
func TestDecodeRequest_FieldsOfTheOtherVersion(t *testing.T) {
	create := &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: template}
	for _, c := range []struct {
		as, in kmip.Version
		p      kmip.Payload
	}{
		{kmip.V1_4, kmip.V2_0, create}, {kmip.V2_0, kmip.V1_4, create},
		{kmip.V1_4, kmip.V2_1, &kmip.LocateRequest{Attributes: attrs}}, {kmip.V2_1, kmip.V1_4, &kmip.LocateRequest{Attributes: attrs}},
		{kmip.V1_4, kmip.V2_1, &kmip.AddAttributeRequest{Attribute: attrs[0]}}, {kmip.V2_1, kmip.V1_0, &kmip.AddAttributeRequest{Attribute: attrs[0]}},
		{kmip.V1_4, kmip.V2_1, &kmip.GetAttributesRequest{Names: []string{"Name"}}}, {kmip.V2_1, kmip.V1_3, &kmip.GetAttributesRequest{Names: []string{"Name"}}},
		{kmip.V1_4, kmip.V2_1, &kmip.DeleteAttributeRequest{Name: "Name"}}, {kmip.V2_1, kmip.V1_4, &kmip.DeleteAttributeRequest{Name: "Name", Current: &attrs[1]}},
	} {
		m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: c.in}, Items: []kmip.RequestItem{{Operation: c.p.Operation(), Payload: encodedAs{c.p, c.as}}}}
		var w ttlv.Writer
		m.Encode(&w)
		got, err := kmip.DecodeRequest(w.Bytes(), ttlv.Limits{})
		if err != nil || kmip.ReasonOf(got.Items[0].Err) != kmip.ReasonInvalidField {
			t.Errorf("%T of %s in %s: %v, %v", c.p, c.as, c.in, err, got.Items[0].Err)
		}
	}
}

// encodedAs encodes a payload for another version than the message's.
type encodedAs struct {
	kmip.Payload
	v kmip.Version
}

func (p encodedAs) Encode(w *ttlv.Writer, _ kmip.Version) { p.Payload.Encode(w, p.v) }

func TestDecodeRequest2_Refusals(t *testing.T) {
	field := func(tag ttlv.Tag, v ttlv.Value) ttlv.Field { return ttlv.Field{Tag: tag, Value: v} }
	locate := func(f ...ttlv.Field) raw {
		return raw{kmip.OpLocate, []ttlv.Field{field(kmip.TagAttributes, ttlv.StructureValue(f...))}}
	}
	vendor := func(vendor, name string) ttlv.Field {
		return field(kmip.TagAttribute, ttlv.StructureValue(field(kmip.TagVendorIdentification, ttlv.TextValue(vendor)), field(kmip.TagAttributeName, ttlv.TextValue(name)), field(kmip.TagAttributeValue, ttlv.TextValue("v"))))
	}
	many := make([]ttlv.Field, 5000)
	for i := range many {
		many[i] = field(kmip.TagObjectGroup, ttlv.TextValue("g"))
	}
	name := field(kmip.TagName, kmip.Name{Value: "n"}.TTLV())
	for what, c := range map[string]struct {
		p       raw
		reason  kmip.ResultReason
		reason2 kmip.ResultReason
	}{
		"what is no attribute":           {locate(field(kmip.TagKeyMaterial, ttlv.TextValue("v"))), kmip.ReasonInvalidField, kmip.ReasonInvalidAttribute},
		"an attribute that 2.0 has not":  {locate(field(kmip.TagOperationPolicyName, ttlv.TextValue("v"))), kmip.ReasonInvalidField, kmip.ReasonInvalidAttribute},
		"no vendor":                      {locate(vendor("", "n")), kmip.ReasonInvalidField, kmip.ReasonInvalidAttribute},
		"a vendor that cannot be":        {locate(vendor("a/b", "n")), kmip.ReasonInvalidField, kmip.ReasonInvalidAttribute},
		"no name":                        {locate(vendor("tc", "")), kmip.ReasonInvalidField, kmip.ReasonInvalidAttribute},
		"5,000 attributes":               {locate(many...), kmip.ReasonInvalidField, kmip.ReasonServerLimitExceeded},
		"two new attributes":             {raw{kmip.OpAddAttribute, []ttlv.Field{field(kmip.TagNewAttribute, ttlv.StructureValue(name, name))}}, kmip.ReasonInvalidField, 0},
		"no new attribute":               {raw{kmip.OpAddAttribute, nil}, kmip.ReasonInvalidField, 0},
		"a current attribute for an add": {raw{kmip.OpAddAttribute, []ttlv.Field{field(kmip.TagCurrentAttribute, ttlv.StructureValue(name)), field(kmip.TagNewAttribute, ttlv.StructureValue(name))}}, kmip.ReasonInvalidField, 0},
		"a code for an identifier":       {raw{kmip.OpGet, []ttlv.Field{field(kmip.TagUniqueIdentifier, ttlv.EnumerationValue(3))}}, kmip.ReasonFeatureNotSupported, 0},
		"delete an unknown reference":    {raw{kmip.OpDeleteAttribute, []ttlv.Field{field(kmip.TagAttributeReference, ttlv.EnumerationValue(0x420043))}}, kmip.ReasonInvalidField, kmip.ReasonInvalidAttribute},
	} {
		m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V2_1}, Items: []kmip.RequestItem{{Operation: c.p.op, Payload: c.p}}}
		var w ttlv.Writer
		m.Encode(&w)
		got, err := kmip.DecodeRequest(w.Bytes(), ttlv.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		told, _ := got.Items[0].Err.(*kmip.Error)
		if kmip.ReasonOf(got.Items[0].Err) != c.reason || c.reason2 != 0 && (told == nil || told.Reason2 != c.reason2) {
			t.Errorf("%s: %+v", what, got.Items[0].Err)
		}
	}
	placeholder := raw{kmip.OpGet, []ttlv.Field{field(kmip.TagUniqueIdentifier, ttlv.EnumerationValue(1))}}
	m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V2_1}, Items: []kmip.RequestItem{{Operation: kmip.OpGet, Payload: placeholder}}}
	var w ttlv.Writer
	m.Encode(&w)
	got, err := kmip.DecodeRequest(w.Bytes(), ttlv.Limits{})
	if err != nil || got.Items[0].Err != nil || got.Items[0].Payload.(*kmip.GetRequest).UniqueIdentifier != "" {
		t.Errorf("the ID Placeholder: %v, %+v", err, got.Items[0])
	}
}

// raw is a payload of any fields.
type raw struct {
	op     kmip.Operation
	fields []ttlv.Field
}

func (p raw) Operation() kmip.Operation { return p.op }
func (p raw) Encode(w *ttlv.Writer, _ kmip.Version) {
	for _, f := range p.fields {
		w.Value(f.Tag, f.Value)
	}
}
func (raw) Decode(*ttlv.Reader) {}

// TestResponse_ReasonByVersion: the same failure has other codes in 2.x, and reads as the
// same on the other side.
func TestResponse_ReasonByVersion(t *testing.T) {
	for _, c := range []struct {
		err            *kmip.Error
		sent1, sent2   kmip.ResultReason
		received1from2 kmip.ResultReason
	}{
		{kmip.Errorf(kmip.ReasonItemNotFound, "m").In2(kmip.ReasonObjectNotFound), 1, 0x37, kmip.ReasonItemNotFound},
		{kmip.Errorf(kmip.ReasonIllegalOperation, "m").In2(kmip.ReasonObjectDestroyed), 0xB, 0x36, kmip.ReasonIllegalOperation},
		{kmip.Errorf(kmip.ReasonIllegalOperation, "m"), 0xB, 0xC, kmip.ReasonPermissionDenied},
		{kmip.Errorf(kmip.ReasonIndexOutOfBounds, "m"), 0xE, 0x3A, kmip.ReasonGeneralFailure},
		{kmip.Errorf(kmip.ReasonPermissionDenied, "m").In2(kmip.ReasonWrongKeyLifecycleState), 0xC, 0x43, kmip.ReasonPermissionDenied},
		// Something else that is missing is not the key.
		{kmip.Errorf(kmip.ReasonItemNotFound, "m").In2(kmip.ReasonAttributeNotFound), 1, 0x21, kmip.ReasonInvalidField},
		{kmip.Errorf(kmip.ReasonItemNotFound, "m").In2(kmip.ReasonWrappingObjectNotFound), 1, 0x42, kmip.ReasonInvalidField},
		{kmip.Errorf(kmip.ReasonInvalidField, "m"), 7, 7, kmip.ReasonInvalidField},
		{kmip.Errorf(kmip.ReasonInvalidField, "m").In2(kmip.ReasonNonUniqueNameAttribute), 7, 0x35, kmip.ReasonInvalidField},
	} {
		for v, want := range map[kmip.Version]kmip.ResultReason{kmip.V1_0: c.sent1, kmip.V1_4: c.sent1, kmip.V2_0: c.sent2, kmip.V2_1: c.sent2} {
			m := kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: v}, Items: []kmip.ResponseItem{{Operation: kmip.OpGet,
				Status: kmip.StatusOperationFailed, Reason: c.err.Reason, Reason2: c.err.Reason2, Message: c.err.Message}}}
			var w ttlv.Writer
			m.Encode(&w)
			if !strings.Contains(string(w.Bytes()), string([]byte{0x42, 0, 0x7e, 5, 0, 0, 0, 4, 0, 0, byte(want >> 8), byte(want)})) {
				t.Errorf("%v in %s is not sent as %s", c.err, v, want)
			}
			got, err := kmip.DecodeResponse(w.Bytes(), ttlv.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			reason := c.sent1
			if v.Major == 2 {
				reason = c.received1from2
			}
			if kmip.ReasonOf(got.Items[0].Err()) != reason || !strings.Contains(got.Items[0].Err().Error(), want.String()) {
				t.Errorf("%v in %s is read as %v", c.err, v, got.Items[0].Err())
			}
		}
	}
}
