package kmip_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limits are those of the percona profile.
var limits = limitsOf(250)

// world is a key server of kmiptest with its certificates.
type world struct {
	t      testing.TB
	ca     *kmiptest.Authority
	keeper *kmiptest.Keeper
	server *kmiptest.Server
	o      backend.Options
	log    *buffer
}

func newWorld(t testing.TB, change func(*kmiptest.Keeper)) *world {
	t.Helper()
	w := &world{t: t, ca: kmiptest.NewAuthority(t), keeper: &kmiptest.Keeper{}, log: &buffer{}}
	if change != nil {
		change(w.keeper)
	}
	w.server = kmiptest.NewServer(t, w.ca.ServerConfig(w.ca.Server()), w.keeper.Handle)
	client := w.ca.Client("mysql")
	w.o = backend.Options{
		Servers: []string{w.server.Addr}, ClientCertFile: client.CertFile, ClientKeyFile: client.KeyFile, ServerCAFile: w.ca.CertFile,
		Timeout: 5 * time.Second,
	}
	return w
}

func (w *world) open() keyring.Keyring {
	w.t.Helper()
	return open(w.t, w.o, w.log)
}

func open(t testing.TB, o backend.Options, log *buffer) keyring.Keyring {
	t.Helper()
	k, err := backend.Open(t.Context(), o, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// add puts a key on the server, as Percona's component of the newer generation
// lays it out.
func (w *world) add(name string, content []byte, state kmip.State, attrs ...kmip.Attribute) string {
	d := secret.Copy(content)
	defer d.Wipe()
	return w.keeper.Add(kmip.SymmetricKey(kmip.AlgorithmAES, d), state, append([]kmip.Attribute{kmip.NameAttribute(name)}, attrs...)...)
}

func key(content []byte) keyring.Key {
	return keyring.Key{Type: keyring.TypeAES, Data: secret.Copy(content)}
}

func fetch(t testing.TB, k keyring.Keyring, id keyring.ID) (typ string, content []byte, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := k.Fetch(ctx, id)
	if err != nil {
		return "", nil, err
	}
	defer got.Wipe()
	return got.Type, bytes.Clone(got.Data.Reveal()), nil
}

func mustHave(t testing.TB, k keyring.Keyring, id keyring.ID, typ string, content []byte) {
	t.Helper()
	gotType, got, err := fetch(t, k, id)
	if err != nil || gotType != typ || !bytes.Equal(got, content) {
		t.Errorf("Fetch %s: %q, %d bytes, %v; want %q, %d bytes", id, gotType, len(got), err, typ, len(content))
	}
}

// buffer is a log that many goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *buffer) count(text string) int { return strings.Count(b.String(), text) }

func bytesOf(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)*7 ^ seed
	}
	return b
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

type kmipKeeper = kmiptest.Keeper
