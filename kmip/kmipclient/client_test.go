package kmipclient_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dbkeyring/dbkeyring/internal/faultnet"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type world struct {
	ca     *kmiptest.Authority
	keeper *kmiptest.Keeper
	server *kmiptest.Server
	conf   *tls.Config
}

func newWorld(t testing.TB, k *kmiptest.Keeper) *world {
	t.Helper()
	w := &world{ca: kmiptest.NewAuthority(t), keeper: k}
	w.server = kmiptest.NewServer(t, w.ca.ServerConfig(w.ca.Server()), k.Handle)
	w.conf = w.ca.ClientConfig(w.ca.Client("client"))
	return w
}

// client makes a client of the servers, by default the world's.
func (w *world) client(t testing.TB, o kmipclient.Options, servers ...string) *kmipclient.Client {
	t.Helper()
	if o.Servers = servers; len(servers) == 0 {
		o.Servers = []string{w.server.Addr}
	}
	if o.TLS == nil {
		o.TLS = w.conf
	}
	c, err := kmipclient.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func aesKey() kmip.Object {
	return kmip.SymmetricKey(kmip.AlgorithmAES, secret.Copy([]byte("0123456789abcdef")))
}

func registerRequest(name string) *kmip.RegisterRequest {
	return &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Object: aesKey(),
		Template: kmip.Template{Attributes: kmip.Attributes{kmip.NameAttribute(name)}}}
}

func ctx(t testing.TB) context.Context {
	c, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return c
}

// fault returns the failures of an exchange without an answer.
func fault(t testing.TB, err error) *kmipclient.Error {
	t.Helper()
	var e *kmipclient.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *kmipclient.Error", err)
	}
	return e
}

func TestNew_TellsEveryFault(t *testing.T) {
	_, err := kmipclient.New(kmipclient.Options{Servers: []string{"host", ":1"}, Version: kmip.Version{Major: 3}})
	for _, want := range []string{`"host"`, `":1"`, "no TLS", "3.0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %s", err, want)
		}
	}
}

