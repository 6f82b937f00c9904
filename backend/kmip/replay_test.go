package kmip_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"testing"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// percona speaks as one of the two generations of Percona's component does.
type percona struct {
	t      *testing.T
	addr   string
	conf   *tls.Config
	legacy bool
	conn   *tls.Conn
}

// send sends one message. The older generation makes a connection for each, takes
// at most 8,192 bytes of answer and says 1.0 for all but Register and Get
// Attributes.
func (p *percona) send(payloads ...kmip.Payload) []kmip.ResponseItem {
	p.t.Helper()
	m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_4}}
	if p.legacy {
		m.Header.MaximumResponseSize = 8192
		switch payloads[0].(type) {
		case *kmip.RegisterRequest, *kmip.GetAttributesRequest:
		default:
			m.Header.Version = kmip.V1_0
		}
	}
	for i, pl := range payloads {
		it := kmip.RequestItem{Operation: pl.Operation(), Payload: pl}
		if len(payloads) > 1 {
			it.ID = []byte{byte(i + 1)}
		}
		m.Items = append(m.Items, it)
	}
	if p.conn == nil || p.legacy {
		c, err := tls.Dial("tcp", p.addr, p.conf)
		if err != nil {
			p.t.Fatal(err)
		}
		p.conn = c
	}
	if p.legacy {
		defer p.conn.Close()
	}
	p.conn.SetDeadline(time.Now().Add(10 * time.Second))
	var w ttlv.Writer
	m.Encode(&w)
	if _, err := p.conn.Write(w.Bytes()); err != nil {
		p.t.Fatal(err)
	}
	head := make([]byte, ttlv.HeaderSize)
	if _, err := io.ReadFull(p.conn, head); err != nil {
		p.t.Fatal(err)
	}
	n, err := ttlv.FrameSize(head)
	if err != nil || p.legacy && n > 8192 {
		p.t.Fatalf("an answer of %d bytes, %v", n, err)
	}
	frame := append(head, make([]byte, n-ttlv.HeaderSize)...)
	if _, err := io.ReadFull(p.conn, frame[ttlv.HeaderSize:]); err != nil {
		p.t.Fatal(err)
	}
	res, err := kmip.DecodeResponse(frame, ttlv.Limits{})
	if err != nil {
		p.t.Fatal(err)
	}
	for i := range res.Items {
		if err := res.Items[i].Err(); err != nil {
			p.t.Fatalf("%v", err)
		}
	}
	return res.Items
}

// load reads all keys as the component does at its start.
func (p *percona) load(group string) map[string]string {
	p.t.Helper()
	found := map[string]string{}
	page, names := int32(256), []string(nil)
	if p.legacy {
		page, names = 16, []string{kmip.AttrName}
	}
	for _, typ := range []kmip.ObjectType{kmip.ObjectTypeSymmetricKey, kmip.ObjectTypeSecretData} {
		attrs := kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrObjectType, typ)}
		if group != "" {
			attrs = append(attrs, kmip.TextAttribute(kmip.AttrObjectGroup, group))
		}
		var uids []string
		for {
			offset := int32(len(uids))
			l := p.send(&kmip.LocateRequest{MaximumItems: page, OffsetItems: &offset, Attributes: attrs})[0].Payload.(*kmip.LocateResponse)
			uids = append(uids, l.UniqueIdentifiers...)
			if l.LocatedItems == nil {
				p.t.Fatal("no Located Items")
			}
			if len(l.UniqueIdentifiers) == 0 || len(uids) >= int(*l.LocatedItems) {
				break
			}
		}
		for _, uid := range uids {
			get, attributes := &kmip.GetRequest{UniqueIdentifier: uid}, &kmip.GetAttributesRequest{UniqueIdentifier: uid, Names: names}
			var items []kmip.ResponseItem
			if p.legacy {
				items = append(p.send(get), p.send(attributes)...)
			} else {
				items = p.send(get, attributes)
			}
			g, a := items[0].Payload.(*kmip.GetResponse), items[1].Payload.(*kmip.GetAttributesResponse)
			if len(a.Attributes.Names()) != 1 || !p.legacy && a.Attributes.State() != kmip.StateActive {
				p.t.Errorf("object %s: %+v", uid, a.Attributes)
				continue
			}
			n := a.Attributes.Names()[0]
			if _, twice := found[n]; twice {
				p.t.Errorf("two objects named %q: the component does not start", n)
			}
			found[n] = fmt.Sprintf("%s %x", g.ObjectType, g.Object.Content().Reveal())
			g.Object.Wipe()
		}
	}
	return found
}

