package kmipserver_test

import (
	"io"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// FuzzConnection feeds a connection: whatever comes, what is answered is a KMIP
// message, and a request on the next connection is served.
func FuzzConnection(f *testing.F) {
	for _, m := range malformed() {
		if len(m.bytes) < 4096 {
			f.Add(m.bytes)
		}
	}
	f.Add(encode(batch(kmip.V1_4, get("a"), &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey}, &kmip.ActivateRequest{})))
	f.Add(encode(batch(kmip.V2_1, get("a"), &kmip.AddAttributeRequest{UniqueIdentifier: "a", Attribute: kmip.NameAttribute("n")}, &kmip.PingRequest{})))
	s := serve(f, kmipserver.Options{Handler: &echo{block: make(chan struct{}), inside: make(chan struct{}, 1<<20)}, ReadTimeout: time.Second, Log: newLog(io.Discard)})
	conf := s.ca.ClientConfig(s.ca.Client("db"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := kmiptest.Dial(t, s.addr, conf)
		defer c.Close()
		c.SetDeadline(time.Now().Add(soon))
		if _, err := c.Write(b); err != nil {
			return
		}
		closeWrite(c)
		for {
			frame, err := kmiptest.ReadFrame(c)
			if err != nil {
				break
			}
			m, err := kmip.DecodeResponse(frame, ttlv.Limits{})
			if err != nil || len(m.Items) == 0 {
				t.Fatalf("the answer to %x cannot be read: %v", b, err)
			}
			m.Wipe()
		}
		if it := kmiptest.Dial(t, s.addr, conf).One(kmip.V1_4, get("a")); it.Err() != nil {
			t.Fatalf("the next request fails: %v", it.Err())
		}
	})
}