// A key's whole life on one connection.
func TestOperations(t *testing.T) {
	w := newWorld(t, &kmiptest.Keeper{})
	c := w.client(t, kmipclient.Options{})
	req := registerRequest("k")
	r, err := c.Register(ctx(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if req.Object.Content().Len() != 16 {
		t.Error("Register wiped the caller's key")
	}
	id := r.UniqueIdentifier
	if _, err := c.Activate(ctx(t), id); err != nil {
		t.Error(err)
	}
	l, err := c.Locate(ctx(t), &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute("k")}})
	if err != nil || !slices.Equal(l.UniqueIdentifiers, []string{id}) {
		t.Errorf("Locate: %+v, %v", l, err)
	}
	g, err := c.Get(ctx(t), id)
	if err != nil || string(g.Object.Content().Reveal()) != "0123456789abcdef" {
		t.Errorf("Get: %v", err)
	}
	a, err := c.GetAttributes(ctx(t), id, kmip.AttrState)
	if err != nil || len(a.Attributes) != 1 || a.Attributes.State() != kmip.StateActive {
		t.Errorf("Get Attributes: %+v, %v", a, err)
	}
	if _, err := c.Revoke(ctx(t), &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationUnspecified}}); err != nil {
		t.Error(err)
	}
	if _, err := c.Destroy(ctx(t), id); err != nil {
		t.Error(err)
	}
	if q, err := c.Query(ctx(t), kmip.QueryOperations); err != nil || len(q.Operations) == 0 {
		t.Errorf("Query: %+v, %v", q, err)
	}
	if d, err := c.DiscoverVersions(ctx(t)); err != nil || len(d.Versions) != 7 {
		t.Errorf("Discover Versions: %+v, %v", d, err)
	}
	var refusal *kmip.Error
	if _, err := c.Get(ctx(t), id); !errors.As(err, &refusal) || refusal.Reason != kmip.ReasonItemNotFound || refusal.Operation != kmip.OpGet {
		t.Errorf("Get of what is gone: %v", err)
	}
	if made, err := c.Create(ctx(t), &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey}); err != nil || made.UniqueIdentifier == id {
		t.Errorf("Create: %+v, %v", made, err)
	}
	if _, err := c.AddAttribute(ctx(t), id, kmip.TextAttribute("x-a", "v")); kmip.ReasonOf(err) != kmip.ReasonItemNotFound {
		t.Errorf("AddAttribute to what is gone: %v", err)
	}
	for what, err := range map[string]error{
		"GetAttributeList": second(c.GetAttributeList(ctx(t), id)),
		"ModifyAttribute":  second(c.ModifyAttribute(ctx(t), id, kmip.TextAttribute("x-a", "v"))),
		"DeleteAttribute":  second(c.DeleteAttribute(ctx(t), id, "x-a", 0)),
	} {
		if kmip.ReasonOf(err) != kmip.ReasonOperationNotSupported { // the keeper has them not
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := w.server.Accepted(); n != 1 {
		t.Errorf("%d connections, not 1", n)
	}
	for _, m := range w.keeper.Requests() {
		if m.Header.ClientCorrelation != "" || !m.Header.TimeStamp.IsZero() {
			t.Errorf("a header field that PyKMIP chokes on: %+v", m.Header)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestVersions(t *testing.T) {
	for name, c := range map[string]struct {
		keeper *kmiptest.Keeper
		fixed  kmip.Version
		want   kmip.Version
	}{
		"the highest common one":     {want: kmip.V1_4},
		"an older server":            {keeper: &kmiptest.Keeper{Versions: []kmip.Version{kmip.V1_0, kmip.V1_1, kmip.V1_2}}, want: kmip.V1_2},
		"a server of 1.0 only":       {keeper: &kmiptest.Keeper{Versions: []kmip.Version{kmip.V1_0}, NoDiscover: true}, want: kmip.V1_0},
		"a newer one without 1.1":    {keeper: &kmiptest.Keeper{Versions: []kmip.Version{kmip.V1_2, kmip.V1_3}}, want: kmip.V1_3},
		"no Discover Versions":       {keeper: &kmiptest.Keeper{NoDiscover: true}, want: kmip.V1_4},
		"hangs up, 1.0 only":         {keeper: &kmiptest.Keeper{Versions: []kmip.Version{kmip.V1_0}, HangsUp: true}, want: kmip.V1_0},
		"hangs up, up to 1.2":        {keeper: &kmiptest.Keeper{Versions: []kmip.Version{kmip.V1_1, kmip.V1_2}, HangsUp: true}, want: kmip.V1_2},
		"answers in its own":         {keeper: &kmiptest.Keeper{AnswersIn: kmip.V1_1, NoDiscover: true}, want: kmip.V1_1},
		"2.x beside 1.x":             {keeper: &kmiptest.Keeper{Versions: []kmip.Version{kmip.V2_1, kmip.V1_2}}, want: kmip.V1_2},
		"nothing older than 2.0":     {keeper: &kmiptest.Keeper{Versions: []kmip.Version{kmip.V2_0, kmip.V2_1}}, want: kmip.V2_1},
		"2.0 only, answers in it":    {keeper: &kmiptest.Keeper{Versions: []kmip.Version{kmip.V2_0}, AnswersIn: kmip.V2_0}, want: kmip.V2_0},
		"2.0 only, no Discover":      {keeper: &kmiptest.Keeper{Versions: []kmip.Version{kmip.V2_0}, AnswersIn: kmip.V2_0, NoDiscover: true}, want: kmip.V2_0},
		"hangs up, 2.0 only":         {keeper: &kmiptest.Keeper{Versions: []kmip.Version{kmip.V2_0}, HangsUp: true}, want: kmip.V2_0},
		"fixed, 2.1":                 {fixed: kmip.V2_1, want: kmip.V2_1},
		"fixed":                      {fixed: kmip.V1_2, want: kmip.V1_2},
		"fixed, nothing is asked of": {keeper: &kmiptest.Keeper{NoDiscover: true}, fixed: kmip.V1_0, want: kmip.V1_0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, cmp.Or(c.keeper, &kmiptest.Keeper{}))
			cl := w.client(t, kmipclient.Options{Version: c.fixed})
			if _, err := cl.Locate(ctx(t), &kmip.LocateRequest{}); err != nil {
				t.Fatal(err)
			}
			if got := cl.Status(); got.Version != c.want || got.Server != w.server.Addr || got.Err != nil {
				t.Errorf("%+v, want version %s", got, c.want)
			}
			m := w.keeper.Requests()
			if got := m[len(m)-1].Header.Version; got != c.want {
				t.Errorf("the request is of version %s, not %s", got, c.want)
			}
			if c.fixed != (kmip.Version{}) && len(m) != 1 {
				t.Errorf("%d requests with a fixed version", len(m))
			}
		})
	}
	t.Run("what was found is remembered until a failure", func(t *testing.T) {
		w := newWorld(t, &kmiptest.Keeper{Versions: []kmip.Version{kmip.V1_0}, HangsUp: true})
		cl := w.client(t, kmipclient.Options{MaxAge: time.Nanosecond})
		for range 3 {
			if _, err := cl.Locate(ctx(t), &kmip.LocateRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		if d, q, l := w.keeper.Operations(kmip.OpDiscoverVersions), w.keeper.Operations(kmip.OpQuery), w.keeper.Operations(kmip.OpLocate); d != 1 || q != 5 || l != 3 {
			t.Errorf("%d Discover Versions, %d Queries, %d Locates", d, q, l)
		}
		w.keeper.Hook(func(kmip.Payload) error { return kmiptest.ErrHangUp }, nil)
		e := fault(t, second(cl.Locate(ctx(t), &kmip.LocateRequest{})))
		if e.Servers[0].Phase != kmipclient.PhaseReceive {
			t.Errorf("%+v", e)
		}
		w.keeper.Hook(nil, nil)
		if _, err := cl.Locate(ctx(t), &kmip.LocateRequest{}); err != nil || w.keeper.Operations(kmip.OpQuery) != 10 {
			t.Errorf("afterwards: %v, %d Queries", err, w.keeper.Operations(kmip.OpQuery))
		}
	})
	t.Run("none in common", func(t *testing.T) {
		w := newWorld(t, &kmiptest.Keeper{Before: func(kmip.Payload) error { return kmip.Errorf(kmip.ReasonInvalidMessage, "never") }})
		e := fault(t, second(w.client(t, kmipclient.Options{}).Register(ctx(t), registerRequest("k"))))
		if e.Servers[0].Phase != kmipclient.PhaseVersion || !errors.Is(e, kmipclient.ErrNoCommonVersion) || e.Sent {
			t.Errorf("%+v", e)
		}
	})
}

func TestBatch(t *testing.T) {
	for name, c := range map[string]struct {
		keeper   *kmiptest.Keeper
		messages int // beside Discover Versions
		takes    bool
	}{
		"taken":        {messages: 1, takes: true},
		"not taken":    {keeper: &kmiptest.Keeper{NoBatches: true}, messages: 1 + 1 + 10, takes: false}, // all, two, then one each
		"shorter ones": {keeper: &kmiptest.Keeper{MaxBatch: 4}, messages: 1 + 5, takes: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, cmp.Or(c.keeper, &kmiptest.Keeper{}))
			cl := w.client(t, kmipclient.Options{})
			id := w.keeper.Add(aesKey(), kmip.StateActive)
			var reqs []kmip.Payload
			for i := range 10 {
				reqs = append(reqs, &kmip.GetRequest{UniqueIdentifier: []string{id, "absent"}[i%2]})
			}
			for round := range 2 {
				results, err := cl.Batch(ctx(t), reqs)
				if err != nil || len(results) != 10 {
					t.Fatalf("%d results, %v", len(results), err)
				}
				for i, r := range results {
					if i%2 == 1 {
						if kmip.ReasonOf(r.Err) != kmip.ReasonItemNotFound {
							t.Errorf("%d: %v", i, r.Err)
						}
					} else if r.Err != nil || r.Payload.(*kmip.GetResponse).UniqueIdentifier != id {
						t.Errorf("%d: %+v", i, r)
					}
				}
				if n := len(w.keeper.Requests()) - 1; round == 0 && n != c.messages {
					t.Errorf("%d messages, not %d", n, c.messages)
				}
			}
			if got := cl.Status().Batches; got != c.takes {
				t.Errorf("Batches: %t", got)
			}
		})
	}
	w := newWorld(t, &kmiptest.Keeper{})
	if _, err := w.client(t, kmipclient.Options{}).Batch(ctx(t), []kmip.Payload{&kmip.DestroyRequest{UniqueIdentifier: "1"}}); err == nil {
		t.Error("a batch that destroys was sent")
	}
}

// An idle connection that the server closed costs nobody an error, not even a
// Register: it is noticed before anything is sent.
func TestIdleCut(t *testing.T) {
	w := newWorld(t, &kmiptest.Keeper{})
	c := w.client(t, kmipclient.Options{})
	for range 3 {
		if _, err := c.Query(ctx(t), kmip.QueryOperations); err != nil {
			t.Fatal(err)
		}
		w.server.HangUp()
		awaitEnd(t, w)
		if _, err := c.Register(ctx(t), registerRequest("k")); err != nil {
			t.Fatal(err)
		}
		w.server.HangUp()
		awaitEnd(t, w)
	}
	if n := w.keeper.Operations(kmip.OpRegister); n != 3 {
		t.Errorf("%d registrations, not 3", n)
	}
}

// awaitEnd waits until the server's end of all connections is closed.
func awaitEnd(t testing.TB, w *world) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); w.server.Open() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the connection stays open")
		}
	}
}