// store and remove are the component's, with its attributes in its order.
func (p *percona) store(name string, content []byte, group string) {
	p.t.Helper()
	d := secret.Copy(content)
	defer d.Wipe()
	alg := kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
		kmip.IntegerAttribute(kmip.AttrCryptographicLength, int32(8*len(content))),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 0x0C),
	}
	id := kmip.Attributes{kmip.NameAttribute(name)}
	if group != "" {
		id = append(id, kmip.TextAttribute(kmip.AttrObjectGroup, group))
	}
	attrs := append(id, alg...)
	if p.legacy {
		attrs = append(alg, id...)
	}
	r := p.send(&kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Object: kmip.SymmetricKey(kmip.AlgorithmAES, d),
		Template: kmip.Template{Attributes: attrs}})[0].Payload.(*kmip.RegisterResponse)
	p.send(&kmip.ActivateRequest{UniqueIdentifier: r.UniqueIdentifier})
}

func (p *percona) remove(uid string) {
	p.t.Helper()
	p.send(&kmip.RevokeRequest{UniqueIdentifier: uid, Reason: kmip.RevocationReason{Code: kmip.RevocationUnspecified, Message: "Deleting the key"}})
	p.send(&kmip.DestroyRequest{UniqueIdentifier: uid})
}

// A database moves from one component to the other and back, with all its keys,
// on our key server.
func TestPerconaAndBack(t *testing.T) {
	for _, legacy := range []bool{true, false} {
		for _, group := range []string{"", "mysql-1"} {
			t.Run(fmt.Sprintf("legacy=%t,group=%q", legacy, group), func(t *testing.T) {
				server := keyservertest.New(t)
				cert, keyFile := server.NewClient("mysql")
				o := backend.Options{Servers: []string{server.Addr}, ClientCertFile: cert, ClientKeyFile: keyFile, ServerCAFile: server.CAFile, ObjectGroup: group}
				p := &percona{t: t, addr: server.Addr, conf: server.ClientConfig(cert, keyFile), legacy: legacy}
				defer func() { p.conn.Close() }()
				want := map[string]string{}
				for i := range 20 { // more than a page of the older one
					n := fmt.Sprintf("theirs-%d", i)
					p.store(n, bytesOf(32, byte(i)), group)
					want[n] = fmt.Sprintf("Symmetric Key %x", bytesOf(32, byte(i)))
				}
				k := open(t, o, &buffer{})
				for i := range 20 {
					mustHave(t, k, keyring.ID{Name: fmt.Sprintf("theirs-%d", i)}, "AES", bytesOf(32, byte(i)))
				}
				add := func(id keyring.ID, typ, object string, content []byte, name string) {
					d := secret.Copy(content)
					defer d.Wipe()
					if err := k.Store(t.Context(), id, keyring.Key{Type: typ, Data: d}); err != nil {
						t.Fatal(err)
					}
					want[name] = fmt.Sprintf("%s %x", object, content)
				}
				add(keyring.ID{Name: "INNODBKey-u-1"}, "AES", "Symmetric Key", bytesOf(32, 100), "INNODBKey-u-1")
				add(keyring.ID{Name: "audit"}, "SECRET", "Secret Data", []byte("opaque"), "audit")
				add(keyring.ID{Name: "audit", Owner: "root@localhost"}, "aes", "Symmetric Key", bytesOf(16, 101), "dbkeyring:1:root@localhost:audit")
				got := p.load(group)
				for n, w := range want {
					if got[n] != w {
						t.Errorf("%q: %q, want %q", n, got[n], w)
					}
				}
				if len(got) != len(want) {
					t.Errorf("%d keys, not %d", len(got), len(want))
				}
				// What one made the other removes, and the name is free.
				uid, err := k.(keyring.NativeIDer).NativeID(t.Context(), keyring.ID{Name: "INNODBKey-u-1"})
				if err != nil {
					t.Fatal(err)
				}
				p.remove(uid)
				p.store("INNODBKey-u-1", bytesOf(32, 102), group)
				if err := k.Remove(t.Context(), keyring.ID{Name: "theirs-0"}); err != nil {
					t.Error(err)
				}
				p.store("theirs-0", bytesOf(32, 103), group)
				if err := k.(keyring.Reloader).Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
				mustHave(t, k, keyring.ID{Name: "INNODBKey-u-1"}, "AES", bytesOf(32, 102))
				mustHave(t, k, keyring.ID{Name: "theirs-0"}, "AES", bytesOf(32, 103))
			})
		}
	}
}
