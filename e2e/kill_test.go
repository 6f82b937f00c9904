//go:build e2e

package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// killsPerServer is how often one data directory lives through a kill before
// the next one is begun: what has to be looked at grows with it.
const killsPerServer = 100

// TestKeyServerKilled kills the key server in the middle of a mixed load, round
// after round. What was acknowledged is so after the next start, with its key
// bytes; what was asked for and not acknowledged is done or not, never half; and
// of a batch with Undo, and of a key pair, all is done or nothing. What was encrypted is
// counted by the key's Usage Limits. DBKEYRING_KILLS sets the number of
// rounds.
func TestKeyServerKilled(t *testing.T) {
	kills := 1000
	if s := os.Getenv("DBKEYRING_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("DBKEYRING_KILLS: %v", err)
		}
		kills = n
	}
	var written atomic.Int64
	for left := kills; left > 0; left -= killsPerServer {
		s := newKeyServer(t)
		workers := make([]*killWorker, 4)
		conf := s.clientTLS()
		for i := range workers {
			workers[i] = &killWorker{t: t, prefix: fmt.Sprint("w", i), written: &written, keys: map[string]*killKey{}}
		}
		for range min(left, killsPerServer) {
			killRound(t, s, conf, workers)
		}
		conn := kmiptest.Dial(t, s.addr(), conf)
		for _, w := range workers {
			for _, k := range w.keys {
				w.verify(conn, k)
			}
		}
		s.stop()
	}
	t.Logf("%d kills, %d acknowledged writes, none lost", kills, written.Load())
}

// killRound lets the workers write until the kill, starts the server again and
// has them look.
func killRound(t *testing.T, s *keyServer, conf *tls.Config, workers []*killWorker) {
	t.Helper()
	var wg sync.WaitGroup
	under := make(chan struct{}, 1) // the load has begun
	for _, w := range workers {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", s.addr(), conf)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		wg.Go(func() { w.work(conn, under) })
	}
	select {
	case <-under:
	case <-time.After(20 * time.Second):
		t.Fatal("no write is answered")
	}
	time.Sleep(time.Duration(mathrand.IntN(20_000)) * time.Microsecond) // so that the kill meets any moment
	s.kill()
	wg.Wait()
	s.start()
	conn := kmiptest.Dial(t, s.addr(), conf)
	for _, w := range workers {
		w.look(conn)
	}
	conn.Close()
}

// killKey is a key and what the server may say of it.
type killKey struct {
	id      string
	name    string
	content []byte // nil: made by the server, and not looked at yet

	symmetric bool
	now       killState
	maybe     *killState // after a change that was not acknowledged
}

type killState struct {
	state kmip.State
	note  string
	used  int64 // of its Usage Limits
}

// killWorker writes over one connection, one request at a time: when it is cut
// off, one request is in doubt.
type killWorker struct {
	t       testing.TB
	prefix  string
	written *atomic.Int64
	keys    map[string]*killKey // by Unique Identifier
	count   int

	touched []*killKey // in this round
	doubt   []*killKey // keys that one unacknowledged request makes: all or none
}

func (w *killWorker) work(conn *tls.Conn, under chan<- struct{}) {
	for n := 0; w.write(conn); n++ {
		w.written.Add(1)
		if n == 3 {
			select {
			case under <- struct{}{}:
			default:
			}
		}
	}
}

// exchange returns nil when the server is gone.
func (w *killWorker) exchange(conn *tls.Conn, undo bool, payloads ...kmip.Payload) []kmip.ResponseItem {
	m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_4}}
	if undo {
		m.Header.Continuation = kmip.BatchUndo
	}
	for i, p := range payloads {
		m.Items = append(m.Items, kmip.RequestItem{Operation: p.Operation(), ID: []byte{byte(i)}, Payload: p})
	}
	var out ttlv.Writer
	m.Encode(&out)
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(out.Bytes()); err != nil {
		return nil
	}
	frame, err := kmiptest.ReadFrame(conn)
	if err != nil {
		return nil
	}
	answer, err := kmip.DecodeResponse(frame, ttlv.Limits{})
	if err != nil {
		w.t.Errorf("an answer cannot be read: %v", err)
		return nil
	}
	return answer.Items
}

