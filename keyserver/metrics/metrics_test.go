package metrics_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/keyserver/metrics"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// serve starts the HTTP port of m, and returns how to ask it.
func serve(t *testing.T, m *metrics.Metrics, checks ...metrics.Check) func(path string) (status int, body string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Serve(ctx, ln, slog.New(slog.DiscardHandler), checks...) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get("http://" + ln.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
}

func TestMetrics_TellWhatTheServerDid(t *testing.T) {
	m := metrics.New("1.2.3")
	s := keyservertest.New(t, keyservertest.WithStore(m.Store(memory.New())), func(o *keyserver.Options) {
		o.Observe, o.Network.Stats = m.Observe, &m.Connections
	})
	end := time.Unix(2_000_000_000, 0)
	keys := s.Keys()
	m.Watch(metrics.Sources{
		Objects: keys.Count, Endpoints: func() int { return 1 },
		Certificates: func() map[string]time.Time { return map[string]time.Time{"ca": end} },
		Audit:        func() audit.State { return audit.State{Lines: 7, Lost: 2, Err: errors.New("full")} },
		StoreSize:    func() (int64, error) { return 4096, nil },
		JournalErr:   func() error { return errors.New("full") },
	})
	cert, key := s.NewClient("db1")
	c := kmiptest.Dial(t, s.Addr, s.ClientConfig(cert, key))
	it := c.One(kmip.V1_4, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt|kmip.UsageDecrypt)),
	}}})
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	if it = c.One(kmip.V1_4, &kmip.GetRequest{UniqueIdentifier: "no-such"}); it.Err() == nil {
		t.Fatal("an unknown object was given out")
	}
	stranger, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(stranger, "GET / HTTP/1.0\r\n\r\n")
	io.Copy(io.Discard, stranger) // until the server has closed it
	stranger.Close()

	status, text := serve(t, m)("/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	for _, want := range []string{
		`dbkeyring_operations_total{operation="Create",result="success"} 1`,
		`dbkeyring_operations_total{operation="Get",result="failure"} 1`,
		`dbkeyring_operations_total{operation="Get",result="success"} 0`,
		`dbkeyring_operation_seconds_count{operation="Create"} 1`,
		`dbkeyring_batch_items_bucket{le="1"} 2`,
		`dbkeyring_objects{state="Pre-Active",type="Symmetric Key"} 1`,
		`dbkeyring_store_commit_seconds_count{result="success"} 2`, // the endpoint, and the key
		`dbkeyring_connections_open 1`,
		`dbkeyring_connections_accepted_total 2`,
		`dbkeyring_connections_refused_total 0`,
		`dbkeyring_tls_handshakes_failed_total 1`,
		`dbkeyring_endpoints 1`,
		`dbkeyring_certificate_end_timestamp_seconds{certificate="ca"} 2e+09`,
		`dbkeyring_audit_writable 0`, `dbkeyring_audit_lines_total 7`, `dbkeyring_audit_lost_lines 2`,
		`dbkeyring_store_bytes 4096`,
		`dbkeyring_journal_stuck 1`,
		`dbkeyring_build_info{version="1.2.3"} 1`,
		`process_open_fds`, `go_goroutines`,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no line %s", want)
		}
	}
	if strings.Contains(text, "db1") || strings.Contains(text, "Destroy") {
		t.Error("the figures name a client, or an operation that was never asked for")
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestObserve_OperationsWithoutANameAreOneSeries(t *testing.T) {
	m := metrics.New("")
	m.Observe([]audit.Entry{{Op: "0xDEADBEEF", Result: audit.Failure}, {Op: "0xDEADBEEE", Result: audit.Undone}, {Op: "message", Result: audit.Denied}})
	_, text := serve(t, m)("/metrics")
	for _, want := range []string{`dbkeyring_operation_seconds_count{operation="other"} 2`, `dbkeyring_operations_total{operation="message",result="denied"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %s", want)
		}
	}
	if strings.Contains(text, "0xDEAD") {
		t.Error("a client can make up series")
	}
}

func TestHealth(t *testing.T) {
	var store, log atomic.Pointer[error]
	check := func(p *atomic.Pointer[error]) metrics.Check {
		return func() error {
			if e := p.Load(); e != nil {
				return *e
			}
			return nil
		}
	}
	get := serve(t, metrics.New(""), check(&store), check(&log))
	if status, text := get("/healthz"); status != http.StatusOK || text != "ok\n" {
		t.Errorf("well, but %d %s", status, text)
	}
	dead, full := errors.New("the disk is gone"), errors.New("the disk is full")
	store.Store(&dead)
	log.Store(&full)
	if status, text := get("/healthz"); status != http.StatusServiceUnavailable || text != "the disk is gone\nthe disk is full\n" {
		t.Errorf("ill, but %d %s", status, text)
	}
	store.Store(nil)
	log.Store(nil)
	if status, _ := get("/healthz"); status != http.StatusOK {
		t.Errorf("well again, but %d", status)
	}
}

func TestHealth_AStoreThatHangsIsToldInTime(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	get := serve(t, metrics.New(""), func() error { <-release; return nil })
	defer close(release)
	if status, text := get("/healthz"); status != http.StatusServiceUnavailable || !strings.Contains(text, "not answered within 5s") {
		t.Errorf("hangs, but %d %s", status, text)
	}
}

func BenchmarkObserve(b *testing.B) {
	m := metrics.New("")
	entries := []audit.Entry{{Op: "Get", Result: audit.Success, Latency: 20 * time.Microsecond}}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Observe(entries)
		}
	})
}
