package awskms_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/secret"
)

// serveVariable makes a test binary serve, and names a folder: a server in the same
// process would keep keys in memory, too, and so would making them.
const serveVariable = "DBKEYRING_KMSTEST_SERVE"

// sizes are those of the keys, by name.
var sizes = map[string]int{
	"control": 64, "http 0": 32, "http 1": 1024, "http 2": awskms.MaxEncrypt, "https 0": 32, "https 1": 1024, "https 2": awskms.MaxEncrypt,
	"generated 0": awskms.MaxGenerate, "generated 1": awskms.MaxGenerate,
}

// TestServe is no test, but the other process of the tests of memory.
func TestServe(t *testing.T) {
	dir := os.Getenv(serveVariable)
	if dir == "" {
		t.Skip("this is for another test to start")
	}
	keys := map[string]*secret.Bytes{}
	for name, n := range sizes {
		keys[name] = secret.Random(n)
		write(t, filepath.Join(dir, name), keys[name].Reveal())
		write(t, filepath.Join(dir, name+".needles"), needles(keys[name]))
	}
	s := kmstest.New(t)
	key := s.NewKey(kmstest.Region)
	s.SetBefore(func(op string, n int) *kmstest.Fault {
		if op != "GenerateDataKey" {
			return nil
		}
		plain := base64.StdEncoding.EncodeToString(keys[fmt.Sprint("generated ", n)].Reveal())
		return &kmstest.Fault{Body: fmt.Sprintf(`{"CiphertextBlob":"AAAA","KeyId":%q,"Plaintext":%q}`, key, plain)}
	})
	tls := httptest.NewTLSServer(s)
	defer tls.Close()
	write(t, filepath.Join(dir, "ca.pem"), certificateOf(tls))
	fmt.Printf("%q %q %q\n", s.URL, tls.URL, key)
	io.Copy(io.Discard, os.Stdin) // until the other test ends
}

func certificateOf(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// elsewhere starts a server in another process, which leaves keys in a folder.
func elsewhere(t *testing.T) (plainURL, tlsURL, key, dir string) {
	t.Helper()
	dir = t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServe$", "-test.v")
	cmd.Env = append(os.Environ(), serveVariable+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if n, _ := fmt.Sscanf(lines.Text(), "%q %q %q", &plainURL, &tlsURL, &key); n == 3 {
			go io.Copy(io.Discard, out)
			return plainURL, tlsURL, key, dir
		}
	}
	t.Fatal("the server said nothing")
	return "", "", "", ""
}

// load reads a key from its file, to nowhere else than its own memory.
func load(t *testing.T, name string) *secret.Bytes {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s := secret.New(int(info.Size()))
	if _, err := io.ReadFull(f, s.Reveal()); err != nil {
		t.Fatal(err)
	}
	return s
}

// mask keeps the test's own list of what to look for from being found.
const mask = 0x5bd1e995a7c31f0d

// needles are eight-byte pieces of a key, masked: of the key itself, of its
// hexadecimal digits, and of its BASE64, wherever in a longer text it begins.
func needles(key *secret.Bytes) []byte {
	var all bytes.Buffer
	add := func(what string, s *secret.Bytes) {
		for b, i := s.Reveal(), 0; i+8 <= len(b); i += 8 {
			fmt.Fprintf(&all, "%d %d %s\n", binary.LittleEndian.Uint64(b[i:])^mask, i, what)
		}
		s.Wipe()
	}
	add("raw", key.Clone())
	digits := secret.New(2 * key.Len())
	hex.Encode(digits.Reveal(), key.Reveal())
	add("hex", digits.Clone())
	for i, c := range digits.Reveal() {
		if c >= 'a' {
			digits.Reveal()[i] = c - 'a' + 'A'
		}
	}
	add("HEX", digits)
	for phase := range 3 {
		from := secret.Copy(key.Reveal()[phase : key.Len()-(key.Len()-phase)%3])
		coded := secret.New(base64.StdEncoding.EncodedLen(from.Len()))
		base64.StdEncoding.Encode(coded.Reveal(), from.Reveal())
		from.Wipe()
		add(fmt.Sprintf("base64/%d", phase), coded)
	}
	return all.Bytes()
}

// piece is a piece of a key in some form.
type piece struct {
	form string
	at   int
}

// wanted reads what needles wrote.
func wanted(t *testing.T, name string) map[uint64]piece {
	t.Helper()
	text, err := os.ReadFile(name + ".needles")
	if err != nil {
		t.Fatal(err)
	}
	all := map[uint64]piece{}
	for line := range strings.Lines(string(text)) {
		var n uint64
		var p piece
		if _, err := fmt.Sscan(line, &n, &p.at, &p.form); err != nil {
			t.Fatal(err)
		}
		all[n] = p
	}
	return all
}

// search looks through this process's memory for three pieces in a row: one alone may
// be chance, or what a register was saved to when a goroutine was interrupted.
//
//go:norace
func search(t *testing.T, all map[uint64]piece) (found []string) {
	t.Helper()
	buf, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(buf)
	own := fmt.Sprintf("%p", buf)[2:]
	var filter [1 << 16]bool
	for n := range all {
		filter[uint16(n)^uint16(mask&0xffff)] = true
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Skip(err)
	}
	defer mem.Close()
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); n != 3 || !strings.HasPrefix(mode, "rw") {
			continue
		}
		if fmt.Sprintf("%x", from) == strings.TrimLeft(own, "0") {
			continue
		}
		for at := from; at < to; at += int64(len(buf)) - 24 {
			n, _ := mem.ReadAt(buf[:min(int64(len(buf)), to-at)], at)
			for i := 0; i+24 <= n; i++ {
				if !filter[binary.LittleEndian.Uint16(buf[i:])] {
					continue
				}
				p, ok := all[binary.LittleEndian.Uint64(buf[i:])^mask]
				if ok && all[binary.LittleEndian.Uint64(buf[i+8:])^mask] == (piece{p.form, p.at + 8}) &&
					all[binary.LittleEndian.Uint64(buf[i+16:])^mask] == (piece{p.form, p.at + 16}) {
					found = append(found, fmt.Sprintf("%s from %d, at %x in %s", p.form, p.at, at+int64(i), strings.TrimSpace(line)))
				}
			}
		}
	}
	return found
}

