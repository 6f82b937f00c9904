package kmip_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// TestAttribute_FieldsByVersion: an older client gets the fields that it knows, of
// an attribute that a newer one has set.
func TestAttribute_FieldsByVersion(t *testing.T) {
	field := func(tag ttlv.Tag) ttlv.Field { return ttlv.Field{Tag: tag, Value: ttlv.IntegerValue(1)} }
	parameters := ttlv.StructureValue(field(kmip.TagBlockCipherMode), field(kmip.TagHashingAlgorithm), field(kmip.TagDigitalSignatureAlgorithm),
		field(kmip.TagCryptographicAlgorithm), field(kmip.TagTagLength), field(kmip.TagSaltLength))
	own := ttlv.StructureValue(field(kmip.TagSaltLength))
	for v, want := range map[kmip.Version]int{kmip.V1_0: 2, kmip.V1_1: 2, kmip.V1_2: 5, kmip.V1_3: 5, kmip.V1_4: 6} {
		var w ttlv.Writer
		m := &kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: v}, Items: []kmip.ResponseItem{{
			Operation: kmip.OpGetAttributes, Payload: &kmip.GetAttributesResponse{UniqueIdentifier: "1", Attributes: kmip.Attributes{
				{Name: kmip.AttrCryptographicParameters, Value: parameters}, {Name: "x-own", Value: own}, kmip.NameAttribute("n"),
			}},
		}}}
		m.Encode(&w)
		got, err := kmip.DecodeResponse(w.Bytes(), ttlv.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		a := got.Items[0].Payload.(*kmip.GetAttributesResponse).Attributes
		if diff := cmp.Diff(parameters.Fields[:want], a[0].Value.Fields); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v, diff)
		}
		if !a[1].Value.Equal(own) || len(a[2].Value.Fields) != 2 {
			t.Errorf("%s: %+v", v, a)
		}
	}
}
