// Package metrics tells what the key server does: in figures for Prometheus, and in a
// word for whoever asks whether it is well. No figure names an object or a client.
package metrics

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
)

// seconds are the upper ends of the classes that latencies are counted in: a Get takes
// some 20 µs, a change as long as the disk, a disk that is in trouble seconds.
var seconds = []float64{25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 100e-3, 1, 10}

// Metrics are a server's figures. Make it with [New].
type Metrics struct {
	// Connections is to be counted in, by all ports.
	Connections kmipserver.Stats

	registry   *prometheus.Registry
	operations map[string]*operation // by name; never changed
	other      *operation            // what has no name of its own
	batches    prometheus.Histogram
	commits    *prometheus.HistogramVec
}

// New returns figures of a program of this version, all zero.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), operations: make(map[string]*operation)}
	counts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dbkeyring_operations_total", Help: "KMIP operations, by result as in the audit log.",
	}, []string{"operation", "result"})
	latencies := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "dbkeyring_operation_seconds", Help: "Time that KMIP operations took, without the network.", Buckets: seconds,
	}, []string{"operation"})
	named := func(name string) *operation { return &operation{name: name, counts: counts, latencies: latencies} }
	for op := kmip.Operation(1); op <= lastOperation; op++ {
		m.operations[op.String()] = named(op.String())
	}
	m.operations[wholeMessage] = named(wholeMessage)
	m.other = named("other")
	m.batches = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "dbkeyring_batch_items", Help: "Operations in a message.", Buckets: []float64{1, 2, 4, 8, 16, 64, 256, 1024},
	})
	m.commits = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "dbkeyring_store_commit_seconds", Help: "Time until a change of an object was on the disk, or failed.", Buckets: seconds,
	}, []string{"result"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "dbkeyring_build_info", Help: "Always 1; the label has the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(counts, latencies, m.batches, m.commits, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// lastOperation is the highest number of an operation that has a name here (KMIP 2.1,
// 11.38). A number that nobody has named is counted as "other": who may send messages
// must not be able to make up series.
const lastOperation = kmip.OpPing

// wholeMessage is what the audit log calls a message that could not be taken apart.
const wholeMessage = "message"

// operation has the figures of one. Its series are made at its first use, so that
// what is never done is not told.
type operation struct {
	name      string
	counts    *prometheus.CounterVec
	latencies *prometheus.HistogramVec

	once    sync.Once
	latency prometheus.Observer
	results map[string]prometheus.Counter
}

func (o *operation) observe(result string, took time.Duration) {
	o.once.Do(func() {
		o.latency = o.latencies.WithLabelValues(o.name)
		o.results = make(map[string]prometheus.Counter)
		for _, r := range []string{audit.Success, audit.Failure, audit.Denied, audit.Undone} {
			o.results[r] = o.counts.WithLabelValues(o.name, r)
		}
	})
	o.latency.Observe(took.Seconds())
	o.results[result].Inc()
}

// Observe counts the operations of a message. It takes no lock.
func (m *Metrics) Observe(entries []audit.Entry) {
	for i := range entries {
		o := m.operations[entries[i].Op]
		if o == nil {
			o = m.other
		}
		o.observe(entries[i].Result, entries[i].Latency)
	}
	m.batches.Observe(float64(len(entries)))
}

// Store returns s with its commits timed.
func (m *Metrics) Store(s store.Store) store.Store {
	return &timed{Store: s, done: m.commits.WithLabelValues("success"), failed: m.commits.WithLabelValues("failure")}
}

type timed struct {
	store.Store
	done, failed prometheus.Observer
}

func (t *timed) Update(ctx context.Context, fn func(store.Writer) error) error {
	began := time.Now()
	err := t.Store.Update(ctx, fn)
	if err != nil {
		t.failed.Observe(time.Since(began).Seconds())
		return err
	}
	t.done.Observe(time.Since(began).Seconds())
	return nil
}

// handler answers with all figures.
func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: answerTimeout})
}
