package admin_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

var (
	ctx   = context.Background()
	quiet = slog.New(slog.DiscardHandler)
)

func newDir(t *testing.T, path string) *datadir.Dir {
	t.Helper()
	d, _, err := datadir.OpenOrCreate(t.Context(), path, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// over runs a test on the directory itself and through the socket, which in one
// case is deeper in the file system than a socket's address can be.
func over(t *testing.T, test func(*testing.T, *datadir.Dir, admin.Service)) {
	t.Run("Local", func(t *testing.T) {
		d := newDir(t, filepath.Join(t.TempDir(), "data"))
		test(t, d, &admin.Local{Dir: d})
	})
	for name, sub := range map[string]string{"Socket": "data", "DeepSocket": strings.Repeat("deep/", 30) + "data"} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, filepath.Join(t.TempDir(), sub))
			if err := os.WriteFile(filepath.Join(d.Path, datadir.SocketFile), nil, 0o600); err != nil { // a dead server's
				t.Fatal(err)
			}
			srv, err := admin.Listen(d.Path, &admin.Local{Dir: d, Running: func() admin.Status { return admin.Status{Running: true, Address: "a:1"} }}, quiet)
			if err != nil {
				t.Fatal(err)
			}
			socket := filepath.Join(d.Path, datadir.SocketFile)
			if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the socket: %v, %v", info, err)
			}
			c := admin.NewClient(d.Path)
			test(t, d, c)
			c.Close()
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is left: %v", err)
			}
			if _, err := c.Status(ctx); !errors.Is(err, admin.ErrNotRunning) {
				t.Errorf("asking a server that ended: %v", err)
			}
		})
	}
}

func TestService(t *testing.T) {
	over(t, func(t *testing.T, d *datadir.Dir, s admin.Service) {
		var issued []pki.Pair
		enrol := func(ask func(public []byte) (admin.Issued, error)) error {
			key, err := pki.NewKey()
			if err != nil {
				t.Fatal(err)
			}
			pair, roots, _, err := admin.Enrol(key, ask)
			if err == nil {
				issued = append(issued, pair)
				if len(roots) != 1 || !roots[0].Equal(d.CA.Certificate) || pair.Certificate.CheckSignatureFrom(roots[0]) != nil {
					t.Error("signed by another CA")
				}
			}
			return err
		}
		add := func(name string, life time.Duration, reclaim bool) error {
			return enrol(func(public []byte) (admin.Issued, error) {
				return s.Add(ctx, admin.AddRequest{Name: name, PublicKey: public, Life: life, Reclaim: reclaim})
			})
		}
		renew := func(name string, cut bool) error {
			return enrol(func(public []byte) (admin.Issued, error) {
				return s.Renew(ctx, admin.RenewRequest{Name: name, PublicKey: public, Life: time.Hour, CutOld: cut})
			})
		}
		remove := func(name string) error { _, err := s.Remove(ctx, name); return err }
		for i, step := range []struct {
			err, want error
		}{
			{add("db", time.Hour, false), nil},
			{add("db", time.Hour, false), endpoint.ErrExists},
			{add("no name", time.Hour, false), endpoint.ErrName},
			{add("..", time.Hour, false), nil}, // odd, and no harm
			{renew("..", false), nil},
			{remove(".."), nil},
			{renew("db", true), nil},
			{renew("none", false), endpoint.ErrNotFound},
			{remove("db"), nil},
			{remove("db"), endpoint.ErrNotFound},
			{add("db", time.Hour, false), endpoint.ErrReclaim},
			{add("db", time.Hour, true), nil},
		} {
			if !errors.Is(step.err, step.want) {
				t.Errorf("step %d: %v, want %v", i, step.err, step.want)
			}
		}
		if err := add("short", -time.Hour, false); err == nil || !strings.Contains(err.Error(), "life time") {
			t.Errorf("a negative life time: %v", err)
		}
		if _, err := s.Add(ctx, admin.AddRequest{Name: "odd", PublicKey: []byte("no key"), Life: time.Hour}); err == nil || !strings.Contains(err.Error(), "the public key") {
			t.Errorf("no public key: %v", err)
		}
		last := issued[len(issued)-1]
		if id, err := d.Endpoints.Authenticate(last.Certificate); err != nil || id.Name != "db" || !last.Key.Public().(*ecdsa.PublicKey).Equal(last.Certificate.PublicKey) {
			t.Errorf("the last certificate speaks for %v, %v", id, err)
		}
		if _, err := d.Endpoints.Authenticate(issued[0].Certificate); !errors.Is(err, endpoint.ErrRemoved) {
			t.Errorf("the first one: %v", err)
		}
		all, err := s.List(ctx)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(d.Endpoints.List(), all); diff != "" {
			t.Errorf("the list (-register +service):\n%s", diff)
		}
		st, err := s.Status(ctx)
		if err != nil || st.Endpoints != 2 || !st.CAUntil.Equal(d.CA.Certificate.NotAfter) {
			t.Errorf("status = %+v, %v", st, err)
		}
		text, err := os.ReadFile(filepath.Join(d.Path, "audit.log"))
		if err != nil || strings.Count(string(text), `"op":"Endpoint `) != 10 ||
			!strings.Contains(string(text), `"op":"Endpoint Reclaim","names":["db"],"result":"success"`) || !strings.Contains(string(text), `"result":"failure"`) {
			t.Errorf("the audit log, %v:\n%s", err, text)
		}
	})
}

func TestConnect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	open := func() (*datadir.Dir, error) { return datadir.Open(t.Context(), path, nil, quiet) }
	if _, _, err := admin.Connect(ctx, path, open); !errors.Is(err, datadir.ErrNone) {
		t.Errorf("no directory: %v", err)
	}
	d := newDir(t, path)
	if _, _, err := admin.Connect(ctx, path, open); !errors.Is(err, datadir.ErrInUse) {
		t.Errorf("in use, and nobody at the socket: %v", err)
	}
	srv, err := admin.Listen(path, &admin.Local{Dir: d}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	s, done, err := admin.Connect(ctx, path, open)
	if _, ok := s.(*admin.Client); !ok || err != nil {
		t.Fatalf("a running server: %T, %v", s, err)
	}
	if err := errors.Join(done(), srv.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
	s, done, err = admin.Connect(ctx, path, open)
	if _, ok := s.(*admin.Local); !ok || err != nil {
		t.Fatalf("no server: %T, %v", s, err)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
}