// No key is anywhere in memory when a call is over, and the caller has wiped what is its own.
func TestNoKeyInMemory(t *testing.T) {
	clean(t)
	plainURL, tlsURL, key, dir := elsewhere(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	t.Setenv("AWS_CA_BUNDLE", in("ca.pem"))

	list, held := wanted(t, in("control")), load(t, in("control"))
	if len(search(t, list)) == 0 {
		t.Fatal("a key that is in memory is not found: the test proves nothing")
	}
	held.Wipe()
	if f := search(t, list); len(f) > 0 {
		t.Fatalf("the test itself leaves a key in memory:\n%s", strings.Join(f, "\n"))
	}

	for i, u := range []string{plainURL, tlsURL} {
		scheme, _, _ := strings.Cut(u, ":")
		t.Run(scheme, func(t *testing.T) {
			o := (&kmstest.Server{URL: u}).Options()
			c, err := awskms.New(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			check := func(what, name string) {
				t.Helper()
				if f := search(t, wanted(t, in(name))); len(f) > 0 {
					t.Errorf("%s leaves %d pieces of the key:\n%s", what, len(f), strings.Join(f[:min(4, len(f))], "\n"))
				}
			}
			for _, size := range []string{" 0", " 1", " 2"} {
				plain := load(t, in(scheme+size))
				b, err := c.Encrypt(t.Context(), key, plain, awskms.Context{"a": "b"})
				if err != nil {
					t.Fatal(err)
				}
				plain.Wipe()
				check("Encrypt", scheme+size)
				got, err := c.Decrypt(t.Context(), b, awskms.Context{"a": "b"})
				if err != nil {
					t.Fatal(err)
				}
				if plain = load(t, in(scheme+size)); !plain.Equal(got) {
					t.Error("another key came back")
				}
				plain.Wipe()
				got.Wipe()
				check("Decrypt", scheme+size)
			}
			if _, err := c.Generate(t.Context(), key, awskms.MaxGenerate, nil); err != nil {
				t.Fatal(err)
			}
			check("Generate", fmt.Sprint("generated ", i))
		})
	}
}
