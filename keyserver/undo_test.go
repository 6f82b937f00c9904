package keyserver_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// wholeMessage is a request that is to be done as a whole or not at all.
func wholeMessage(payloads ...kmip.Payload) *kmip.RequestMessage {
	m := &kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_4, Continuation: kmip.BatchUndo, Order: true}}
	for i, p := range payloads {
		m.Items = append(m.Items, kmip.RequestItem{Operation: p.Operation(), ID: []byte{byte(i + 1)}, Payload: p})
	}
	return m
}

func statuses(m *kmip.ResponseMessage) (s []string) {
	for _, it := range m.Items {
		s = append(s, it.Status.String())
	}
	return s
}

// TestUndo_LaterOperationsSeeEarlierOnes: within the message, what was done counts.
func TestUndo_LaterOperationsSeeEarlierOnes(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	old := create(t, c, "old")
	got := c.Do(wholeMessage(
		aes("new"),
		&kmip.GetRequest{},
		&kmip.ActivateRequest{},
		&kmip.GetAttributesRequest{Names: []string{kmip.AttrState}},
		&kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute("new")}},
		&kmip.LocateRequest{Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey)}, MaximumItems: 1},
		&kmip.DestroyRequest{UniqueIdentifier: old},
		aes("old"), // its name is free now
	))
	for i, it := range got.Items {
		if it.Err() != nil {
			t.Fatalf("item %d: %v", i, it.Err())
		}
	}
	id := got.Items[0].Payload.(*kmip.CreateResponse).UniqueIdentifier
	if g := got.Items[1].Payload.(*kmip.GetResponse); g.UniqueIdentifier != id || g.Object.Content().Len() != 32 {
		t.Errorf("Get: %+v", g)
	}
	if st := got.Items[3].Payload.(*kmip.GetAttributesResponse).Attributes.State(); st != kmip.StateActive {
		t.Errorf("the State is %s", st)
	}
	if ids := got.Items[4].Payload.(*kmip.LocateResponse).UniqueIdentifiers; len(ids) != 1 || ids[0] != id {
		t.Errorf("Locate: %v", ids)
	}
	if l := got.Items[5].Payload.(*kmip.LocateResponse); len(l.UniqueIdentifiers) != 1 || l.UniqueIdentifiers[0] != old || *l.LocatedItems != 2 {
		t.Errorf("Locate: %v of %d", l.UniqueIdentifiers, *l.LocatedItems)
	}
	if state(t, c, old) != kmip.StateDestroyed || state(t, c, id) != kmip.StateActive || len(locate(t, c, kmip.NameAttribute("old"))) != 1 {
		t.Error("what was answered is not what is there")
	}
}

// TestUndo_NothingIsLeft, neither for the client nor in the store, and the audit log
// tells the truth.
func TestUndo_NothingIsLeft(t *testing.T) {
	disk := &failing{Store: memory.New()}
	path := filepath.Join(t.TempDir(), "audit.log")
	log, err := audit.Open(path, audit.Head{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := keyservertest.New(t, keyservertest.WithStore(disk), func(o *keyserver.Options) { o.Audit = log })
	c := connect(t, s, "db")
	id := create(t, c, "old")
	message := func() *kmip.RequestMessage {
		return wholeMessage(aes("new"), &kmip.ActivateRequest{UniqueIdentifier: id})
	}

	m := message()
	m.Items = append(m.Items, wholeMessage(aes("old"), &kmip.DestroyRequest{UniqueIdentifier: id}).Items...) // "old" is taken
	if got := c.Do(m); fmt.Sprint(statuses(got)) != "[Operation Undone Operation Undone Operation Failed]" || got.Items[2].Reason != kmip.ReasonInvalidField {
		t.Errorf("got %v, %v", statuses(got), got.Items[2].Err())
	}
	disk.set(failsWithout)
	if got := c.Do(message()); fmt.Sprint(statuses(got)) != "[Operation Failed Operation Failed]" || got.Items[0].Reason != kmip.ReasonGeneralFailure {
		t.Errorf("got %v", statuses(got))
	}
	disk.set(works)
	if ids := locate(t, c); len(ids) != 1 || state(t, c, id) != kmip.StatePreActive {
		t.Errorf("left: %v, %s", ids, state(t, c, id))
	}
	if got := c.Do(message()); fmt.Sprint(statuses(got)) != "[Success Success]" {
		t.Errorf("got %v", statuses(got))
	}
	s.Stop()

	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		var e struct{ Op, Result string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Op == "Create" || e.Op == "Activate" {
			lines = append(lines, e.Op+" "+e.Result)
		}
	}
	want := "Create success, Create undone, Activate undone, Create failure, Create failure, Activate failure, Create success, Activate success"
	if got := strings.Join(lines, ", "); got != want {
		t.Errorf("the audit log says\n%s, want\n%s", got, want)
	}
}

// TestUndo_Concurrent: messages of two Creates, of which some are undone, among single
// changes. At no time is there one of a pair alone.
func TestUndo_Concurrent(t *testing.T) {
	server, err := keyserver.New(keyserver.Options{Store: memory.New(), Endpoints: byCN{}})
	if err != nil {
		t.Fatal(err)
	}
	c := caller{server, "db"}
	const workers, rounds = 6, 40
	pair := kmip.TextAttribute("x-pair", "1")
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				call := c.call()
				server.Begin(call)
				_, err := server.Handle(t.Context(), call, aes(fmt.Sprint("a", i), pair))
				if err == nil {
					_, err = server.Handle(t.Context(), call, aes(fmt.Sprint("b", (i+w)%rounds), pair))
				}
				if err != nil {
					server.Undo(call)
				} else if err := server.Commit(t.Context(), call); err != nil {
					t.Errorf("Commit: %v", err)
				}
				if _, err := c.do(aes(fmt.Sprint("single", w, i))); err != nil {
					t.Errorf("Create: %v", err)
				}
				p, err := c.do(&kmip.LocateRequest{Attributes: kmip.Attributes{pair}})
				if err != nil {
					t.Errorf("Locate: %v", err)
				} else if n := len(p.(*kmip.LocateResponse).UniqueIdentifiers); n%2 != 0 {
					t.Errorf("%d objects of pairs are there", n)
				}
			}
		})
	}
	wg.Wait()
	p, err := c.do(&kmip.LocateRequest{Attributes: kmip.Attributes{pair}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.(*kmip.LocateResponse).UniqueIdentifiers); n == 0 || n == 2*workers*rounds {
		t.Errorf("%d objects of pairs: the test has not mixed messages that are undone with ones that are not", n)
	}
}
