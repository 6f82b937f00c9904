package keyserver_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The identifiers of the fuzzer's own object and of another endpoint's, as they
// stand in its input. Those that the server gave stand there in its place.
const (
	fuzzOwn    = "00000000-0000-4000-8000-000000000001"
	fuzzTheirs = "00000000-0000-4000-8000-000000000002"
)

// FuzzServer is an endpoint that sends anything. Whatever it is, the server
// answers with a message or closes the connection, and another endpoint's object,
// whose identifier and name the sender knows, stays as it is and unseen.
func FuzzServer(f *testing.F) {
	for _, v := range []kmip.Version{kmip.V1_0, kmip.V1_4, kmip.V2_1} {
		for _, id := range []string{fuzzOwn, fuzzTheirs} {
			for _, p := range slices.Concat(onObject(id), onObject2(id), withKey(id), services(), hostile(id)) {
				f.Add(encodeRequest(v, 0, p))
				f.Add(encodeRequest(v, kmip.BatchUndo, aes("batch"), p, &kmip.GetRequest{}))
			}
		}
	}
	w := newFuzzWorld(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.ReplaceAll(b, []byte(fuzzTheirs), []byte(w.theirs))
		b = bytes.ReplaceAll(b, []byte(fuzzOwn), []byte(w.own))
		if frame := w.send(t, b); frame != nil {
			if m, err := kmip.DecodeResponse(frame, ttlv.Limits{}); err == nil {
				m.Wipe()
			} else {
				t.Fatalf("the answer cannot be read: %v", err)
			}
			for _, hidden := range [][]byte{w.key.Reveal(), []byte("another endpoint's note")} {
				if bytes.Contains(frame, hidden) {
					t.Fatal("the answer has what belongs to another endpoint")
				}
			}
		}
		w.check(t)
	})
}

// hostile is what else can be tried with an object.
func hostile(id string) []kmip.Payload {
	key := secret.Copy(bytes.Repeat([]byte{7}, 32))
	gcm := &kmip.CryptographicParameters{Mode: kmip.ModeGCM}
	return []kmip.Payload{
		&kmip.LocateRequest{Attributes: kmip.Attributes{kmip.TextAttribute(kmip.AttrUniqueIdentifier, id)}},
		&kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute("theirs")}},
		&kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Object: kmip.SymmetricKey(kmip.AlgorithmAES, key),
			Template: kmip.Template{Attributes: kmip.Attributes{kmip.NameAttribute("theirs"),
				{Name: kmip.AttrLink, Value: kmip.Link{Type: kmip.LinkReplacedObject, ID: id}.TTLV()}}}},
		&kmip.EncryptRequest{UniqueIdentifier: id, Parameters: gcm, Data: key},
		&kmip.DecryptRequest{UniqueIdentifier: id, Parameters: gcm, Data: key, IV: make([]byte, 12), Tag: make([]byte, 16)},
		&kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations, kmip.QueryObjects, kmip.QueryServerInformation}},
		&kmip.RNGRetrieveRequest{Length: 16}, &kmip.DiscoverVersionsRequest{},
	}
}

// services is what the server does with data and keys that are none of its objects.
func services() []kmip.Payload {
	der := secret.Copy([]byte{0x30, 3, 2, 1, 5})
	object := func(t kmip.ObjectType) kmip.Object {
		return kmip.Object{Type: t, KeyBlock: kmip.KeyBlock{Format: kmip.KeyFormatPKCS1, Material: der}, CertificateType: kmip.CertificateX509, CertificateValue: der,
			Split: kmip.SplitKey{Parts: 3, Identifier: 1, Threshold: 2, Method: kmip.SplitXOR}}
	}
	all := []kmip.Payload{
		pair(kmip.AlgorithmEC, 256), pair(kmip.AlgorithmRSA, 1024), &kmip.RNGSeedRequest{Data: der},
		&kmip.HashRequest{Parameters: &kmip.CryptographicParameters{Hash: kmip.HashSHA256}, Data: der, Part: kmip.Part{Init: true}},
		&kmip.HashRequest{Data: der, Part: kmip.Part{Final: true, Correlation: []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}},
	}
	for _, t := range []kmip.ObjectType{kmip.ObjectTypePrivateKey, kmip.ObjectTypePublicKey, kmip.ObjectTypeCertificate, kmip.ObjectTypeSplitKey, kmip.ObjectTypePGPKey} {
		all = append(all, &kmip.RegisterRequest{ObjectType: t, Object: object(t)})
	}
	return all
}

