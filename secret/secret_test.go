package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/secret"
)

func TestBytes_NeverPrints(t *testing.T) {
	s := secret.Copy([]byte("topsecret"))
	defer s.Wipe()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "k", s, "in", struct{ S *secret.Bytes }{s})
	j, err := json.Marshal(map[string]any{"k": s})
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %q %x %d %v", s, s, s, s, s, s, s, struct{ S *secret.Bytes }{s}) + log.String() + string(j)
	for _, leak := range []string{"topsecret", "746f70736563726574", "116 111 112", "0x74, 0x6f"} {
		if strings.Contains(shown, leak) {
			t.Errorf("the secret shows as %q in %s", leak, shown)
		}
	}
	if !strings.Contains(shown, "[secret, 9 bytes]") {
		t.Errorf("no length in %s", shown)
	}
}

func TestBytes_SizesKeepTheirContent(t *testing.T) {
	var all []*secret.Bytes
	var want [][]byte
	for _, n := range []int{0, 1, 16, 31, 32, 33, 64, 100, 4096, 4097, 16384, 16385, 1 << 20} {
		for i := range 5 {
			b := bytes.Repeat([]byte{byte(n) ^ byte(i)}, n)
			want = append(want, b)
			all = append(all, secret.Copy(b))
		}
	}
	for i, s := range all {
		if !bytes.Equal(s.Reveal(), want[i]) || s.Len() != len(want[i]) {
			t.Fatalf("secret %d of %d bytes lost its content", i, len(want[i]))
		}
	}
	for _, s := range all {
		s.Wipe()
		s.Wipe()
		if s.Len() != 0 {
			t.Fatal("wiped secrets are empty")
		}
	}
}

func TestBytes_WipeClearsTheMemoryForTheNextOwner(t *testing.T) {
	s := secret.Copy(bytes.Repeat([]byte{0xAA}, 32))
	view := s.Reveal()
	s.Wipe()
	if !bytes.Equal(view, make([]byte, 32)) {
		t.Error("Wipe left content behind")
	}
	for range 5000 {
		n := secret.New(32)
		if !bytes.Equal(n.Reveal(), make([]byte, 32)) {
			t.Fatal("New returned memory that is not zero")
		}
	}
}

func TestBytes_CloneTakeEqual(t *testing.T) {
	b := []byte("0123456789abcdef")
	s := secret.Take(b)
	if !bytes.Equal(b, make([]byte, 16)) {
		t.Error("Take left the source readable")
	}
	c := s.Clone()
	if !c.Equal(s) {
		t.Error("a clone differs")
	}
	s.Wipe()
	if string(c.Reveal()) != "0123456789abcdef" {
		t.Error("wiping the source changed its clone")
	}
	if c.Equal(s) {
		t.Error("a wiped secret equals a full one")
	}
	var none *secret.Bytes
	if none.Len() != 0 || none.Reveal() != nil || none.Clone().Len() != 0 {
		t.Error("nil is not an empty secret")
	}
	none.Wipe()
	if secret.Random(32).Equal(secret.Random(32)) {
		t.Error("two random secrets are equal")
	}
}
