package endpoint

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
)

var ctx = context.Background()

func open(t testing.TB, s store.Store) *Registry {
	t.Helper()
	r, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// issuer returns a function that makes certificates.
func issuer(t testing.TB) func(name string) *x509.Certificate {
	t.Helper()
	ca, err := pki.NewCA(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) *x509.Certificate {
		key, err := pki.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		cert, err := ca.IssueClient(name, key.Public(), time.Hour, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
}

func TestRegistry_Life(t *testing.T) {
	s, issue := memory.New(), issuer(t)
	r := open(t, s)
	// who checks a certificate in this register and in one freshly read.
	who := func(cert *x509.Certificate, want Identity, wantErr error) {
		t.Helper()
		for _, reg := range []*Registry{r, open(t, s)} {
			if id, err := reg.Authenticate(cert); id != want || !errors.Is(err, wantErr) {
				t.Errorf("authenticate = %+v, %v; want %+v, %v", id, err, want, wantErr)
			}
		}
	}
	first, second, third, admin := issue("db"), issue("db"), issue("db"), issue("admin")
	nobody := Identity{}

	who(first, nobody, ErrUnknown)
	who(nil, nobody, ErrUnknown)
	if _, err := r.Add(ctx, "db", first, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Add(ctx, "admin", admin, Options{Admin: true}); err != nil {
		t.Fatal(err)
	}
	who(first, Identity{Name: "db", Role: Owner}, nil)
	who(admin, Identity{Name: "admin", Role: Administrator}, nil)
	// The CA signed it for the same name, but the register does not have it.
	who(issue("db"), nobody, ErrUnknown)
	if _, err := r.Add(ctx, "db", second, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("adding twice: %v", err)
	}
	who(second, nobody, ErrUnknown)

	if _, err := r.Renew(ctx, "db", second, false); err != nil {
		t.Fatal(err)
	}
	who(first, Identity{Name: "db", Role: Owner}, nil)
	who(second, Identity{Name: "db", Role: Owner}, nil)
	if _, err := r.Renew(ctx, "db", third, true); err != nil {
		t.Fatal(err)
	}
	who(first, nobody, ErrRemoved)
	who(second, nobody, ErrRemoved)
	who(third, Identity{Name: "db", Role: Owner}, nil)
	if _, err := r.Renew(ctx, "none", issue("none"), false); !errors.Is(err, ErrNotFound) {
		t.Errorf("renewing nobody: %v", err)
	}

	if _, err := r.Remove(ctx, "db"); err != nil {
		t.Fatal(err)
	}
	who(third, nobody, ErrRemoved)
	for name, err := range map[string]error{
		"remove": func() error { _, err := r.Remove(ctx, "db"); return err }(),
		"renew":  func() error { _, err := r.Renew(ctx, "db", issue("db"), false); return err }(),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s of a removed endpoint: %v", name, err)
		}
	}

	fourth := issue("db")
	if _, err := r.Add(ctx, "db", fourth, Options{}); !errors.Is(err, ErrReclaim) {
		t.Errorf("adding a removed name without reclaiming it: %v", err)
	}
	who(fourth, nobody, ErrUnknown)
	if _, err := r.Add(ctx, "db", fourth, Options{Reclaim: true, Admin: true}); err != nil { // its rights are the old ones
		t.Fatal(err)
	}
	who(fourth, Identity{Name: "db", Role: Owner}, nil)
	for _, old := range []*x509.Certificate{first, second, third} {
		who(old, nobody, ErrRemoved)
	}
	if diff := cmp.Diff(open(t, s).List(), r.List()); diff != "" {
		t.Errorf("store and memory differ (-store +memory):\n%s", diff)
	}
	if e, ok := r.Get("db"); !ok || len(e.Certificates) != 4 || !e.NotAfter().Equal(fourth.NotAfter) {
		t.Errorf("get = %+v, %v", e, ok)
	}
}

func TestAuthenticate_Expired(t *testing.T) {
	r, issue := open(t, memory.New()), issuer(t)
	cert := issue("db")
	if _, err := r.Add(ctx, "db", cert, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{cert.NotAfter.Add(time.Second), cert.NotBefore.Add(-time.Second)} {
		r.now = func() time.Time { return at }
		if id, err := r.Authenticate(cert); !errors.Is(err, ErrExpired) || id != (Identity{}) {
			t.Errorf("at %v: %v, %v", at, id, err)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "db-1.example_X", "0123456789012345678901234567890123456789012345678901234567890123"} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "a b", "ü", "a/b", "a\n", "01234567890123456789012345678901234567890123456789012345678901234"} {
		if err := CheckName(name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// failing is a store whose changes fail.
type failing struct{ store.Store }

var errDisk = errors.New("disk full")

func (failing) Update(context.Context, func(store.Writer) error) error { return errDisk }

func TestRegistry_AFailedWriteChangesNothing(t *testing.T) {
	s, issue := memory.New(), issuer(t)
	cert, other := issue("db"), issue("db")
	if _, err := open(t, s).Add(ctx, "db", cert, Options{}); err != nil {
		t.Fatal(err)
	}
	r := open(t, failing{s})
	before := r.List()
	_, err1 := r.Remove(ctx, "db")
	_, err2 := r.Renew(ctx, "db", other, true)
	_, err3 := r.Add(ctx, "new", other, Options{})
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, errDisk) {
			t.Errorf("a change on a full disk: %v", err)
		}
	}
	if diff := cmp.Diff(before, r.List()); diff != "" {
		t.Errorf("the register changed:\n%s", diff)
	}
	if _, err := r.Authenticate(cert); err != nil {
		t.Error(err)
	}
}

func TestRegistry_Concurrent(t *testing.T) {
	s, issue := memory.New(), issuer(t)
	r := open(t, s)
	var wg sync.WaitGroup
	for i := range 8 {
		name := string(rune('a' + i))
		cert := issue(name)
		wg.Go(func() {
			if _, err := r.Add(ctx, name, cert, Options{}); err != nil {
				t.Error(err)
			}
			if id, err := r.Authenticate(cert); err != nil || id.Name != name {
				t.Errorf("%v, %v", id, err)
			}
			if _, err := r.Remove(ctx, name); err != nil {
				t.Error(err)
			}
			if _, err := r.Authenticate(cert); !errors.Is(err, ErrRemoved) {
				t.Errorf("%s after its removal: %v", name, err)
			}
		})
	}
	wg.Wait()
	if n := len(r.List()); n != 8 {
		t.Errorf("%d endpoints", n)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	r, cert := open(b, memory.New()), issuer(b)("db")
	if _, err := r.Add(ctx, "db", cert, Options{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := r.Authenticate(cert); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSetLimits(t *testing.T) {
	s := memory.New()
	r := open(t, s)
	cert := issuer(t)("db")
	if _, err := r.Add(t.Context(), "db", cert, Options{}); err != nil {
		t.Fatal(err)
	}
	want := Limits{Objects: 5, Connections: 3, Rate: 100}
	if e, err := r.SetLimits(t.Context(), "db", want); err != nil || e.Limits != want {
		t.Fatalf("%+v, %v", e.Limits, err)
	}
	for _, reg := range []*Registry{r, open(t, s)} { // and after a start
		if who, err := reg.Authenticate(cert); err != nil || who.Limits != want {
			t.Errorf("the limits are %+v, %v", who.Limits, err)
		}
	}
	if _, err := r.SetLimits(t.Context(), "db", Limits{Rate: -1}); !errors.Is(err, ErrLimits) {
		t.Errorf("a negative limit: %v", err)
	}
	if _, err := r.SetLimits(t.Context(), "none", want); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such endpoint: %v", err)
	}
	if got := want.String(); got != "5 objects, 3 connections, 100 operations/s" {
		t.Errorf("in words: %s", got)
	}
}