func encodeRequest(v kmip.Version, undo kmip.BatchErrorContinuation, payloads ...kmip.Payload) []byte {
	m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: v, Continuation: undo}}
	for i, p := range payloads {
		m.Items = append(m.Items, kmip.RequestItem{Operation: p.Operation(), ID: []byte{byte(i)}, Payload: p})
	}
	var w ttlv.Writer
	m.Encode(&w)
	return w.Bytes()
}

// fuzzWorld is a server with two endpoints: the fuzzer's and its victim's.
type fuzzWorld struct {
	addr        string
	conf        *tls.Config // the fuzzer's
	conn        *tls.Conn   // the fuzzer's; nil when it is closed
	victim      *tls.Conn
	own, theirs string
	key         *secret.Bytes // the victim's
}

func newFuzzWorld(f *testing.F) *fuzzWorld {
	s := keyservertest.New(f)
	w := &fuzzWorld{addr: s.Addr, conf: s.ClientConfig(s.NewClient("fuzzer"))}
	theirs := s.ClientConfig(s.NewClient("victim"))
	w.own = create(f, kmiptest.Dial(f, s.Addr, w.conf), "own")
	victim := kmiptest.Dial(f, s.Addr, theirs)
	w.theirs = create(f, victim, "theirs", kmip.TextAttribute("x-note", "another endpoint's note"))
	w.key = must[*kmip.GetResponse](f, victim, &kmip.GetRequest{UniqueIdentifier: w.theirs}).Object.Content().Clone()
	var err error
	if w.victim, err = tls.Dial("tcp", s.Addr, theirs); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		w.victim.Close()
		w.hangUp()
	})
	return w
}

func (w *fuzzWorld) hangUp() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// send sends bytes and returns the answer, or nil when the connection is closed.
func (w *fuzzWorld) send(t *testing.T, b []byte) []byte {
	t.Helper()
	if w.conn == nil {
		var err error
		if w.conn, err = tls.Dial("tcp", w.addr, w.conf); err != nil {
			t.Fatalf("the server is gone: %v", err)
		}
	}
	whole := false // else the server waits for the rest, or closes
	if len(b) >= ttlv.HeaderSize {
		size, err := ttlv.FrameSize(b[:ttlv.HeaderSize])
		whole = err == nil && size == int64(len(b))
	}
	w.conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err := w.conn.Write(b)
	if err == nil && whole {
		var frame []byte
		if frame, err = kmiptest.ReadFrame(w.conn); err == nil {
			return frame
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the server neither answers nor closes")
	}
	w.hangUp()
	return nil
}

// check has the victim look at its object.
func (w *fuzzWorld) check(t *testing.T) {
	t.Helper()
	w.victim.SetDeadline(time.Now().Add(20 * time.Second))
	ask := encodeRequest(kmip.V1_4, kmip.BatchContinue, &kmip.GetRequest{UniqueIdentifier: w.theirs},
		&kmip.GetAttributesRequest{UniqueIdentifier: w.theirs, Names: []string{kmip.AttrState, "x-note", kmip.AttrLink}})
	if _, err := w.victim.Write(ask); err != nil {
		t.Fatalf("another endpoint's connection: %v", err)
	}
	frame, err := kmiptest.ReadFrame(w.victim)
	if err != nil {
		t.Fatalf("another endpoint's connection: %v", err)
	}
	m, err := kmip.DecodeResponse(frame, ttlv.Limits{})
	if err != nil || len(m.Items) != 2 {
		t.Fatalf("another endpoint's answer: %v", err)
	}
	defer m.Wipe()
	if got, ok := m.Items[0].Payload.(*kmip.GetResponse); !ok || !got.Object.Content().Equal(w.key) {
		t.Fatalf("another endpoint's key: %v", m.Items[0].Err())
	}
	if p, ok := m.Items[1].Payload.(*kmip.GetAttributesResponse); !ok || len(p.Attributes) != 2 || p.Attributes.State() != kmip.StatePreActive {
		t.Fatalf("another endpoint's object: %+v %v", m.Items[1].Payload, m.Items[1].Err())
	}
}
