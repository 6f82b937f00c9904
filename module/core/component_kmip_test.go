package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/enterprise"
	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/internal/hostlog"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// request writes a configuration for a server at addr, with lines of its own.
func request(t *testing.T, a *kmiptest.Authority, addr string) (bridge.Request, *hostlog.Queue) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	client := a.Client("mysql")
	dir := t.TempDir()
	text := percona.ConfigText(percona.Endpoint{ServerAddr: host, ServerPort: port, ClientCA: client.CertFile, ClientKey: client.KeyFile, ServerCA: a.CertFile})
	if err := os.WriteFile(filepath.Join(dir, percona.FileName), text, 0o600); err != nil {
		t.Fatal(err)
	}
	q := hostlog.NewQueue(100)
	return bridge.Request{Component: percona.Component, ComponentPath: dir, InstancePath: t.TempDir(), FirstDir: dir, Log: slog.New(q.Handler(slog.LevelInfo))}, q
}

func TestComponentKMIP(t *testing.T) {
	a := kmiptest.NewAuthority(t)
	keeper := &kmiptest.Keeper{}
	server := kmiptest.NewServer(t, a.ServerConfig(a.Server()), keeper.Handle)
	req, log := request(t, a, server.Addr)
	c, err := componentKMIP(req)
	if err != nil {
		t.Fatal(err)
	}
	if server.Accepted() != 0 {
		t.Error("reading the configuration used the network")
	}
	if got := c.Status[0]; got != (keyring.StatusRow{Name: "Server_addr", Value: "127.0.0.1"}) {
		t.Errorf("the first row is %v", got)
	}
	if c.CallTimeout != 10*time.Second {
		t.Errorf("CallTimeout is %v", c.CallTimeout)
	}
	k, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	id := keyring.ID{Name: "INNODBKey-1"}
	if err := k.Generate(t.Context(), id, keyring.TypeAES, 32); err != nil {
		t.Error(err)
	}
	if uid, err := k.(keyring.NativeIDer).NativeID(t.Context(), id); err != nil || len(keeper.IDs()) != 1 || uid != keeper.IDs()[0] {
		t.Errorf("NativeID: %q, %v; on the server: %q", uid, err, keeper.IDs())
	}
	file := false
	log.Flush(func(l hostlog.Line) {
		file = file || strings.Contains(l.Text, filepath.Join(req.ComponentPath, percona.FileName))
	})
	if !file {
		t.Error("the log does not name the configuration file")
	}
}

func TestComponentKMIPWrongConfiguration(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, percona.FileName), []byte(`{"server_addr": "kms"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := componentKMIP(bridge.Request{ComponentPath: dir, Log: slog.New(slog.DiscardHandler)})
	if keyring.KindOf(err) != keyring.ErrInvalid {
		t.Fatalf("kind of %v", err)
	}
	for _, option := range []string{"server_port", "client_ca", "client_key", "server_ca"} {
		if !strings.Contains(err.Error(), option) {
			t.Errorf("%s is not in: %v", option, err)
		}
	}
	if len(c.Status) == 0 || c.Status[0] != (keyring.StatusRow{Name: "Server_addr", Value: "<NOT APPLICABLE>"}) {
		t.Errorf("rows: %v", c.Status)
	}
}

// With a host that must go on, a server that is silent costs less than 2 s.
func TestComponentKMIPQuick(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	req, _ := request(t, kmiptest.NewAuthority(t), silent.Addr().String())
	req.Quick = true
	c, err := componentKMIP(req)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	k, err := c.Open(context.Background())
	if took := time.Since(start); k != nil || keyring.KindOf(err) != keyring.ErrUnreachable || errors.Is(err, keyring.ErrInvalid) || took > 1900*time.Millisecond {
		t.Errorf("%v after %v", err, took)
	}
}

// A host that ends, or reloads, does not wait for a server that is silent.
func TestComponentKMIPOpenEndsWithItsContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	req, _ := request(t, kmiptest.NewAuthority(t), silent.Addr().String())
	c, err := componentKMIP(req)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if conn, err := silent.Accept(); err == nil {
			defer conn.Close()
			cancel()
			<-t.Context().Done()
		}
	}()
	start := time.Now()
	if _, err := c.Open(ctx); err == nil || time.Since(start) > time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	silent.Close()
}

// A file with MySQL Enterprise's options is read as such, wherever it lies.
func TestComponentKMIPEnterprise(t *testing.T) {
	a := kmiptest.NewAuthority(t)
	client := a.Client("mysql")
	dir, dataDir := t.TempDir(), t.TempDir()
	if err := okv.Write(dir, okv.Endpoint{Server: "unused:1", CA: read(t, a.CertFile), Cert: read(t, client.CertFile), Key: read(t, client.KeyFile)}); err != nil {
		t.Fatal(err)
	}
	text := `{"kmip_configuration_directory": "` + dir + `", "server": "127.0.0.1:5696", "standby_server": ["127.0.0.2:5696"], "cache_keys": false}`
	for _, local := range []bool{false, true} {
		req := bridge.Request{ComponentPath: dir, InstancePath: dataDir, FirstDir: dir, Log: slog.New(slog.DiscardHandler)}
		file := filepath.Join(dir, enterprise.FileName)
		if local {
			if err := os.WriteFile(file, []byte(config.ConfigPointer), 0o600); err != nil {
				t.Fatal(err)
			}
			file = filepath.Join(dataDir, enterprise.FileName)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := componentKMIP(req)
		if err != nil {
			t.Fatal(err)
		}
		if c.Status[0] != (keyring.StatusRow{Name: "Kmip_configuration_directory", Value: dir}) || c.Status[1].Value != "false" || c.CallTimeout != 30*time.Second {
			t.Errorf("%v, %v", c.Status, c.CallTimeout)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
