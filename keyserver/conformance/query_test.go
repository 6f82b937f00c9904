package conformance_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptext"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Query lists each operation of a version that the server carries out, and no other.
func TestQuery_Operations(t *testing.T) {
	s := keyservertest.New(t)
	c := kmiptest.Dial(t, s.Addr, s.ClientConfig(s.NewClient("db")))
	ask := func(v kmip.Version, op kmip.Operation, payload string) *kmip.ResponseMessage {
		frame, err := kmiptext.XML.Decode(fmt.Appendf(nil, `<RequestMessage><RequestHeader><ProtocolVersion><ProtocolVersionMajor type="Integer" value="%d"/><ProtocolVersionMinor type="Integer" value="%d"/></ProtocolVersion>
			<BatchCount type="Integer" value="1"/></RequestHeader><BatchItem><Operation type="Enumeration" value="0x%08x"/><RequestPayload>%s</RequestPayload></BatchItem></RequestMessage>`, v.Major, v.Minor, uint32(op), payload))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := c.Raw(frame)
		if err != nil {
			t.Fatal(err)
		}
		m, err := kmip.DecodeResponse(answer, ttlv.Limits{})
		if err != nil || len(m.Items) != 1 {
			t.Fatalf("%s in %s: %v, %+v", op, v, err, m)
		}
		return m
	}
	for _, v := range kmip.Versions() {
		listed := ask(v, kmip.OpQuery, `<QueryFunction type="Enumeration" value="QueryOperations"/>`).Items[0].Payload.(*kmip.QueryResponse).Operations
		capable := ask(v, kmip.OpQuery, `<QueryFunction type="Enumeration" value="QueryCapabilities"/>`).Items[0].Payload.(*kmip.QueryResponse).Capabilities
		if (capable != nil) != v.AtLeast(kmip.V1_3) || capable != nil && capable.BatchUndo != v.AtLeast(kmip.V1_4) {
			t.Errorf("in %s: %+v", v, capable)
		}
		for op := kmip.Operation(1); op < 0x50; op++ {
			item := ask(v, op, "").Items[0]
			refused, told := item.Reason == kmip.ReasonOperationNotSupported, slices.Contains(listed, op)
			newer := !v.AtLeast(op.Since()) // Discover Versions, say, is carried out for a client of 1.0, too
			if refused && told || !refused && !told && !newer {
				t.Errorf("%s in %s: listed %t, answer %s: %s", op, v, told, item.Reason, item.Message)
			}
		}
	}
}
