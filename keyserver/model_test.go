package keyserver_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
)

// byCN takes the name in a certificate for the endpoint's.
type byCN struct{}

func (byCN) Authenticate(c *x509.Certificate) (endpoint.Identity, error) {
	role := endpoint.Owner
	if c.Subject.CommonName == "admin" {
		role = endpoint.Administrator
	}
	return endpoint.Identity{Name: c.Subject.CommonName, Role: role}, nil
}

// failing is a store whose next Update can be made to fail: without a change, or
// with the change made all the same, as when a disk fails at the very last.
type failing struct {
	store.Store
	mu   sync.Mutex
	mode failure
}

type failure int

const (
	works failure = iota
	failsWithout
	failsWith
)

var errDisk = errors.New("no space left on device")

func (f *failing) set(mode failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mode = mode
}

func (f *failing) Update(ctx context.Context, fn func(store.Writer) error) error {
	f.mu.Lock()
	mode := f.mode
	f.mu.Unlock()
	err := f.Store.Update(ctx, func(w store.Writer) error {
		if err := fn(w); err != nil || mode != failsWithout {
			return err
		}
		return errDisk
	})
	if err == nil && mode == failsWith {
		return errDisk
	}
	return err
}

// caller talks to a key server without a network.
type caller struct {
	server *keyserver.Server
	name   string
}

func (c caller) call() *kmipserver.Call {
	cert := &x509.Certificate{}
	cert.Subject.CommonName = c.name
	return &kmipserver.Call{Peer: kmipserver.Peer{Certificate: cert}, Version: kmip.V1_4}
}

func (c caller) do(p kmip.Payload) (kmip.Payload, error) {
	return c.server.Handle(context.Background(), c.call(), p)
}

// everything is all that an administrator and the owners can see.
func everything(t rapid.TB, s *keyserver.Server, ids []string) map[string]string {
	all := make(map[string]string)
	admin := caller{s, "admin"}
	for _, id := range ids {
		p, err := admin.do(&kmip.GetAttributesRequest{UniqueIdentifier: id})
		if err != nil {
			all[id] = err.Error()
			continue
		}
		all[id] = fmt.Sprintf("%+v", p)
		for _, owner := range []string{"db1", "db2"} {
			p, err := caller{s, owner}.do(&kmip.GetRequest{UniqueIdentifier: id})
			if err != nil {
				all[id+owner] = err.Error()
				continue
			}
			all[id+owner] = string(p.(*kmip.GetResponse).Object.Content().Reveal())
			kmip.WipePayload(p)
		}
	}
	for _, who := range []string{"admin", "db1", "db2"} {
		for _, filter := range locateFilters() {
			p, err := caller{s, who}.do(&kmip.LocateRequest{Attributes: filter})
			if err != nil {
				t.Fatalf("Locate: %v", err)
			}
			all[fmt.Sprintf("%s %+v", who, filter)] = strings.Join(p.(*kmip.LocateResponse).UniqueIdentifiers, " ")
		}
	}
	return all
}

func locateFilters() []kmip.Attributes {
	filters := []kmip.Attributes{nil, {kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey)}}
	for _, n := range []string{"n0", "n1", "n2", "n3"} {
		filters = append(filters, kmip.Attributes{kmip.NameAttribute(n)}, kmip.Attributes{kmip.TextAttribute("x-a", n)}, kmip.Attributes{kmip.TextAttribute(kmip.AttrObjectGroup, n)})
	}
	for s := kmip.StatePreActive; s <= kmip.StateDestroyedCompromised; s++ {
		filters = append(filters, kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrState, s)})
	}
	return filters
}

