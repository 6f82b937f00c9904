package keyserver_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

func limit(t *testing.T, s *keyservertest.Server, name string, l endpoint.Limits) {
	t.Helper()
	if _, err := s.Registry.SetLimits(t.Context(), name, l); err != nil {
		t.Fatal(err)
	}
}

// TestLimits_Objects: however many clients of an endpoint make objects at a time, there
// are never more than it may have; what is destroyed makes room.
func TestLimits_Objects(t *testing.T) {
	s := keyservertest.New(t)
	cert, key := s.NewClient("db")
	conf := s.ClientConfig(cert, key)
	limit(t, s, "db", endpoint.Limits{Objects: 10})
	var made atomic.Int32
	var ids sync.Map
	var wg sync.WaitGroup
	for range 4 {
		c := kmiptest.Dial(t, s.Addr, conf)
		wg.Go(func() {
			for range 6 {
				it := c.One(kmip.V1_4, aes(""))
				if err := it.Err(); err == nil {
					made.Add(1)
					ids.Store(it.Payload.(*kmip.CreateResponse).UniqueIdentifier, true)
				} else if kmip.ReasonOf(err) != kmip.ReasonPermissionDenied || !strings.Contains(err.Error(), "db may have 10 objects") {
					t.Errorf("refused with %v", err)
				}
			}
		})
	}
	wg.Wait()
	if made.Load() != 10 {
		t.Fatalf("%d objects were made", made.Load())
	}
	c := kmiptest.Dial(t, s.Addr, conf)
	ids.Range(func(id, _ any) bool {
		if it := c.One(kmip.V1_4, &kmip.DestroyRequest{UniqueIdentifier: id.(string)}); it.Err() != nil {
			t.Fatal(it.Err())
		}
		return false
	})
	// A message that is done as a whole, and has one object too many, makes none.
	for _, it := range c.Do(wholeMessage(aes("a"), aes("b"))).Items {
		if it.Err() == nil {
			t.Error("two objects in the place of one")
		}
	}
	if it := c.Do(wholeMessage(aes("a"))).Items[0]; it.Err() != nil {
		t.Errorf("there is room for one: %v", it.Err())
	}
	if it := c.One(kmip.V1_4, aes("")); it.Err() == nil {
		t.Error("there is no room, and one was made")
	}
	limit(t, s, "db", endpoint.Limits{})
	if it := c.One(kmip.V1_4, aes("")); it.Err() != nil {
		t.Errorf("there is no limit any more: %v", it.Err())
	}
}

// TestLimits_Connections: one more than an endpoint may have is closed, on both ports;
// others are not concerned, and one that ends makes room.
func TestLimits_Connections(t *testing.T) {
	s := keyservertest.New(t)
	cert, key := s.NewClient("db")
	conf := s.ClientConfig(cert, key)
	limit(t, s, "db", endpoint.Limits{Connections: 2})
	https := s.ServeHTTPS()
	first := kmiptest.Dial(t, s.Addr, conf)
	if it := first.One(kmip.V1_4, &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}}); it.Err() != nil {
		t.Fatal(it.Err())
	}
	post := func(client *http.Client) (int, error) {
		var w ttlv.Writer
		p := &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}}
		(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_4}, Items: []kmip.RequestItem{{Operation: p.Operation(), Payload: p}}}).Encode(&w)
		resp, err := client.Post("https://"+https+kmipserver.HTTPSPath, "application/octet-stream", strings.NewReader(string(w.Bytes())))
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body) // else the connection is not kept
		return resp.StatusCode, err
	}
	transport := &http.Transport{TLSClientConfig: conf}
	defer transport.CloseIdleConnections()
	second := &http.Client{Transport: transport}
	for range 2 { // over one connection
		if code, err := post(second); code != http.StatusOK {
			t.Fatalf("the second connection: %d, %v", code, err)
		}
	}
	if answers(s.Addr, conf) {
		t.Error("a third connection is served")
	}
	other := &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}
	if code, err := post(&http.Client{Transport: other}); code != http.StatusServiceUnavailable {
		t.Errorf("a third connection over HTTPS: %d, %v", code, err)
	}
	cert2, key2 := s.NewClient("db2")
	if !answers(s.Addr, s.ClientConfig(cert2, key2)) {
		t.Error("another endpoint is refused")
	}
	transport.CloseIdleConnections()
	for end := time.Now().Add(10 * time.Second); !answers(s.Addr, conf); {
		if time.Now().After(end) {
			t.Fatal("a connection has ended, and there is no room for another")
		}
	}
}

// answers says whether the server answers on a new connection, which is closed then.
func answers(addr string, conf *tls.Config) bool {
	nc, err := tls.Dial("tcp", addr, conf)
	if err != nil {
		return false
	}
	defer nc.Close()
	var w ttlv.Writer
	p := &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}}
	(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_4}, Items: []kmip.RequestItem{{Operation: p.Operation(), Payload: p}}}).Encode(&w)
	if _, err := nc.Write(w.Bytes()); err != nil {
		return false
	}
	var one [1]byte
	_, err = nc.Read(one[:])
	return err == nil
}

// TestLimits_Rate: an endpoint that asks for more than it may waits, and with many
// connections is refused. That is no word about any key.
func TestLimits_Rate(t *testing.T) {
	s := keyservertest.New(t)
	cert, key := s.NewClient("db")
	conf := s.ClientConfig(cert, key)
	id := func() string {
		it := kmiptest.Dial(t, s.Addr, conf).One(kmip.V1_4, aes(""))
		return it.Payload.(*kmip.CreateResponse).UniqueIdentifier
	}()
	const rate = 20
	limit(t, s, "db", endpoint.Limits{Rate: rate})
	var done, refused atomic.Int32
	var wg sync.WaitGroup
	began := time.Now()
	for range 2 * rate { // twice what may be done and wait at once
		c := kmiptest.Dial(t, s.Addr, conf)
		wg.Go(func() {
			for range 2 {
				it := c.One(kmip.V1_4, &kmip.GetRequest{UniqueIdentifier: id})
				switch err := it.Err(); {
				case err == nil:
					done.Add(1)
				case kmip.ReasonOf(err) == kmip.ReasonGeneralFailure && strings.Contains(err.Error(), fmt.Sprintf("more than the %d operations a second", rate)):
					refused.Add(1)
				default:
					t.Errorf("refused with %v", err)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began).Seconds()
	if n := float64(done.Load()); n < 2*rate || n > rate*(took+1)+1 || refused.Load() == 0 {
		t.Errorf("%v operations were done in %.2f s, and %d refused", n, took, refused.Load())
	}
	cert2, key2 := s.NewClient("db2")
	if it := kmiptest.Dial(t, s.Addr, s.ClientConfig(cert2, key2)).One(kmip.V1_4, aes("")); it.Err() != nil {
		t.Errorf("another endpoint: %v", it.Err())
	}
}
