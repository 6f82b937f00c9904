package encryptor

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/mongod"
	"github.com/dbkeyring/dbkeyring/internal/blockcipher"
	"github.com/dbkeyring/dbkeyring/internal/hostlog"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/masterkey"
	kmipprovider "github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is a process with one database, whose key is on a key server.
type host struct {
	*Encryptors
	t       *testing.T
	o       mongod.Options
	readErr error
	stopped atomic.Int32

	mu  sync.Mutex
	log []string
}

func newHost(t *testing.T, s *keyservertest.Server) *host {
	t.Helper()
	dir := t.TempDir()
	cert, key := s.NewClient(strings.ReplaceAll(strings.ReplaceAll(t.Name(), "/", "-"), "_", "-"))
	var pem []byte
	for _, f := range []string{cert, key} {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		pem = append(pem, text...)
	}
	file := filepath.Join(dir, "client.pem")
	if err := os.WriteFile(file, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	x := &host{t: t, o: mongod.Options{DBPath: filepath.Join(dir, "db"), Enabled: true, Cipher: blockcipher.GCM, Activate: true,
		KMIP: &kmipprovider.Options{Servers: []string{s.Addr}, CertFile: file, CAFile: s.CAFile, Timeout: 2 * time.Second, Attempts: 1}}}
	if err := os.Mkdir(x.o.DBPath, 0o700); err != nil {
		t.Fatal(err)
	}
	x.Encryptors = New(func(string, config.Base) (mongod.Options, mongod.Report, error) {
		return x.o, mongod.Report{}, x.readErr
	},
		func(bool) error { x.stopped.Add(1); return nil })
	return x
}

func (x *host) emit(l hostlog.Line) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.log = append(x.log, l.Text)
}

func (x *host) logged(words string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.Contains(strings.Join(x.log, "\n"), words)
}

// open opens the database; want is a part of the reason of a failure, "" for none.
func (x *host) open(want string) bridge.Handle {
	x.t.Helper()
	h, why, code := x.Open("mongod.conf", false, x.emit)
	if (code == bridge.OK) != (want == "") || !strings.Contains(why, want) || code != bridge.OK && h != 0 {
		x.t.Fatalf("Open: %d, %d, %q", h, code, why)
	}
	return h
}

func (x *host) customize(h bridge.Handle, keyid, want string) (bridge.Handle, int) {
	x.t.Helper()
	c, expansion, why, code := x.Customize(h, keyid)
	if (code == bridge.OK) != (want == "") || !strings.Contains(why, want) {
		x.t.Fatalf("Customize %s: %d, %q", keyid, code, why)
	}
	return c, expansion
}

// data makes the directory one of a database that has data.
func (x *host) data() {
	if err := os.WriteFile(filepath.Join(x.o.DBPath, masterkey.DataFile), []byte("data"), 0o600); err != nil {
		x.t.Fatal(err)
	}
}

func (x *host) close(h bridge.Handle) {
	x.t.Helper()
	if code := x.Close(h); code != bridge.OK {
		x.t.Errorf("Close: %d", code)
	}
}

func TestLife(t *testing.T) {
	x := newHost(t, keyservertest.New(t))
	h := x.open("")
	system, expansion := x.customize(h, "system", "")
	table, _ := x.customize(h, "tenant.1", "")
	text := []byte("the text of a block")
	block := make([]byte, len(text)+expansion)
	n, err := x.Encrypt(system, block, text)
	if err != nil {
		t.Fatal(err)
	}
	block = block[:n]
	got := make([]byte, n)
	if m, err := x.Decrypt(system, got, block); err != nil || !bytes.Equal(got[:m], text) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := x.Decrypt(table, got, block); err == nil || !x.logged("a block cannot be read: ") {
		t.Errorf("another keyid's block: %v, %q", err, x.log)
	}
	x.Release(table)
	if _, err := x.Encrypt(table, make([]byte, 100), text); err == nil {
		t.Error("a released cipher encrypts")
	}
	x.data()
	x.close(h)
	if _, err := x.Decrypt(system, got, block); err == nil {
		t.Error("a closed database decrypts")
	}

	// Again, with data: the block is readable, and a keyid of the system that is new is not.
	h = x.open("")
	x.customize(h, "sistem", "has no data key of this keyid")
	x.close(h)
	h = x.open("")
	system, _ = x.customize(h, "system", "")
	if m, err := x.Decrypt(system, got, block); err != nil || !bytes.Equal(got[:m], text) {
		t.Errorf("after a restart: %q, %v", got, err)
	}
	x.customize(h, "a new table's", "")
	x.close(h)
	if x.Close(h) != bridge.Invalid {
		t.Error("closed twice")
	}
	if _, _, _, code := x.Customize(h, "k"); code != bridge.Invalid {
		t.Errorf("Customize of a closed database: %d", code)
	}
}

func TestRefused(t *testing.T) {
	s := keyservertest.New(t)
	x := newHost(t, s)
	if _, why, code := x.Open("", false, x.emit); code == bridge.OK || !strings.Contains(why, "config={path=") {
		t.Errorf("%q", why)
	}
	x.readErr = errors.New("a fault\nand another")
	x.open("a fault; and another")
	x.readErr = nil
	x.o.Enabled = false
	x.open("security.enableEncryption is not true")
	x.o.Enabled = true
	x.data()
	x.open("the database has data. One that was not encrypted from its beginning cannot be")
	if err := os.Remove(filepath.Join(x.o.DBPath, masterkey.DataFile)); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	x.open(s.Addr)
	s.Start()
	h := x.open("")
	x.open("another process uses")
	x.customize(h, "system", "")
	x.close(h)

	// The rotation of the document: it is done, and the host starts again without it.
	x.o.Rotate = true
	x.open("the master key has been rotated, from ")
	x.o.Rotate = false
	x.data()
	h = x.open("")
	x.customize(h, "system", "")
	x.close(h)
}

// A key that is revoked while the database runs is noticed, and ends it.
func TestRevokedWhileRunning(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute") // asked three times within it
	}
	t.Parallel()
	s := keyservertest.New(t)
	x := newHost(t, s)
	x.o.PollPeriod = 200 * time.Millisecond
	h := x.open("")
	defer x.close(h)
	cert, key := s.NewAdmin("engineer")
	admin, err := kmipclient.New(kmipclient.Options{Servers: []string{s.Addr}, TLS: s.ClientConfig(cert, key)})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	id := x.database(h).store.Master().ID
	if _, err := admin.Revoke(t.Context(), &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationKeyCompromise}}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(80 * time.Second); x.stopped.Load() == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the host was not ended")
		}
	}
	x.database(h).flush()
	if !x.logged("is not Active but Compromised. The database is shut down") {
		t.Errorf("%q", x.log)
	}
}

func TestStorm(t *testing.T) {
	x := newHost(t, keyservertest.New(t))
	h := x.open("")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c, expansion := x.customize(h, string(rune('a'+i%3)), "")
			for range 200 {
				text := bytes.Repeat([]byte{byte(i)}, 100)
				block := make([]byte, len(text)+expansion)
				n, err := x.Encrypt(c, block, text)
				if err != nil {
					t.Error(err)
				}
				got := make([]byte, n)
				if m, err := x.Decrypt(c, got, block[:n]); err != nil || !bytes.Equal(got[:m], text) {
					t.Error(err)
				}
			}
			x.Release(c)
		})
	}
	wg.Wait()
	x.close(h)
}
