package blockcipher

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/dbkeyring/dbkeyring/secret"
)

func key(tag byte) DataKey { return DataKey{Tag{tag, 1, 2, 3}, secret.Random(KeySize)} }

func newCipher(t testing.TB, mode Mode, name string, keys ...DataKey) *Cipher {
	t.Helper()
	c, err := New(mode, name, keys...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Wipe)
	return c
}

func seal(t testing.TB, c *Cipher, text []byte) []byte {
	t.Helper()
	dst := make([]byte, len(text)+c.Expansion())
	n, err := c.Seal(dst, text)
	if err != nil {
		t.Fatal(err)
	}
	return dst[:n]
}

// open decrypts into a buffer as long as the block, as WiredTiger's is.
func open(c *Cipher, block []byte) ([]byte, error) {
	dst := make([]byte, len(block))
	n, err := c.Open(dst, block)
	return dst[:n], err
}

func TestCipher(t *testing.T) {
	for _, mode := range []Mode{GCM, CBC} {
		t.Run(string(mode), func(t *testing.T) {
			k := key(1)
			c, again := newCipher(t, mode, "db", k), newCipher(t, mode, "db", k)
			longest := 0
			for _, size := range []int{0, 1, 15, 16, 17, 31, 32, 100, 512, 4096, 32768, 1<<20 + 3} {
				text := make([]byte, size)
				rand.Read(text)
				block := seal(t, c, text)
				longest = max(longest, len(block)-size)
				if size > 16 && bytes.Contains(block, text[:16]) {
					t.Errorf("%d bytes are in the block as they are", size)
				}
				for _, c := range []*Cipher{c, again} { // and after the next opening
					if got, err := open(c, block); err != nil || !bytes.Equal(got, text) {
						t.Fatalf("%d bytes: %v", size, err)
					}
				}
			}
			if longest != c.Expansion() {
				t.Errorf("a block is up to %d bytes longer, and Expansion is %d", longest, c.Expansion())
			}
			if _, err := c.Seal(make([]byte, 10), make([]byte, 10)); !errors.Is(err, ErrRoom) {
				t.Errorf("no room: %v", err)
			}
			if _, err := c.Open(make([]byte, 10), seal(t, c, make([]byte, 100))); !errors.Is(err, ErrRoom) {
				t.Errorf("no room: %v", err)
			}
		})
	}
}

// Every byte counts, and every length.
func TestDamage(t *testing.T) {
	for _, mode := range []Mode{GCM, CBC} {
		c := newCipher(t, mode, "db", key(1))
		block := seal(t, c, []byte("the text of a block, which is longer than one block of AES"))
		for i := range block {
			block[i] ^= 0x40
			if _, err := open(c, block); err == nil {
				t.Errorf("%s: byte %d can be changed", mode, i)
			}
			block[i] ^= 0x40
		}
		for n := range block {
			if _, err := open(c, block[:n]); err == nil {
				t.Errorf("%s: the first %d bytes pass", mode, n)
			}
		}
		if _, err := open(c, append(bytes.Clone(block), 0)); err == nil {
			t.Errorf("%s: a byte more passes", mode)
		}
	}
}

func TestOthersBlocks(t *testing.T) {
	k := key(1)
	for _, mode := range []Mode{GCM, CBC} {
		block := seal(t, newCipher(t, mode, "db", k), []byte("text"))
		if _, err := open(newCipher(t, mode, "db2", k), block); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: of another name: %v", mode, err)
		}
		if _, err := open(newCipher(t, mode, "db", DataKey{k.Tag, secret.Random(KeySize)}), block); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: another key of this tag: %v", mode, err)
		}
		var unknown *UnknownKeyError
		if _, err := open(newCipher(t, mode, "db", key(2)), block); !errors.As(err, &unknown) || unknown.Tag != k.Tag {
			t.Errorf("%s: another key: %v", mode, err)
		}
		// What one mode has written the other reads: the option may change.
		for _, other := range []Mode{GCM, CBC} {
			if got, err := open(newCipher(t, other, "db", k), block); err != nil || string(got) != "text" {
				t.Errorf("%s with %s: %v", mode, other, err)
			}
		}
	}
}

