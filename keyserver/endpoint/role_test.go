package endpoint

import (
	"errors"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
)

func TestRolesAndGroups(t *testing.T) {
	s, issue := memory.New(), issuer(t)
	r := open(t, s)
	for _, c := range []struct {
		name string
		o    Options
		err  error
		who  Identity
	}{
		{"db1", Options{}, nil, Identity{Name: "db1", Role: Owner}},
		{"db2", Options{Group: "db1"}, nil, Identity{Name: "db2", Role: Owner, Group: "db1"}}, // db1 shares its objects from now on
		{"db3", Options{Group: "db2"}, ErrGroup, Identity{}},                                  // db2 has none of its own
		{"eu", Options{}, nil, Identity{Name: "eu", Role: Owner}},
		{"a", Options{Group: "cluster"}, nil, Identity{Name: "a", Role: Owner, Group: "cluster"}},
		{"b", Options{Group: "cluster", Role: Reader}, nil, Identity{Name: "b", Role: Reader, Group: "cluster"}},
		{"cluster", Options{}, ErrGroup, Identity{}}, // it would have their objects
		{"cluster", Options{Group: "x"}, nil, Identity{Name: "cluster", Role: Owner, Group: "x"}},
		{"c", Options{Group: "bad name"}, ErrName, Identity{}},
		{"c", Options{Role: "king"}, ErrRole, Identity{}},
		{"c", Options{Role: Auditor, Group: "cluster"}, ErrRole, Identity{}},
		{"audit", Options{Role: Auditor}, nil, Identity{Name: "audit", Role: Auditor}},
		{"d", Options{Group: "audit"}, ErrGroup, Identity{}},
		{"boss", Options{Admin: true}, nil, Identity{Name: "boss", Role: Administrator}},
	} {
		cert := issue(c.name)
		_, err := r.Add(ctx, c.name, cert, c.o)
		if !errors.Is(err, c.err) {
			t.Fatalf("%s %+v: %v, want %v", c.name, c.o, err, c.err)
		}
		if err != nil {
			continue
		}
		for _, reg := range []*Registry{r, open(t, s)} {
			if who, err := reg.Authenticate(cert); err != nil || who != c.who {
				t.Errorf("%s: %+v, %v", c.name, who, err)
			}
		}
	}
	if _, err := r.Remove(ctx, "eu"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Add(ctx, "e", issue("e"), Options{Group: "eu"}); !errors.Is(err, ErrReclaim) {
		t.Errorf("a group of a removed endpoint's name: %v", err)
	}
	if _, err := r.Add(ctx, "eu", issue("eu"), Options{Reclaim: true, Role: Auditor}); !errors.Is(err, ErrRole) {
		t.Errorf("another role for a name that is taken up: %v", err)
	}
}

// Records of before there were roles keep their meaning.
func TestOldRecords(t *testing.T) {
	s := memory.New()
	if err := s.Update(ctx, func(w store.Writer) error {
		if err := w.Put(Bucket, "db", []byte(`{"name":"db","certificates":[],"created":"2026-01-01T00:00:00Z"}`)); err != nil {
			return err
		}
		return w.Put(Bucket, "admin", []byte(`{"name":"admin","admin":true,"certificates":[],"created":"2026-01-01T00:00:00Z"}`))
	}); err != nil {
		t.Fatal(err)
	}
	r := open(t, s)
	for name, want := range map[string]Role{"db": Owner, "admin": Administrator} {
		if e, _ := r.Get(name); e.Role != want {
			t.Errorf("%s has the role %q", name, e.Role)
		}
	}
}
