package kmipserver

import (
	"bytes"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// TestBuffers_HoldNoKeyAfterwards: an encoded key is in one place, and there it is
// wiped.
func TestBuffers_HoldNoKeyAfterwards(t *testing.T) {
	for _, size := range []int{32, 5000, 200_000} {
		key := secret.Copy(bytes.Repeat([]byte("k"), size))
		m := &kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: kmip.V1_4, TimeStamp: time.Now()}, Items: []kmip.ResponseItem{{
			Operation: kmip.OpGet, Payload: &kmip.GetResponse{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifier: "id", Object: kmip.SymmetricKey(kmip.AlgorithmAES, key)},
		}}}
		if n := roomFor(m); n < size {
			t.Errorf("room for %d bytes for a key of %d", n, size)
		}
		b := encode(m)
		if len(b.bytes) > roomFor(m) {
			t.Errorf("the message of %d bytes has outgrown its buffer of %d, which leaves a copy behind", len(b.bytes), roomFor(m))
		}
		sent := b.bytes
		if !bytes.Contains(sent, key.Reveal()) {
			t.Fatal("the key is not where this test looks")
		}
		buffers.put(b)
		if !bytes.Equal(sent, make([]byte, len(sent))) {
			t.Error("the buffer still holds the key")
		}
		m.Wipe()
		if key.Len() != 0 {
			t.Error("the message still holds the key")
		}
	}
}