// A data key can be replaced while the database runs.
func TestAdd(t *testing.T) {
	old, fresh := key(1), key(2)
	c := newCipher(t, GCM, "db", old)
	before := seal(t, c, []byte("before"))
	if err := c.Add(fresh); err != nil {
		t.Fatal(err)
	}
	after := seal(t, c, []byte("after"))
	if Tag(before[tagAt:]) != old.Tag || Tag(after[tagAt:]) != fresh.Tag {
		t.Errorf("tags %x, %x", before[:5], after[:5])
	}
	for text, block := range map[string][]byte{"before": before, "after": after} {
		if got, err := open(c, block); err != nil || string(got) != text {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := c.Add(DataKey{Tag{}, secret.Random(16)}); err == nil {
		t.Error("a short key was taken")
	}
	c.Wipe()
	if _, err := open(c, after); err == nil {
		t.Error("it reads after Wipe")
	}
	if _, err := c.Seal(make([]byte, 100), nil); err == nil {
		t.Error("it writes after Wipe")
	}
	if err := c.Add(key(3)); err == nil {
		t.Error("it takes a key after Wipe")
	}
}

func TestNew(t *testing.T) {
	for name, f := range map[string]func() (*Cipher, error){
		"no mode": func() (*Cipher, error) { return New("AES128", "db", key(1)) },
		"no key":  func() (*Cipher, error) { return New(GCM, "db") },
		"short":   func() (*Cipher, error) { return New(GCM, "db", DataKey{Tag{}, secret.Random(31)}) },
	} {
		if c, err := f(); err == nil || c != nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

// Two nodes that begin with copies of one directory have the same keys, and never the
// same key and nonce: neither at once nor after a restart, whatever the number of
// threads.
func TestNoncesOfCopies(t *testing.T) {
	for _, mode := range []Mode{GCM, CBC} {
		k := key(1)
		seen := map[[headerSize]byte]bool{}
		for range 8 { // two nodes, four starts each
			c := newCipher(t, mode, "db", k)
			headers := make(chan [headerSize]byte, 1000)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range 250 {
						headers <- [headerSize]byte(seal(t, c, nil))
					}
				})
			}
			wg.Wait()
			close(headers)
			for h := range headers {
				if seen[h] {
					t.Fatalf("%s: %x twice", mode, h)
				}
				seen[h] = true
			}
		}
		if len(seen) != 8000 {
			t.Errorf("%d headers", len(seen))
		}
	}
}

// After maxBlocks blocks another key is derived.
func TestEpochIsFull(t *testing.T) {
	c := newCipher(t, GCM, "db", key(1))
	first := c.current.Load()
	first.number.Store(maxBlocks - 3)
	var wg sync.WaitGroup
	var mu sync.Mutex
	numbers := map[epochID][]uint64{}
	for range 8 {
		wg.Go(func() {
			block := seal(t, c, []byte("text"))
			if got, err := open(c, block); err != nil || string(got) != "text" {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			numbers[epochID(block)] = append(numbers[epochID(block)], binary.BigEndian.Uint64(block[numberAt:]))
		})
	}
	wg.Wait()
	if len(numbers) != 2 || len(numbers[first.id]) != 2 {
		t.Errorf("%v", numbers)
	}
}

// Damaged headers do not fill the memory.
func TestEpochsAreBounded(t *testing.T) {
	c := newCipher(t, GCM, "db", key(1))
	block := seal(t, c, []byte("text"))
	old := bytes.Clone(block)
	for i := range maxEpochs + 100 {
		binary.BigEndian.PutUint32(block[saltAt:], uint32(i))
		if _, err := open(c, block); !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	}
	if n := len(*c.known.Load()); n > maxEpochs {
		t.Errorf("%d are kept", n)
	}
	if got, err := open(c, old); err != nil || string(got) != "text" {
		t.Error(err)
	}
}

func TestRoundTrip(t *testing.T) {
	k, other := key(1), key(2)
	c := map[Mode]*Cipher{GCM: newCipher(t, GCM, "n", k, other), CBC: newCipher(t, CBC, "n", other, k)}
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(r, "text")
		a, b := rapid.SampledFrom([]Mode{GCM, CBC}).Draw(r, "a"), rapid.SampledFrom([]Mode{GCM, CBC}).Draw(r, "b")
		if got, err := open(c[b], seal(t, c[a], text)); err != nil || !bytes.Equal(got, text) {
			r.Fatalf("%s, %s: %v", a, b, err)
		}
	})
}

// Neither way allocates anything in GCM.
func TestNoGarbage(t *testing.T) {
	c := newCipher(t, GCM, "db", key(1))
	text, room := make([]byte, 4096), make([]byte, 8192)
	n, _ := c.Seal(room, text)
	block := bytes.Clone(room[:n])
	if a := testing.AllocsPerRun(100, func() {
		c.Seal(room, text)
		c.Open(room, block)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func FuzzOpen(f *testing.F) {
	k := DataKey{Tag{1}, secret.Copy(bytes.Repeat([]byte{7}, KeySize))}
	c, err := New(GCM, "db", k)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(make([]byte, 100))
	f.Add(append([]byte{formatCBC, 1, 0, 0, 0}, make([]byte, 100)...))
	f.Add(append([]byte{formatGCM, 1, 0, 0, 0}, make([]byte, 100)...))
	f.Fuzz(func(t *testing.T, block []byte) {
		if _, err := open(c, block); err == nil {
			t.Errorf("it takes %x", block)
		}
	})
}

func BenchmarkCipher(b *testing.B) {
	for _, mode := range []Mode{GCM, CBC} {
		for _, size := range []int{512, 4096, 32768} {
			c := newCipher(b, mode, "db", key(1))
			text, room := make([]byte, size), make([]byte, size+100)
			n, _ := c.Seal(room, text)
			block := bytes.Clone(room[:n])
			b.Run(fmt.Sprintf("%s/seal/%d", mode, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					c.Seal(room, text)
				}
			})
			b.Run(fmt.Sprintf("%s/open/%d", mode, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					c.Open(room, block)
				}
			})
		}
	}
}