// The answer is lost after the operation was carried out: what reads is asked
// again over a new connection, what changes never is.
func TestLostAnswer(t *testing.T) {
	for name, op := range map[string]struct {
		do     func(*kmipclient.Client, string) error
		op     kmip.Operation
		repeat bool
	}{
		"Get": {func(c *kmipclient.Client, id string) error { return second(c.Get(t.Context(), id)) }, kmip.OpGet, true},
		"Register": {func(c *kmipclient.Client, _ string) error {
			return second(c.Register(t.Context(), registerRequest("k")))
		}, kmip.OpRegister, false},
		"Create": {func(c *kmipclient.Client, _ string) error {
			return second(c.Create(t.Context(), &kmip.CreateRequest{}))
		},
			kmip.OpCreate, false},
		"Activate": {func(c *kmipclient.Client, id string) error { return second(c.Activate(t.Context(), id)) }, kmip.OpActivate, false},
		"Destroy":  {func(c *kmipclient.Client, id string) error { return second(c.Destroy(t.Context(), id)) }, kmip.OpDestroy, false},
	} {
		t.Run(name, func(t *testing.T) {
			k := &kmiptest.Keeper{}
			w := newWorld(t, k)
			var lost atomic.Bool
			lose := func(p kmip.Payload) error {
				if p.Operation() == op.op && lost.CompareAndSwap(false, true) {
					return kmiptest.ErrHangUp
				}
				return nil
			}
			k.After = lose
			if op.op == kmip.OpCreate {
				k.Before = lose // the keeper has no Create
			}
			id := k.Add(aesKey(), kmip.StatePreActive)
			c := w.client(t, kmipclient.Options{})
			if _, err := c.Query(t.Context(), kmip.QueryOperations); err != nil { // the connection is a kept one
				t.Fatal(err)
			}
			err := op.do(c, id)
			if op.repeat {
				if err != nil {
					t.Errorf("not repeated: %v", err)
				}
				return
			}
			if !errors.Is(err, kmipclient.ErrOutcomeUnknown) || !fault(t, err).Sent {
				t.Errorf("%v", err)
			}
			if n := k.Operations(op.op); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestServerList(t *testing.T) {
	w := newWorld(t, &kmiptest.Keeper{})
	other := kmiptest.NewServer(t, w.ca.ServerConfig(w.ca.Server()), w.keeper.Handle)
	p1, p2 := faultnet.New(t, w.server.Addr), faultnet.New(t, other.Addr)
	c := w.client(t, kmipclient.Options{}, p1.Addr(), p2.Addr())
	register := func(want string) {
		t.Helper()
		if _, err := c.Register(ctx(t), registerRequest("k")); err != nil {
			t.Fatal(err)
		}
		if got := c.Status().Server; got != want {
			t.Errorf("%s answered, not %s", got, want)
		}
	}
	register(p1.Addr())
	p1.Set(faultnet.Refuse())
	register(p2.Addr())
	p1.Set(faultnet.Pass())
	register(p2.Addr()) // the last good one is kept
	p2.Set(faultnet.Refuse())
	register(p1.Addr())
	p1.Set(faultnet.Refuse())
	e := fault(t, second(c.Register(ctx(t), registerRequest("k"))))
	if len(e.Servers) != 2 || e.Sent || e.Servers[0].Server != p1.Addr() || !errors.Is(e, syscall.ECONNREFUSED) {
		t.Errorf("%+v", e)
	}
	if c.Status().Err == nil {
		t.Error("the status knows of no error")
	}
}

func TestContext(t *testing.T) {
	w := newWorld(t, &kmiptest.Keeper{})
	p := faultnet.New(t, w.server.Addr)
	c := w.client(t, kmipclient.Options{Timeout: 20 * time.Second}, p.Addr())
	if _, err := c.Query(ctx(t), kmip.QueryOperations); err != nil {
		t.Fatal(err)
	}
	p.Set(faultnet.Freeze())
	short, cancel := context.WithCancel(ctx(t))
	time.AfterFunc(50*time.Millisecond, cancel)
	started := time.Now()
	if _, err := c.Query(short, kmip.QueryOperations); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("cancelling took %v", took)
	}
	p.Set(faultnet.Pass())
	if _, err := c.Query(ctx(t), kmip.QueryOperations); err != nil { // a late answer to the first is not taken for this one's
		t.Errorf("not healed: %v", err)
	}
}

// A frozen server holds up each caller for the timeout, not for the sum.
func TestFrozen_ManyCallers(t *testing.T) {
	w := newWorld(t, &kmiptest.Keeper{})
	p := faultnet.New(t, w.server.Addr)
	c := w.client(t, kmipclient.Options{Timeout: 300 * time.Millisecond}, p.Addr())
	p.Set(faultnet.Freeze())
	started := time.Now()
	errs := make(chan error)
	for range 10 {
		go func() { errs <- second(c.Query(context.Background(), kmip.QueryOperations)) }()
	}
	for range 10 {
		if err := <-errs; err == nil {
			t.Error("a frozen server answered")
		}
	}
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestClose(t *testing.T) {
	w := newWorld(t, &kmiptest.Keeper{})
	c := w.client(t, kmipclient.Options{})
	if _, err := c.Query(ctx(t), kmip.QueryOperations); err != nil {
		t.Fatal(err)
	}
	c.Close()
	c.Close()
	if _, err := c.Query(ctx(t), kmip.QueryOperations); !errors.Is(err, kmipclient.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// A connection outlives the deadlines of its exchanges.
func TestKept_LongerThanTheTimeout(t *testing.T) {
	w := newWorld(t, &kmiptest.Keeper{})
	const timeout = 200 * time.Millisecond
	c := w.client(t, kmipclient.Options{Timeout: timeout})
	for range 2 {
		if _, err := c.Query(ctx(t), kmip.QueryOperations); err != nil {
			t.Fatal(err)
		}
		time.Sleep(timeout + 50*time.Millisecond) // the time itself is what is tested
	}
	if n := w.server.Accepted(); n != 1 {
		t.Errorf("%d connections, not 1", n)
	}
}

func TestAgeAndIdle(t *testing.T) {
	for name, o := range map[string]kmipclient.Options{"age": {MaxAge: 1}, "idle": {MaxIdle: 1}} {
		w := newWorld(t, &kmiptest.Keeper{})
		c := w.client(t, o)
		for range 3 {
			if _, err := c.Query(ctx(t), kmip.QueryOperations); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.server.Accepted(); n != 3 {
			t.Errorf("%s: %d connections, not 3", name, n)
		}
	}
}

func Example() {
	client, err := kmipclient.New(kmipclient.Options{
		Servers: []string{"kms1.example:5696", "kms2.example:5696"},
		TLS:     &tls.Config{ /* certificates */ },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	found, err := client.Locate(ctx, &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute("my key")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found.UniqueIdentifiers)
}
