package store

import (
	"testing"

	"github.com/dbkeyring/dbkeyring/secret"
)

// TestCiphers: each salt has its own key, as many values as there are; and a store with
// more salts than are kept, as one of an older version, can be read.
func TestCiphers(t *testing.T) {
	s := &Sealed{keys: map[uint32]*secret.Bytes{0: secret.Random(DataKeySize), 7: secret.Random(DataKeySize)}}
	boxes, salts := make([][]byte, 2*keptCiphers+2), map[cipherID]int{}
	for i := range boxes {
		if s.current = 0; i%2 == 1 {
			s.current = 7
		}
		var err error
		if boxes[i], err = s.seal("b", "k", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		number, head, err := numberOf(boxes[i])
		if err != nil || number != s.current {
			t.Fatalf("it names data key %d, %v", number, err)
		}
		salts[cipherID{number, [saltSize]byte(boxes[i][head:])}]++
	}
	if len(salts) != len(boxes) { // another data key, another salt
		t.Errorf("%d salts for %d changes of the data key", len(salts), len(boxes))
	}
	for range 2 {
		for i, box := range boxes {
			if plain, err := s.open(nil, "b", "k", box, new([]byte)); err != nil || len(plain) != 1 || plain[0] != byte(i) {
				t.Fatalf("%d: %v, %v", i, plain, err)
			}
		}
	}
	if n := len(s.ciphers.kept); n > keptCiphers {
		t.Errorf("%d ciphers are kept", n)
	}

	s.ciphers.left = 0
	first := s.ciphers.next(7)
	for range valuesPerSalt - 1 {
		if s.ciphers.next(7) != first {
			t.Fatal("a salt ends early")
		}
	}
	if s.ciphers.next(7) == first {
		t.Error("a salt does not end")
	}
	if err := s.wipe(); err != nil || len(s.ciphers.kept) > 0 {
		t.Errorf("%d ciphers stay, %v", len(s.ciphers.kept), err)
	}
}
