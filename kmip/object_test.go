package kmip_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

func registerTemplate() *kmip.RegisterRequest {
	return &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeTemplate, Template: template, Object: kmip.Object{Type: kmip.ObjectTypeTemplate, TemplateAttributes: attrs}}
}

// encoded is a request of one operation.
func encoded(v kmip.Version, p kmip.Payload) []byte {
	m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: v}, Items: []kmip.RequestItem{{Operation: p.Operation(), Payload: p}}}
	var w ttlv.Writer
	m.Encode(&w)
	return w.Bytes()
}

// A Template is an object of 1.x, and holds nothing but attributes; other objects hold none.
func TestTemplate_Object(t *testing.T) {
	for _, v := range kmip.Versions() {
		m, err := kmip.DecodeRequest(encoded(v, registerTemplate()), ttlv.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if v.Major >= 2 {
			if m.Items[0].Err == nil {
				t.Errorf("%s takes a Template", v)
			}
			continue
		}
		if diff := cmp.Diff(registerTemplate(), m.Items[0].Payload, secrets); diff != "" {
			t.Errorf("%s (-sent +received):\n%s", v, diff)
		}
	}
	got := &kmip.GetResponse{ObjectType: kmip.ObjectTypeTemplate, UniqueIdentifier: "id", Object: registerTemplate().Object}
	var w ttlv.Writer
	(&kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: kmip.V1_0, TimeStamp: when}, Items: []kmip.ResponseItem{{Operation: kmip.OpGet, Payload: got}}}).Encode(&w)
	m, err := kmip.DecodeResponse(w.Bytes(), ttlv.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kmip.Payload(got), m.Items[0].Payload, secrets); diff != "" {
		t.Errorf("(-sent +received):\n%s", diff)
	}
	for _, p := range []kmip.Payload{
		odd{kmip.ObjectTypeTemplate, kmip.TagTemplate, kmip.TagOpaqueDataValue}, odd{kmip.ObjectTypeOpaqueObject, kmip.TagOpaqueObject, kmip.TagAttribute},
		odd{kmip.ObjectTypeTemplate, kmip.TagTemplate, kmip.TagName},
	} {
		m, err := kmip.DecodeRequest(encoded(kmip.V1_4, p), ttlv.Limits{})
		if err != nil || m.Items[0].Err == nil {
			t.Errorf("%+v is taken: %v", p, err)
		}
	}
	if m, err := kmip.DecodeRequest(encoded(kmip.V2_1, odd{kmip.ObjectTypeTemplate, kmip.TagTemplate, kmip.TagAttribute}), ttlv.Limits{}); err != nil || kmip.ReasonOf(m.Items[0].Err) != kmip.ReasonFeatureNotSupported {
		t.Errorf("2.1 takes a Template: %v", err)
	}
}

// odd is a Register of an object with a field.
type odd struct {
	typ          kmip.ObjectType
	object, with ttlv.Tag
}

func (odd) Operation() kmip.Operation { return kmip.OpRegister }
func (odd) Decode(*ttlv.Reader)       {}
func (o odd) Encode(w *ttlv.Writer, _ kmip.Version) {
	w.Enumeration(kmip.TagObjectType, uint32(o.typ))
	m := w.Begin(o.object)
	w.ByteString(o.with, []byte("1"))
	w.End(m)
}