// write makes one change. It returns false when the server is gone.
func (w *killWorker) write(conn *tls.Conn) bool {
	var k *killKey
	for _, k = range w.keys { // any one
		break
	}
	choice := mathrand.IntN(12)
	switch {
	case k != nil && choice > 9 && k.now.state == kmip.StateActive && k.symmetric:
		to := k.now
		to.used++
		return w.change(conn, k, to, &kmip.EncryptRequest{UniqueIdentifier: k.id, Data: secret.Copy(make([]byte, 16)), Parameters: &kmip.CryptographicParameters{Mode: kmip.ModeECB}})
	case k == nil, choice < 2:
		return w.register(conn)
	case choice == 2:
		return w.create(conn)
	case choice == 3:
		return w.registerTwo(conn)
	case choice == 4:
		return w.undone(conn)
	case choice == 10:
		return w.createPair(conn)
	case choice < 7:
		to := k.now
		to.note = strconv.Itoa(w.count)
		w.count++
		return w.change(conn, k, to, &kmip.ModifyAttributeRequest{UniqueIdentifier: k.id, Attribute: kmip.TextAttribute(killNote, to.note)})
	}
	to := k.now
	switch k.now.state {
	case kmip.StatePreActive:
		to.state = kmip.StateActive
		return w.change(conn, k, to, &kmip.ActivateRequest{UniqueIdentifier: k.id})
	case kmip.StateActive:
		to.state = kmip.StateDeactivated
		return w.change(conn, k, to, &kmip.RevokeRequest{UniqueIdentifier: k.id, Reason: kmip.RevocationReason{Code: kmip.RevocationSuperseded}})
	}
	to.state = kmip.StateDestroyed
	return w.change(conn, k, to, &kmip.DestroyRequest{UniqueIdentifier: k.id})
}

const killNote = "x-note"

func (w *killWorker) newKey() (*killKey, kmip.Attributes) {
	k, attributes := w.named(kmip.UsageEncrypt | kmip.UsageDecrypt)
	k.symmetric = true
	return k, append(attributes, kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
		kmip.Attribute{Name: kmip.AttrUsageLimits, Value: kmip.UsageLimits{Total: killTotal, Unit: kmip.UsageLimitsObject}.TTLV()})
}

// killTotal is how often a key can be used: more often than this test does.
const killTotal = 1_000_000

func (w *killWorker) named(mask kmip.UsageMask) (*killKey, kmip.Attributes) {
	k := &killKey{name: fmt.Sprint(w.prefix, "-", w.count), now: killState{state: kmip.StatePreActive, note: "new"}}
	w.count++
	return k, kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(mask)), kmip.NameAttribute(k.name), kmip.TextAttribute(killNote, "new")}
}

func (w *killWorker) newRegister() (*killKey, *kmip.RegisterRequest) {
	k, attributes := w.newKey()
	k.content = make([]byte, 32)
	rand.Read(k.content)
	return k, &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: attributes},
		Object: kmip.SymmetricKey(kmip.AlgorithmAES, secret.Copy(k.content))}
}

// made takes in new keys, or leaves them in doubt if there is no answer.
func (w *killWorker) made(items []kmip.ResponseItem, keys ...*killKey) bool {
	if items == nil {
		w.doubt = keys
		return false
	}
	for i, k := range keys {
		switch p := items[min(i, len(items)-1)].Payload.(type) {
		case *kmip.RegisterResponse:
			k.id = p.UniqueIdentifier
		case *kmip.CreateResponse:
			k.id = p.UniqueIdentifier
		case *kmip.CreateKeyPairResponse:
			k.id = []string{p.PrivateKey, p.PublicKey}[i]
		default:
			w.t.Errorf("a key was not made: %v", items[min(i, len(items)-1)].Err())
			return false
		}
		w.keys[k.id] = k
		w.touched = append(w.touched, k)
	}
	return true
}

func (w *killWorker) register(conn *tls.Conn) bool {
	k, r := w.newRegister()
	return w.made(w.exchange(conn, false, r), k)
}

func (w *killWorker) create(conn *tls.Conn) bool {
	k, attributes := w.newKey()
	return w.made(w.exchange(conn, false, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: attributes}}), k)
}

// createPair makes two keys with one operation.
func (w *killWorker) createPair(conn *tls.Conn) bool {
	private, forPrivate := w.named(kmip.UsageSign)
	public, forPublic := w.named(kmip.UsageVerify)
	return w.made(w.exchange(conn, false, &kmip.CreateKeyPairRequest{
		Common: kmip.Template{Attributes: kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmEC), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256)}},
		Private: kmip.Template{Attributes: forPrivate}, Public: kmip.Template{Attributes: forPublic},
	}), private, public)
}

// registerTwo makes two keys in a batch that is done as a whole or not at all.
func (w *killWorker) registerTwo(conn *tls.Conn) bool {
	k1, r1 := w.newRegister()
	k2, r2 := w.newRegister()
	return w.made(w.exchange(conn, true, r1, r2), k1, k2)
}

