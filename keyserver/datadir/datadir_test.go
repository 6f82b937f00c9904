package datadir_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/keyserver/rootkey"
	"github.com/dbkeyring/dbkeyring/keyserver/store/storetest"
)

var quiet = slog.New(slog.DiscardHandler)

// made returns a fresh data directory, closed.
func made(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	d, created, err := datadir.OpenOrCreate(t.Context(), path, nil, quiet)
	if err != nil || !created {
		t.Fatalf("created %v, %v", created, err)
	}
	storetest.Put(t, d.Store, "b", "k", "a readable value")
	if _, err := d.ServerCertificate([]string{"localhost"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string) *datadir.Dir {
	t.Helper()
	d, err := datadir.Open(t.Context(), path, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestCreateAndOpen(t *testing.T) {
	path := made(t)
	d := open(t, path)
	if got := storetest.Dump(t, d.Store, "b", ""); got["k"] != "a readable value" {
		t.Errorf("the store has %v", got)
	}
	cert, err := pki.LoadCertificate(filepath.Join(path, "admin/client_certificate.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := d.Endpoints.Authenticate(cert); err != nil || id.Role != endpoint.Administrator || id.Name != datadir.AdminName {
		t.Errorf("the administrator is %+v, %v", id, err)
	}
	if text, err := os.ReadFile(filepath.Join(path, "store.db")); err != nil || strings.Contains(string(text), "readable value") {
		t.Errorf("a value lies in clear in the store, %v", err)
	}
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		public := strings.HasSuffix(p, "certificate.pem")
		if !public && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", p, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := datadir.Open(t.Context(), path, nil, quiet); !errors.Is(err, datadir.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("opened twice: %v", err)
	}
}

func TestOpen_Refusals(t *testing.T) {
	write := func(t *testing.T, path string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.Remove(filepath.Join(path, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		spoil func(*testing.T, string)
		want  string
	}{
		{"NoStore", remove("store.db"), "has lost its store.db, which holds all keys. Restore it from a backup"},
		{"NoRootKey", remove("root_key.pem"), "root_key.pem: no such file or directory. Restore what is missing"},
		{"NoCA", remove("ca_key.pem"), "ca_key.pem: no such file or directory. Restore what is missing"},
		{"OtherRootKey", func(t *testing.T, path string) {
			text, err := os.ReadFile(filepath.Join(made(t), "root_key.pem"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(path, "root_key.pem"), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "root_key.pem: " + rootkey.ErrWrong.Error()},
		{"ReadableRootKey", func(t *testing.T, path string) {
			if err := os.Chmod(filepath.Join(path, "root_key.pem"), 0o640); err != nil {
				t.Fatal(err)
			}
		}, "can be read by others (mode 0640). Run: chmod 600"},
		{"WorldReadable", func(t *testing.T, path string) {
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}, "is open to others (mode 0755), and private keys lie in it. Run: chmod 700"},
		{"HalfMade", func(t *testing.T, path string) {
			if err := os.Truncate(filepath.Join(path, "store.db"), 0); err != nil {
				t.Fatal(err)
			}
		}, "is half made: its first start was interrupted, before any key was kept in it. Remove what is in it, then start again"},
		{"Foreign", func(t *testing.T, path string) {
			if err := errors.Join(os.RemoveAll(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(path, "ibdata1"))
		}, "is no data directory of dbkeyring, and not empty (ibdata1). Use an empty folder"},
		{"File", func(t *testing.T, path string) {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			write(t, path)
		}, "is a file. Give a folder"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := made(t)
			tt.spoil(t, path)
			for range 2 { // and the first refusal left nothing locked
				d, _, err := datadir.OpenOrCreate(t.Context(), path, nil, quiet)
				if err == nil {
					d.Close()
				}
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
					t.Errorf("got  %v\nwant %s", err, tt.want)
				}
			}
		})
	}
}

func TestOpen_None(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	for range 2 {
		if _, err := datadir.Open(t.Context(), path, nil, quiet); !errors.Is(err, datadir.ErrNone) {
			t.Errorf("open %s: %v", path, err)
		}
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(path, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	d, created, err := datadir.OpenOrCreate(t.Context(), path, nil, quiet)
	if err != nil || !created {
		t.Fatalf("an empty file system: %v, %v", created, err)
	}
	d.Close()
}

// TestOpen_RenewsTheCA: the keys must not be out of reach one day because a
// certificate has ended.
func TestOpen_RenewsTheCA(t *testing.T) {
	for name, age := range map[string]time.Duration{"in time": pki.CALife - pki.CARenewBefore + time.Hour, "late": pki.CALife + time.Hour} {
		t.Run(name, func(t *testing.T) {
			path := made(t)
			old, err := pki.NewCA(time.Now().Add(-age))
			if err != nil {
				t.Fatal(err)
			}
			if err := old.Save(filepath.Join(path, "ca_certificate.pem"), filepath.Join(path, "ca_key.pem")); err != nil {
				t.Fatal(err)
			}
			d := open(t, path)
			if !d.CA.Certificate.NotAfter.After(time.Now().Add(pki.CALife - time.Hour)) {
				t.Errorf("the CA ends on %v", d.CA.Certificate.NotAfter)
			}
			for _, file := range []string{"ca_certificate.pem", "admin/root_certificate.pem"} {
				if cert, err := pki.LoadCertificate(filepath.Join(path, file)); err != nil || !cert.Equal(d.CA.Certificate) {
					t.Errorf("%s: not the new certificate, or %v", file, err)
				}
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			if again := open(t, path); !again.CA.Certificate.Equal(d.CA.Certificate) {
				t.Error("renewed twice")
			}
		})
	}
}

func TestServerCertificate_RenewedWhenNeeded(t *testing.T) {
	path := made(t)
	d := open(t, path)
	names, now := []string{"localhost"}, time.Now()
	serial := func(names []string, now time.Time) string {
		t.Helper()
		c, err := d.ServerCertificate(names, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Leaf.CheckSignatureFrom(d.CA.Certificate); err != nil {
			t.Error(err)
		}
		return c.Leaf.SerialNumber.String()
	}
	first := serial(names, now)
	if serial(names, now) != first {
		t.Error("renewed without a reason")
	}
	named := serial([]string{"b.example", "localhost"}, now)
	if named == first {
		t.Error("not renewed for a new name")
	}
	late := serial([]string{"b.example", "localhost"}, now.Add(pki.ServerLife-pki.RenewBefore+time.Hour))
	if late == named {
		t.Error("not renewed before its end")
	}
	if err := os.Remove(filepath.Join(path, "server_certificate.pem")); err != nil {
		t.Fatal(err)
	}
	again := serial(names, now)
	if again == late {
		t.Error("not made again")
	}
	crossKeys(t, filepath.Join(path, "server_key.pem"))
	if serial(names, now) == again {
		t.Error("not made again after a renewal that was cut off")
	}
}

// crossKeys leaves another key in the file, as a crash does in the middle of
// writing a pair.
func crossKeys(t *testing.T, file string) {
	t.Helper()
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := pki.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRenewAdminAndEndingSoon(t *testing.T) {
	path := made(t)
	d := open(t, path)
	ctx, file := context.Background(), filepath.Join(path, "admin/client_certificate.pem")
	load := func() *x509.Certificate {
		t.Helper()
		c, err := pki.LoadCertificate(file)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	renew := func(now time.Time) {
		t.Helper()
		if err := d.RenewAdmin(ctx, now); err != nil {
			t.Fatal(err)
		}
	}
	now, soon := time.Now(), time.Now().Add(pki.ClientLife-pki.RenewBefore+time.Hour)
	first := load()
	renew(now)
	if !load().Equal(first) || len(d.EndingSoon(now)) != 0 {
		t.Errorf("renewed without need, or warned: %v", d.EndingSoon(now))
	}
	if got := d.EndingSoon(soon); len(got) != 1 || got[0].What != "endpoint admin" {
		t.Errorf("ending soon: %v", got)
	}
	crossKeys(t, filepath.Join(path, "admin/client_key.pem"))
	renew(now)
	if load().Equal(first) {
		t.Error("not renewed after a renewal that was cut off")
	}
	if _, err := pki.Load(file, filepath.Join(path, "admin/client_key.pem")); err != nil {
		t.Error(err)
	}
	first = load()
	renew(soon)
	second := load()
	if second.Equal(first) || len(d.EndingSoon(soon)) != 0 {
		t.Error("not renewed before its end")
	}
	if id, err := d.Endpoints.Authenticate(first); err != nil || id.Role != endpoint.Administrator {
		t.Errorf("the old certificate: %v, %v", id, err)
	}
	if got := d.EndingSoon(now.Add(pki.CALife - time.Hour)); len(got) != 2 || got[0].What != "the CA" {
		t.Errorf("at the CA's end: %v", got)
	}
	if _, err := d.Endpoints.Remove(ctx, datadir.AdminName); err != nil {
		t.Fatal(err)
	}
	renew(soon.Add(pki.ClientLife))
	if !load().Equal(second) {
		t.Error("a removed administrator was renewed")
	}
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	renew(soon)
}
