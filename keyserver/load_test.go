package keyserver

import (
	"crypto/x509"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
)

type anybody struct{}

func (anybody) Authenticate(*x509.Certificate) (endpoint.Identity, error) {
	return endpoint.Identity{Name: "db", Role: endpoint.Owner}, nil
}

// TestLoad: a server that has found its objects in the store answers as the one
// that made them, whether it keeps them decoded, as records, or some of each; also
// once they have changed.
func TestLoad(t *testing.T) {
	s, err := New(Options{Store: memory.New(), Endpoints: anybody{}})
	if err != nil {
		t.Fatal(err)
	}
	do := func(s *Server, p kmip.Payload) kmip.Payload {
		t.Helper()
		got, err := s.Handle(t.Context(), &kmipserver.Call{Version: kmip.V1_4}, p)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const objects = 50
	ids := make([]string, objects)
	for i := range ids {
		ids[i] = do(s, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
			kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
			kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 12),
			kmip.NameAttribute(fmt.Sprint("key", i)),
			kmip.TextAttribute("x-group", fmt.Sprint(i%3)),
			kmip.TextAttribute(kmip.AttrObjectGroup, fmt.Sprint("group", i%2)),
		}}}).(*kmip.CreateResponse).UniqueIdentifier
	}
	do(s, &kmip.DestroyRequest{UniqueIdentifier: ids[7]})
	locates := []*kmip.LocateRequest{
		{},
		{Attributes: kmip.Attributes{kmip.NameAttribute("key23")}},
		{Attributes: kmip.Attributes{kmip.NameAttribute("key7")}},
		{Attributes: kmip.Attributes{kmip.TextAttribute("x-group", "1")}},
		{Attributes: kmip.Attributes{kmip.TextAttribute(kmip.AttrObjectGroup, "group1")}},
		{Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey)}},
		{Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrState, kmip.StatePreActive)}},
		{Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrState, kmip.StateActive)}},
		{Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrState, kmip.StateDestroyed)}},
	}
	same := func(decoded int) {
		t.Helper()
		again := &Server{o: s.o, log: s.log, now: s.now, store: s.store, index: newIndex()}
		if err := again.load(decoded); err != nil {
			t.Fatal(err)
		}
		if again.serial.Load() != s.serial.Load() {
			t.Errorf("%d decoded: the newest object is %d, was %d", decoded, again.serial.Load(), s.serial.Load())
		}
		compare := func(when string) {
			t.Helper()
			for _, l := range locates {
				if d := cmp.Diff(do(s, l), do(again, l)); d != "" {
					t.Errorf("%d decoded, %s, Locate %+v (-was +is)\n%s", decoded, when, l, d)
				}
			}
			if d := cmp.Diff(s.Count(), again.Count()); d != "" {
				t.Errorf("%d decoded, %s, the counts (-was +is)\n%s", decoded, when, d)
			}
			for _, id := range ids {
				if d := cmp.Diff(s.index.get(id), again.index.get(id)); d != "" {
					t.Errorf("%d decoded, %s, object %s (-was +is)\n%s", decoded, when, id, d)
				}
			}
		}
		compare("at start")
		do(again, &kmip.ActivateRequest{UniqueIdentifier: ids[11+decoded%30]})
		s.reread(ids[11+decoded%30]) // its memory is not the other's
		compare("after a change")
	}
	// Numbers far apart, which are no places in a list.
	far := func(id string, serial uint64) {
		t.Helper()
		o := s.index.get(id).Clone()
		o.Serial = serial
		if err := s.store.Update(t.Context(), func(w store.Writer) error { return w.Put(objectBucket, id, o.Marshal()) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, decoded := range []int{objects, 0, 25} {
		same(decoded)
	}
	ordered := func(s *Server) []string { return do(s, locates[0]).(*kmip.LocateResponse).UniqueIdentifiers }
	far(ids[0], 1<<60)
	far(ids[1], 1<<61)
	again := &Server{o: s.o, log: s.log, now: s.now, store: s.store, index: newIndex()}
	if err := again.load(0); err != nil {
		t.Fatal(err)
	}
	want := append(slices.Delete(slices.Clone(ids[2:]), 5, 6), ids[0], ids[1])
	if got := ordered(again); !slices.Equal(got, want) || again.serial.Load() != 1<<61 {
		t.Errorf("with numbers far apart the order is %v, up to %d", got, again.serial.Load())
	}
	if got := do(s, locates[0]).(*kmip.LocateResponse).UniqueIdentifiers; !slices.Equal(got, slices.Delete(slices.Clone(ids), 7, 8)) {
		t.Errorf("the order is %v", got)
	}
}