// undone makes a key in a batch that fails further on, so that nothing is made.
func (w *killWorker) undone(conn *tls.Conn) bool {
	k, r := w.newRegister()
	items := w.exchange(conn, true, r, &kmip.DestroyRequest{UniqueIdentifier: "no such key"})
	if items == nil {
		w.doubt = []*killKey{k, {name: k.name + "-never"}} // two, of which one cannot be there: so neither
		return false
	}
	for i := range items {
		if items[i].Err() == nil {
			w.t.Errorf("item %d of a batch that fails was done", i)
		}
	}
	w.absent(conn, k.name)
	return true
}

func (w *killWorker) absent(conn *tls.Conn, name string) {
	items := w.exchange(conn, false, &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute(name)}})
	if len(items) == 1 {
		if p, ok := items[0].Payload.(*kmip.LocateResponse); !ok || len(p.UniqueIdentifiers) > 0 {
			w.t.Errorf("%s was undone, and is there: %+v", name, items[0])
		}
	}
}

// change changes a key, which is in doubt until the answer is there.
func (w *killWorker) change(conn *tls.Conn, k *killKey, to killState, p kmip.Payload) bool {
	if k.now.state == kmip.StateDestroyed { // nothing more can be done with it
		delete(w.keys, k.id)
		return w.register(conn)
	}
	w.touched = append(w.touched, k)
	k.maybe = &to
	items := w.exchange(conn, false, p)
	if items == nil {
		return false
	}
	if err := items[0].Err(); err != nil {
		w.t.Errorf("%s of %s: %v", p.Operation(), k.id, err)
		return false
	}
	k.now, k.maybe = to, nil
	return true
}

// look compares what the server has with what was acknowledged in this round.
func (w *killWorker) look(conn *kmiptest.Conn) {
	w.t.Helper()
	var found []*killKey
	for _, k := range w.doubt {
		ids := conn.One(kmip.V1_4, &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute(k.name)}}).Payload.(*kmip.LocateResponse).UniqueIdentifiers
		if len(ids) == 1 {
			k.id = ids[0]
			found = append(found, k)
		} else if len(ids) > 1 {
			w.t.Fatalf("%s is there %d times", k.name, len(ids))
		}
	}
	if len(found) > 0 && len(found) != len(w.doubt) {
		w.t.Fatalf("of one request for %d keys %d are there", len(w.doubt), len(found))
	}
	for _, k := range found {
		w.keys[k.id] = k
		w.touched = append(w.touched, k)
	}
	for _, k := range w.touched {
		w.verify(conn, k)
	}
	w.touched, w.doubt = nil, nil
}

// verify compares a key with what the server says.
func (w *killWorker) verify(conn *kmiptest.Conn, k *killKey) {
	w.t.Helper()
	item := conn.One(kmip.V1_4, &kmip.GetAttributesRequest{UniqueIdentifier: k.id, Names: []string{kmip.AttrState, killNote, kmip.AttrUsageLimits}})
	p, ok := item.Payload.(*kmip.GetAttributesResponse)
	if !ok {
		w.t.Fatalf("%s (%s) was acknowledged: %v", k.id, k.name, item.Err())
	}
	note, _ := p.Attributes.Get(killNote)
	is := killState{state: p.Attributes.State(), note: note.Text}
	if v, ok := p.Attributes.Get(kmip.AttrUsageLimits); ok {
		limits, err := kmip.ParseUsageLimits(v)
		if err != nil {
			w.t.Fatal(err)
		}
		is.used = limits.Total - limits.Count
	}
	if is != k.now && (k.maybe == nil || is != *k.maybe) {
		w.t.Fatalf("%s (%s) is %+v; acknowledged is %+v, in doubt %+v", k.id, k.name, is, k.now, k.maybe)
	}
	k.now, k.maybe = is, nil
	item = conn.One(kmip.V1_4, &kmip.GetRequest{UniqueIdentifier: k.id})
	got, ok := item.Payload.(*kmip.GetResponse)
	if is.state == kmip.StateDestroyed {
		if ok {
			w.t.Fatalf("%s was destroyed, and its bytes are there", k.id)
		}
		return
	}
	if !ok {
		w.t.Fatalf("the bytes of %s (%s): %v", k.id, k.name, item.Err())
	}
	content := bytes.Clone(got.Object.Content().Reveal())
	if k.content == nil {
		k.content = content
	}
	if !bytes.Equal(content, k.content) {
		w.t.Fatalf("%s has other bytes", k.id)
	}
}
