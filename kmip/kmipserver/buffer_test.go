package kmipserver

import (
	"bytes"
	"testing"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// TestBuffers_HoldNoKeyAfterwards: an encoded key is in one place, and there it is
// wiped.
func TestBuffers_HoldNoKeyAfterwards(t *testing.T) {
	for _, size := range []int{32, 5000, 200_000} {
		key := secret.Copy(bytes.Repeat([]byte("k"), size))
		a := begin(kmip.V1_4, "")
		item := func() *kmip.ResponseItem {
			return &kmip.ResponseItem{Operation: kmip.OpGet, Payload: &kmip.GetResponse{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifier: "id",
				Object: kmip.SymmetricKey(kmip.AlgorithmAES, key.Clone())}}
		}
		before, first := a.size(), item()
		a.add(first)
		if first.Payload.(*kmip.GetResponse).Object.Content().Len() != 0 {
			t.Error("the item still holds the key")
		}
		old := a.buf.bytes
		if !bytes.Contains(old, key.Reveal()) {
			t.Fatal("the key is not where this test looks")
		}
		a.takeBack(before)
		if bytes.Contains(old, []byte("kkkk")) {
			t.Error("what was taken back still holds the key")
		}
		a.add(item())
		old = a.buf.bytes
		for cap(a.buf.bytes) == cap(old) {
			a.add(item())
		}
		if bytes.Contains(old, []byte("kkkk")) {
			t.Error("the buffer that was outgrown still holds the key")
		}
		sent := a.end().bytes
		if m, err := kmip.DecodeResponse(sent, ttlv.Limits{}); err != nil || len(m.Items) != a.items {
			t.Errorf("the message: %v", err)
		} else {
			m.Wipe()
		}
		buffers.put(a.buf)
		if !bytes.Equal(sent, make([]byte, len(sent))) {
			t.Error("the buffer still holds the key")
		}
		key.Wipe()
	}
}