// TestModel_MemoryEqualsTheStore does random operations, some of which the disk
// fails, and compares what the server shows with what one shows that has just read
// the store. Names are unique all the time, and a
// failure of the disk changes nothing but what the disk has taken.
func TestModel_MemoryEqualsTheStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := &failing{Store: memory.New()}
		clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		open := func() *keyserver.Server {
			s, err := keyserver.New(keyserver.Options{Store: disk, Endpoints: byCN{}, Now: func() time.Time { return clock }})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		server := open()
		ids := []string{"none"}
		name := rapid.SampledFrom([]string{"n0", "n1", "n2", "n3"})
		attribute := rapid.Custom(func(t *rapid.T) kmip.Attribute {
			n := name.Draw(t, "name")
			index := rapid.Int32Range(0, 2).Draw(t, "index")
			a := rapid.SampledFrom([]kmip.Attribute{kmip.NameAttribute(n), kmip.TextAttribute("x-a", n), kmip.TextAttribute(kmip.AttrObjectGroup, n),
				kmip.DateAttribute(kmip.AttrActivationDate, clock.Add(time.Minute)), kmip.DateAttribute(kmip.AttrDeactivationDate, clock.Add(time.Hour))}).Draw(t, "attribute")
			a.Index = index
			return a
		})
		operation := func(t *rapid.T) kmip.Payload {
			id := rapid.SampledFrom(ids).Draw(t, "id")
			switch rapid.IntRange(0, 11).Draw(t, "operation") {
			case 0:
				p := aes(name.Draw(t, "name"))
				p.Template.Attributes[2] = mask(kmip.UsageEncrypt | kmip.UsageDeriveKey)
				return p
			case 1:
				return registerSecret(kmip.KeyFormatOpaque, kmip.NameAttribute(name.Draw(t, "name")), kmip.TextAttribute("x-a", "n1"))
			case 2:
				return &kmip.ActivateRequest{UniqueIdentifier: id}
			case 3:
				return &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationReasonCode(rapid.IntRange(1, 3).Draw(t, "reason"))}}
			case 4:
				return &kmip.DestroyRequest{UniqueIdentifier: id}
			case 5:
				a := attribute.Draw(t, "add")
				a.Index = 0
				return &kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: a}
			case 6:
				return &kmip.ReKeyRequest{UniqueIdentifier: id}
			case 7:
				return &kmip.ArchiveRequest{UniqueIdentifier: id}
			case 8:
				return &kmip.RecoverRequest{UniqueIdentifier: id}
			case 9:
				return derive(id, kmip.DeriveHASH, kmip.DerivationParameters{Parameters: &kmip.CryptographicParameters{Hash: kmip.HashSHA256}}, 256)
			case 10:
				return &kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: attribute.Draw(t, "modify")}
			}
			a := attribute.Draw(t, "delete")
			return &kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: a.Name, Index: a.Index}
		}
		made := func(answer kmip.Payload) {
			switch a := answer.(type) {
			case *kmip.CreateResponse:
				ids = append(ids, a.UniqueIdentifier)
			case *kmip.ReKeyResponse:
				ids = append(ids, a.UniqueIdentifier)
			case *kmip.DeriveKeyResponse:
				ids = append(ids, a.UniqueIdentifier)
			case *kmip.RegisterResponse:
				ids = append(ids, a.UniqueIdentifier)
			}
		}
		// unchanged looks at the objects that there were before.
		unchanged := func(before map[string]string, what string) {
			then := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return before[id] == "" })
			if diff := cmp.Diff(before, everything(t, server, then)); diff != "" {
				t.Fatalf("%s and changed: %s", what, diff)
			}
		}
		// whole does a message with the Batch Error Continuation Option Undo: until it
		// is committed only the message itself sees what it changes.
		whole := func(t *rapid.T, who caller, mode failure) {
			before := everything(t, server, ids)
			call := who.call()
			server.Begin(call)
			failed := false
			for range rapid.IntRange(2, 5).Draw(t, "items") {
				p := operation(t)
				answer, err := server.Handle(t.Context(), call, p)
				kmip.WipePayload(p)
				if failed = err != nil; failed {
					break
				}
				if c, ok := answer.(*kmip.CreateResponse); ok {
					if _, err := server.Handle(t.Context(), call, &kmip.GetRequest{UniqueIdentifier: c.UniqueIdentifier}); err != nil {
						t.Fatalf("Get of what the message has made: %v", err)
					}
				}
				made(answer)
			}
			unchanged(before, "a message is not committed yet")
			if failed {
				server.Undo(call)
				unchanged(before, "a message was undone")
				return
			}
			disk.set(mode)
			err := server.Commit(t.Context(), call)
			disk.set(works)
			if mode == failsWithout {
				unchanged(before, fmt.Sprintf("a message was not committed (%v)", err))
			}
		}
		step := func(t *rapid.T) {
			clock = clock.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
			who := caller{server, rapid.SampledFrom([]string{"db1", "db2", "admin"}).Draw(t, "who")}
			mode := rapid.SampledFrom([]failure{works, works, works, works, works, works, failsWithout, failsWith}).Draw(t, "disk")
			if rapid.IntRange(0, 7).Draw(t, "whole") == 0 {
				whole(t, who, mode)
				return
			}
			p := operation(t)
			fails := mode == failsWithout
			var before map[string]string
			if fails {
				before = everything(t, server, ids)
			}
			disk.set(mode)
			answer, err := who.do(p)
			disk.set(works)
			made(answer)
			if fails {
				unchanged(before, fmt.Sprintf("%s failed with %v", p.Operation(), err))
			}
			kmip.WipePayload(p)
		}
		check := func(t *rapid.T) {
			now := everything(t, server, ids)
			again := open()
			if diff := cmp.Diff(now, everything(t, again, ids)); diff != "" {
				t.Fatalf("memory differs from the store: %s", diff)
			}
			for _, owner := range []string{"db1", "db2"} {
				for _, n := range []string{"n0", "n1", "n2", "n3"} {
					if found := now[fmt.Sprintf("%s %+v", owner, kmip.Attributes{kmip.NameAttribute(n)})]; strings.Contains(found, " ") {
						t.Fatalf("%s has several objects of the name %s", owner, n)
					}
				}
			}
			server = again
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			step(t)
		}
		check(t)
	})
}

