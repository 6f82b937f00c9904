//go:build e2e

package e2e

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

const (
	turn         = time.Second // of one server; then it is another's
	turns        = 3           // of each, of which the median counts
	locateAmong  = 3_000       // objects
	keyBits      = 256
	exampleOf    = 1_500 // which object is looked for
	registerMask = kmip.UsageEncrypt | kmip.UsageDecrypt
)

// rival is a key server under measurement.
type rival struct {
	*keyServer
	conf  *tls.Config
	pid   int
	id    string  // an object to get
	conns []*wire // kept for the whole run
	names atomic.Int64
}

func newRival(b *testing.B, s *keyServer) *rival {
	r := &rival{keyServer: s, conf: s.clientTLS(), pid: s.proc.pid()}
	r.conns = wires(b, s.addr(), r.conf, 64)
	return r
}

// create and register are requests for a new AES-256 key with a name of its own.
func (r *rival) create() []byte {
	return encoded(&kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
		kmip.IntegerAttribute(kmip.AttrCryptographicLength, keyBits),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(registerMask)),
		kmip.NameAttribute(r.name(r.names.Add(1))),
	}}})
}

func (r *rival) register() []byte {
	key := secret.Random(keyBits / 8)
	defer key.Wipe()
	return encoded(&kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Object: kmip.SymmetricKey(kmip.AlgorithmAES, key),
		Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(registerMask)),
			kmip.NameAttribute(r.name(r.names.Add(1))),
		}}})
}

func (*rival) name(i int64) string {
	return fmt.Sprintf("INNODBKey-5c2a1b3e-7d4f-11f0-8c9d-0e1f2a3b4c5d-%d", i)
}

