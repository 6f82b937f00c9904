package main

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// okvRequest writes a configuration directory for a server at addr.
func okvRequest(t *testing.T, a *kmiptest.Authority, addr string, standbys ...string) bridge.Request {
	t.Helper()
	client := a.Client("mysql")
	read := func(file string) []byte {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	dir := filepath.Join(t.TempDir(), "mysql-keyring-okv")
	e := okv.Endpoint{Server: addr, Standbys: standbys, CA: read(a.CertFile), Cert: read(client.CertFile), Key: read(client.KeyFile)}
	if err := okv.Write(dir, e); err != nil {
		t.Fatal(err)
	}
	return bridge.Request{Component: okv.Plugin, ComponentPath: dir, Log: slog.New(slog.DiscardHandler)}
}

func TestKeyringOKV(t *testing.T) {
	a := kmiptest.NewAuthority(t)
	keeper := &kmiptest.Keeper{}
	server := kmiptest.NewServer(t, a.ServerConfig(a.Server()), keeper.Handle)
	c, err := keyringOKV(okvRequest(t, a, server.Addr))
	if err != nil {
		t.Fatal(err)
	}
	if server.Accepted() != 0 {
		t.Error("reading the configuration used the network")
	}
	// An attempt to connect, then an exchange, each of which may come twice.
	if c.CallTimeout != 30*time.Second {
		t.Errorf("CallTimeout is %v", c.CallTimeout)
	}
	k, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	id := keyring.ID{Name: "MyKey", Owner: "root@localhost"}
	if err := k.Generate(t.Context(), id, keyring.TypeAES, 32); err != nil || len(keeper.IDs()) != 1 {
		t.Errorf("Generate: %v; on the server: %q", err, keeper.IDs())
	}
}

func TestKeyringOKVWrongConfiguration(t *testing.T) {
	req := okvRequest(t, kmiptest.NewAuthority(t), "127.0.0.1:5696")
	if err := os.Remove(filepath.Join(req.ComponentPath, "ssl", "CA.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := keyringOKV(req); keyring.KindOf(err) != keyring.ErrInvalid || !strings.Contains(err.Error(), "CA.pem") {
		t.Errorf("without CA.pem: %v", err)
	}
	req.ComponentPath = ""
	if _, err := keyringOKV(req); keyring.KindOf(err) != keyring.ErrInvalid || !strings.Contains(err.Error(), okv.NoDirectory) {
		t.Errorf("without a directory: %v", err)
	}
}

// A server that is initialized gives up on dead key servers after 2 s.
func TestKeyringOKVQuick(t *testing.T) {
	a := kmiptest.NewAuthority(t)
	req := okvRequest(t, a, listenSilently(t), listenSilently(t))
	req.Quick = true
	c, err := keyringOKV(req)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	k, err := c.Open(t.Context())
	if took := time.Since(start); k != nil || keyring.KindOf(err) != keyring.ErrUnreachable || took > 1900*time.Millisecond {
		t.Errorf("%v after %v", err, took)
	}
}

// listenSilently returns the address of a server that takes connections and says
// nothing.
func listenSilently(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