// TestDestroy_ErasesTheKeyBytes looks into the store itself.
func TestDestroy_ErasesTheKeyBytes(t *testing.T) {
	disk := memory.New()
	server, err := keyserver.New(keyserver.Options{Store: disk, Endpoints: byCN{}})
	if err != nil {
		t.Fatal(err)
	}
	c := caller{server, "db"}
	p, err := c.do(registerKey(kmip.KeyFormatRaw))
	if err != nil {
		t.Fatal(err)
	}
	has := func() (found bool) {
		for _, b := range []store.Bucket{"object", "material"} {
			if err := disk.View(func(tx store.Reader) error {
				return tx.Range(b, "", func(_ string, v []byte) error {
					found = found || strings.Contains(string(v), string(material))
					return nil
				})
			}); err != nil {
				t.Fatal(err)
			}
		}
		return found
	}
	if !has() {
		t.Fatal("the key is not where this test looks")
	}
	if _, err := c.do(&kmip.DestroyRequest{UniqueIdentifier: p.(*kmip.RegisterResponse).UniqueIdentifier}); err != nil {
		t.Fatal(err)
	}
	if has() {
		t.Error("the key is still in the store")
	}
}

func TestDamagedObject_StopsTheStart(t *testing.T) {
	disk := memory.New()
	if err := disk.Update(t.Context(), func(w store.Writer) error { return w.Put("object", "the-id", []byte("rubbish")) }); err != nil {
		t.Fatal(err)
	}
	if _, err := keyserver.New(keyserver.Options{Store: disk, Endpoints: byCN{}}); err == nil || !strings.Contains(err.Error(), "the-id") {
		t.Errorf("%v", err)
	}
}

// TestConcurrent_NamesStayUniqueAndChangesAreKept runs many clients on few objects.
func TestConcurrent_NamesStayUniqueAndChangesAreKept(t *testing.T) {
	server, err := keyserver.New(keyserver.Options{Store: memory.New(), Endpoints: byCN{}})
	if err != nil {
		t.Fatal(err)
	}
	c := caller{server, "db"}
	shared, err := c.do(aes("shared"))
	if err != nil {
		t.Fatal(err)
	}
	id := shared.(*kmip.CreateResponse).UniqueIdentifier
	const workers, rounds = 8, 25
	made := make([]int, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				if p, err := c.do(aes(fmt.Sprint("name", i))); err == nil {
					made[w]++
					if i%2 == 0 { // free the name for the next one
						if _, err := c.do(&kmip.DestroyRequest{UniqueIdentifier: p.(*kmip.CreateResponse).UniqueIdentifier}); err != nil {
							t.Errorf("Destroy: %v", err)
						}
					}
				} else if kmip.ReasonOf(err) != kmip.ReasonInvalidField {
					t.Errorf("Create: %v", err)
				}
				if _, err := c.do(&kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: kmip.TextAttribute("x-a", fmt.Sprint(w, "-", i))}); err != nil {
					t.Errorf("Add Attribute: %v", err)
				}
				if p, err := c.do(&kmip.GetRequest{UniqueIdentifier: id}); err != nil {
					t.Errorf("Get: %v", err)
				} else {
					kmip.WipePayload(p)
				}
			}
		})
	}
	wg.Wait()
	for i := range rounds {
		p, err := c.do(&kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute(fmt.Sprint("name", i))}})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(p.(*kmip.LocateResponse).UniqueIdentifiers); n != i%2 {
			t.Errorf("name%d: %d objects", i, n)
		}
	}
	p, err := c.do(&kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{"x-a"}})
	if err != nil {
		t.Fatal(err)
	}
	var indices []int32
	for _, a := range p.(*kmip.GetAttributesResponse).Attributes {
		indices = append(indices, a.Index)
	}
	slices.Sort(indices)
	if len(slices.Compact(indices)) != workers*rounds {
		t.Errorf("%d of %d changes are left", len(indices), workers*rounds)
	}
}