// fill makes objects until there are so many.
func (r *rival) fill(b *testing.B, objects int64) {
	b.Helper()
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for _, c := range r.conns[:8] {
		wg.Go(func() {
			for r.names.Load() < objects-8 && failed.Load() == nil {
				if _, err := c.exchange(r.create()); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	for r.names.Load() < objects {
		if _, err := r.conns[0].exchange(r.create()); err != nil {
			b.Fatal(err)
		}
	}
}

// on runs an operation on each of the first connections.
func (r *rival) on(b *testing.B, conns int, d time.Duration, request func() []byte) load {
	b.Helper()
	return drive(b, r.pid, conns, d, func(w int) error {
		_, err := r.conns[w].exchange(request())
		return err
	})
}

// anew is a connection for each request.
func (r *rival) anew(b *testing.B, conf *tls.Config, request []byte) load {
	b.Helper()
	return drive(b, r.pid, 1, turn, func(int) error {
		c, err := dialWire(r.addr(), conf)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.exchange(request)
		return err
	})
}

// reportKeyServer compares our key server with PyKMIP, both with a durable store
// on the same disk, with one client, in turns.
func reportKeyServer(b *testing.B, report *strings.Builder) {
	dir := diskDir(b)
	ours, theirs := newRival(b, newKeyServerIn(b, diskDir(b))), newRival(b, newPyKMIPIn(b, diskDir(b), false))
	// both runs a measurement on each server in turn.
	both := func(measure func(*rival) load) (our, their load) {
		var a, z []load
		for range turns {
			a, z = append(a, measure(ours)), append(z, measure(theirs))
		}
		return middle(a), middle(z)
	}
	report.WriteString(`
## The key server

` + "`dbkeyring serve`" + ` with its durable store, beside Debian's PyKMIP with its own on the same disk: one client program, mutual TLS with P-256 certificates
(PyKMIP speaks 1.2 of TLS only), kept connections where nothing else is said, in turns of one run. The client shares the machine's cores with them.
"Processor" is the time that the server's process used for each operation.

| operation | connections | dbkeyring | p50 | p99 | processor | PyKMIP | p50 | p99 | processor | ratio | aim |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
`)
	row := func(name string, conns int, our, their load, aim float64) {
		ratio, verdict := our.rate/their.rate, "–"
		if aim > 0 {
			verdict = fmt.Sprintf("%.0f %s", aim, reached(ratio >= aim))
		}
		fmt.Fprintf(report, "| %s | %d | %.0f/s | %s | %s | %s | %s | %s | %s | %s | %.0f | %s |\n", name, conns, our.rate, short(our.p50), short(our.p99), short(our.cpu),
			perSecond(their.rate), short(their.p50), short(their.p99), short(their.cpu), ratio, verdict)
		b.ReportMetric(ratio, fmt.Sprintf("%s_%d_x", strings.NewReplacer(" ", "_", ",", "").Replace(name), conns))
	}

	for _, r := range []*rival{ours, theirs} {
		r.fill(b, locateAmong)
		r.id = one[*kmip.LocateResponse](b, r.conns[0], locateNamed(r.name(exampleOf))).UniqueIdentifiers[0]
	}
	locate := func(r *rival, d time.Duration) load {
		request := encoded(locateNamed(r.name(exampleOf)))
		return r.on(b, 1, d, func() []byte { return request })
	}
	row(fmt.Sprintf("Locate by Name, %d objects", locateAmong), 1, locate(ours, turn), locate(theirs, 10*time.Second), 1_000)

	request := func(r *rival) []byte { return encoded(&kmip.GetRequest{UniqueIdentifier: r.id}) }
	answer, err := ours.conns[0].exchange(request(ours))
	if err != nil {
		b.Fatal(err)
	}
	answer = bytes.Clone(answer) // the connection goes on
	in, out := len(request(ours)), len(answer)
	echo := newEchoRival(b, in, out)
	echo.id = ours.id // for requests of the same size
	var gets, echoes []load
	for _, c := range []struct {
		conns int
		aim   float64
	}{{1, 40}, {8, 100}} {
		get := func(r *rival) load {
			request := request(r)
			return r.on(b, c.conns, turn, func() []byte { return request })
		}
		var a, z, e []load
		for range turns {
			a, e, z = append(a, get(ours)), append(e, get(echo)), append(z, get(theirs))
		}
		gets, echoes = append(gets, middle(a)), append(echoes, middle(e))
		row("Get", c.conns, middle(a), middle(z), c.aim)
	}
	for _, c := range []struct {
		name  string
		cache tls.ClientSessionCache
	}{{"Get, each on a new connection", nil}, {"Get, each on a new connection that resumes a session", tls.NewLRUClientSessionCache(4)}} {
		our, their := both(func(r *rival) load {
			conf := r.conf.Clone()
			conf.ClientSessionCache = c.cache
			if c.cache != nil {
				conf.ClientSessionCache = tls.NewLRUClientSessionCache(4)
			}
			return r.anew(b, conf, request(r))
		})
		row(c.name, 1, our, their, 0)
	}
	var syncs []float64
	for _, op := range []struct {
		name string
		make func(*rival) func() []byte
	}{{"Create", func(r *rival) func() []byte { return r.create }}, {"Register", func(r *rival) func() []byte { return r.register }}} {
		for _, c := range []struct {
			conns int
			aim   float64
		}{{1, 8}, {8, 25}, {64, 60}} {
			our, their := both(func(r *rival) load {
				syncs = append(syncs, syncsPerSecond(b, dir))
				return r.on(b, c.conns, turn, op.make(r))
			})
			row(op.name, c.conns, our, their, c.aim)
		}
	}
	fmt.Fprintf(report, `
In the same minutes the disk took a block of 4 KB and synced it (fdatasync, one thread) %.0f times a second (median; from %.0f to %.0f). A Create of ours
is synced twice before its answer: the object, and the line in the audit log. PyKMIP's is synced by SQLite, and it has no audit log.

### Get beside a bare TLS echo

The echo does nothing but mutual TLS 1.3 with messages of a Get's sizes (%d bytes in, %d out), in the same turns.

| connections | Get | echo | share | aim | Get p50 / p99 | echo p50 / p99 | aim |
|---:|---:|---:|---:|---:|---:|---:|---:|
`, median(syncs), syncs[0], syncs[len(syncs)-1], in, out) // median sorts
	for i, conns := range []int{1, 8} {
		g, e := gets[i], echoes[i]
		aim, ok := "p99 < 1 ms", g.p99 < time.Millisecond
		if conns > 1 {
			aim, ok = "p99 ≤ twice the echo's", g.p99 <= 2*e.p99
		}
		fmt.Fprintf(report, "| %d | %.0f/s | %.0f/s | %.0f %% | 60 %% %s | %s / %s | %s / %s | %s: %s |\n", conns, g.rate, e.rate, 100*g.rate/e.rate,
			reached(g.rate >= 0.6*e.rate), short(g.p50), short(g.p99), short(e.p50), short(e.p99), aim, reached(ok))
		b.ReportMetric(100*g.rate/e.rate, fmt.Sprintf("get_of_echo_%d_%%", conns))
	}
	reportCodec(b, report, answer)
}

func newEchoRival(b *testing.B, in, out int) *rival {
	pid, addr, conf := newEcho(b, in, out)
	return &rival{pid: pid, conf: conf, conns: wires(b, addr, conf, 8)}
}

func locateNamed(name string) *kmip.LocateRequest {
	return &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute(name)}}
}

// reportCodec measures what the encoding costs.
func reportCodec(b *testing.B, report *strings.Builder, frame []byte) {
	b.Helper()
	response, err := kmip.DecodeResponse(frame, ttlv.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	defer response.Wipe()
	w := ttlv.NewWriter(make([]byte, 0, 4096))
	encode := measure(func() {
		w.Truncate(0)
		response.Encode(w)
	})
	decode := measure(func() {
		m, err := kmip.DecodeResponse(frame, ttlv.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		m.Wipe()
	})
	fmt.Fprintf(report, `
### The codec

A Get response with an AES-256 key, %d bytes; decoding puts the key into locked memory and wipes it.

| | time | aim | allocations |
|---|---:|---:|---:|
| encode | %d ns | 300 ns %s | %d (%d B) |
| decode | %d ns | 1500 ns %s | %d (%d B) |
`, len(frame), encode.ns, reached(encode.ns <= 300), encode.allocs, encode.bytes,
		decode.ns, reached(decode.ns <= 1500), decode.allocs, decode.bytes)
}

// perCall is what a call costs.
type perCall struct{ ns, allocs, bytes uint64 }

// measure calls fn over and over. (testing.Benchmark waits for ever inside a benchmark.)
func measure(fn func()) perCall {
	const warm, calls = 1_000, 200_000
	for range warm {
		fn()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range calls {
		fn()
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return perCall{uint64(took.Nanoseconds()) / calls, (after.Mallocs - before.Mallocs) / calls, (after.TotalAlloc - before.TotalAlloc) / calls}
}

// reached says in the report whether an aim is.
func reached(ok bool) string {
	if ok {
		return "reached"
	}
	return "**missed**"
}

// short is a duration with three figures or so.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d < 2*time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func perSecond(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.2f/s", rate)
	}
	return fmt.Sprintf("%.0f/s", rate)
}
