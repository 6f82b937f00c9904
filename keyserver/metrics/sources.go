package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
)

// Sources are asked for figures at the time that somebody wants to know. All of them are
// required.
type Sources struct {
	Objects      func() map[keyserver.Kind]int
	Endpoints    func() int                  // those that are not removed
	Certificates func() map[string]time.Time // ends, by "ca", "server" and "endpoints": the first that ends
	Audit        func() audit.State
	StoreSize    func() (bytes int64, err error)
	JournalErr   func() error // why the journal cannot be brought into the store's file
}

// Watch adds the figures of s.
func (m *Metrics) Watch(s Sources) { m.registry.MustRegister(&collector{m: m, s: s}) }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("dbkeyring_"+name, help, labels, nil)
}

var (
	objectsDesc     = describe("objects", "Objects, by type and state.", "type", "state")
	endpointsDesc   = describe("endpoints", "Endpoints that are not removed.")
	endDesc         = describe("certificate_end_timestamp_seconds", "When a certificate ends; of the endpoints' the first.", "certificate")
	writableDesc    = describe("audit_writable", "1 if the last line of the audit log could be written, else 0: changes are refused.")
	linesDesc       = describe("audit_lines_total", "Lines of the audit log since its chain began.")
	lostDesc        = describe("audit_lost_lines", "Lines of the audit log that could not be written since the last good one.")
	storeDesc       = describe("store_bytes", "Size of the store's file.")
	journalDesc     = describe("journal_stuck", "1 if the journal cannot be brought into the store's file, else 0: changes are taken until it is full.")
	openDesc        = describe("connections_open", "Connections that are open, on all KMIP ports.")
	acceptedDesc    = describe("connections_accepted_total", "Connections that were accepted.")
	refusedDesc     = describe("connections_refused_total", "Connections that were closed because there were too many.")
	handshakeDesc   = describe("tls_handshakes_failed_total", "Connections whose TLS handshake failed.")
	allDescriptions = []*prometheus.Desc{
		objectsDesc, endpointsDesc, endDesc, writableDesc, linesDesc, lostDesc, storeDesc, journalDesc, openDesc, acceptedDesc, refusedDesc, handshakeDesc,
	}
)

type collector struct {
	m *Metrics
	s Sources
}

func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range allDescriptions {
		to <- d
	}
}

func (c *collector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	for kind, n := range c.s.Objects() {
		gauge(objectsDesc, float64(n), kind.Type.String(), kind.State.String())
	}
	gauge(endpointsDesc, float64(c.s.Endpoints()))
	for what, end := range c.s.Certificates() {
		gauge(endDesc, float64(end.Unix()), what)
	}
	log := c.s.Audit()
	writable := 0.0
	if log.Err == nil {
		writable = 1
	}
	gauge(writableDesc, writable)
	counter(linesDesc, log.Lines)
	gauge(lostDesc, float64(log.Lost))
	if size, err := c.s.StoreSize(); err == nil { // else the figure is missing, which can be seen
		gauge(storeDesc, float64(size))
	}
	stuck := 0.0
	if c.s.JournalErr() != nil {
		stuck = 1
	}
	gauge(journalDesc, stuck)
	n := &c.m.Connections
	gauge(openDesc, float64(n.Open.Load()))
	counter(acceptedDesc, n.Accepted.Load())
	counter(refusedDesc, n.Refused.Load())
	counter(handshakeDesc, n.HandshakesFailed.Load())
}
