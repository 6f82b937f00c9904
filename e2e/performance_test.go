//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	kmipkeyring "github.com/dbkeyring/dbkeyring/backend/kmip"
	base "github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// BenchmarkReport measures what a user would ask about, side by side in one run,
// and writes it to the file that DBKEYRING_REPORT names. The machine's speed is in
// the figures; the ratios are what counts.
func BenchmarkReport(b *testing.B) {
	var report strings.Builder
	fmt.Fprintf(&report, `# Performance

Measured by `+"`make bench`"+` on %s, %d cores, all servers on one machine over loopback.
Each row compares in one run; the figures are those of this machine, the ratios hold elsewhere.
`, time.Now().UTC().Format("2 January 2006"), runtime.NumCPU())
	for _, part := range []struct {
		name    string
		measure func(*testing.B, *strings.Builder)
	}{
		{"start", reportStart}, {"start_kms", reportStartKMS}, {"fetch", reportFetch}, {"requests_kms", reportRequestsKMS}, {"memory", reportMemory}, {"failover", reportFailover},
		{"blocks_wt", reportBlocks}, {"inserts_wt", reportInserts}, {"fleet", reportFleet},
		{"keyserver", reportKeyServer}, {"million", reportMillion},
	} {
		b.Run(part.name, func(b *testing.B) {
			part.measure(b, &report)
			b.ReportMetric(0, "ns/op") // the whole is no figure
		})
	}
	if file := os.Getenv("DBKEYRING_REPORT"); file != "" {
		writeFile(b, file, report.String(), 0o644)
	} else {
		fmt.Println(report.String())
	}
}

func median[T int64 | float64 | time.Duration](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}

// quartile is the value that a quarter is below.
func quartile(values []time.Duration) time.Duration {
	slices.Sort(values)
	return values[len(values)/4]
}

// reportStart compares how long the keyring takes to know all keys.
func reportStart(b *testing.B, report *strings.Builder) {
	report.WriteString(`
## Start of the keyring

How long the component takes to have all keys in memory when mysqld starts: our way (pages of identifiers, then batches of
Get and Get Attributes), against one request after the other on one kept connection.

| key server | keys | our start | one request per key | ratio |
|---|---:|---:|---:|---:|
`)
	for _, c := range []struct {
		kind string
		new  func(testing.TB) *keyServer
		keys int
	}{
		{"dbkeyring", newKeyServer, 1_000},
		{"dbkeyring", newKeyServer, 10_000},
		{"PyKMIP", func(t testing.TB) *keyServer { return newPyKMIP(t, false) }, 200},
	} {
		o := backendOptions(b, c.new(b))
		fill(b, o, c.keys)
		var ours, single []time.Duration
		for range 3 {
			start := time.Now()
			r, err := kmipkeyring.Open(context.Background(), o, nil)
			if err != nil {
				b.Fatal(err)
			}
			ours = append(ours, time.Since(start))
			if ids, err := r.List(context.Background()); err != nil || len(ids) != c.keys {
				b.Fatalf("%d of %d keys, %v", len(ids), c.keys, err)
			}
			r.Close()
			start = time.Now()
			if n := oneByOne(b, o); n != c.keys {
				b.Fatalf("one by one: %d of %d keys", n, c.keys)
			}
			single = append(single, time.Since(start))
		}
		a, z := median(ours), median(single)
		fmt.Fprintf(report, "| %s | %d | %v | %v | %.1f times faster |\n", c.kind, c.keys, a.Round(time.Millisecond), z.Round(time.Millisecond), float64(z)/float64(a))
		b.ReportMetric(float64(z)/float64(a), fmt.Sprintf("start_%s_%d_x", c.kind, c.keys))
	}
}

func backendOptions(b testing.TB, s *keyServer) kmipkeyring.Options {
	b.Helper()
	file := filepath.Join(s.dir, component+".cnf")
	s.Config.write(b, file)
	o, _, err := percona.ReadFile(file, base.CurrentBase())
	if err != nil {
		b.Fatal(err)
	}
	o.Options.StartTimeout = 5 * time.Minute
	return o.Options
}

// fill makes InnoDB's kind of keys.
func fill(b testing.TB, o kmipkeyring.Options, keys int) {
	b.Helper()
	const writers = 8
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			r, err := kmipkeyring.Open(context.Background(), o, nil)
			if err != nil {
				b.Error(err)
				return
			}
			defer r.Close()
			for i := w; i < keys; i += writers {
				id := keyring.ID{Name: fmt.Sprintf("INNODBKey-5c2a1b3e-7d4f-11f0-8c9d-0e1f2a3b4c5d-%d", i)}
				if err := r.Generate(context.Background(), id, keyring.TypeAES, 32); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// oneByOne reads all keys as a simple client does.
func oneByOne(b testing.TB, o kmipkeyring.Options) int {
	b.Helper()
	pair, err := tls.LoadX509KeyPair(o.ClientCertFile, o.ClientKeyFile)
	if err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(readFile(b, o.ServerCAFile)))
	c, err := kmipclient.New(kmipclient.Options{Servers: o.Servers, Timeout: time.Minute, TLS: &tls.Config{
		Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS12}})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	found, err := c.Locate(ctx, &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey)}})
	if err != nil {
		b.Fatal(err)
	}
	for _, id := range found.UniqueIdentifiers {
		got, err := c.Get(ctx, id)
		if err != nil {
			b.Fatal(err)
		}
		got.Object.Wipe()
		if _, err := c.GetAttributes(ctx, id, kmip.AttrName, kmip.AttrState); err != nil {
			b.Fatal(err)
		}
	}
	return len(found.UniqueIdentifiers)
}

// reportFetch compares SELECT keyring_key_fetch with MySQL's own file keyring.
func reportFetch(b *testing.B, report *strings.Builder) {
	kmipServer := newKeyServer(b)
	kms, arn := stubKMS(b)
	// Short turns, so that what else the machine does meets all alike; of those the
	// quickest quarter, which it met least.
	const rounds = 300
	servers := []struct {
		name              string
		setup             func(*MySQL)
		statements, calls int // in a turn
		m                 *MySQL
		perStatement      []time.Duration
		perCall           []time.Duration
	}{
		{name: keyringFile, setup: func(m *MySQL) { m.useFile(m.path("data/keyring.json")) }, statements: 30, calls: 2_000},
		{name: component, setup: func(m *MySQL) { m.useKMIP(kmipServer.Config) }, statements: 30, calls: 2_000},
		{name: kmsComponent, setup: func(m *MySQL) { m.useComponent(kmsComponent, m.kmsConfig(kms.URL, arn)) }, statements: 30, calls: 2_000},
		{name: awsPlugin + " (a request each)", setup: func(m *MySQL) { m.useAWS(kms.URL, cmk(arn)) }, statements: 3, calls: 10},
	}
	for i := range servers {
		s := &servers[i]
		s.m = newMySQL(b, "--skip-log-bin")
		s.setup(s.m)
		s.m.start().functions()
		s.m.want("1", "SELECT keyring_key_generate('k', 'AES', 32)")
		s.m.db.SetMaxOpenConns(1)
	}
	for range rounds {
		for i := range servers {
			s := &servers[i]
			start := time.Now()
			for range s.statements {
				var key sql.RawBytes
				rows, err := s.m.db.Query("SELECT keyring_key_fetch('k')")
				if err != nil {
					b.Fatal(err)
				}
				if !rows.Next() || rows.Scan(&key) != nil || len(key) != 32 {
					b.Fatalf("keyring_key_fetch gave %d bytes, %v", len(key), rows.Err())
				}
				rows.Close()
			}
			s.perStatement = append(s.perStatement, time.Since(start)/time.Duration(s.statements))
			start = time.Now()
			s.m.want("0", fmt.Sprintf("SELECT BENCHMARK(%d, keyring_key_fetch(CONCAT('k', LEFT(RAND(), 0))))", s.calls))
			s.perCall = append(s.perCall, time.Since(start)/time.Duration(s.calls))
		}
	}
	report.WriteString(`
## Reading a key in SQL

` + "`SELECT keyring_key_fetch('k')`" + ` over one connection, and the function alone, called in a loop by the server (BENCHMARK).
keyring_aws has AWS KMS decrypt the key each time, as its document says: here one in the same machine, without its network.

| keyring | statement | ratio | function call | ratio |
|---|---:|---:|---:|---:|
`)
	statement, call := quartile(servers[0].perStatement), quartile(servers[0].perCall)
	for _, s := range servers {
		st, ca := quartile(s.perStatement), quartile(s.perCall)
		fmt.Fprintf(report, "| %s | %.2f µs | %.2f | %.2f µs | %.2f |\n", s.name, st.Seconds()*1e6, float64(st)/float64(statement), ca.Seconds()*1e6, float64(ca)/float64(call))
		name, _, _ := strings.Cut(s.name, " ")
		b.ReportMetric(float64(st)/float64(statement), "fetch_statement_"+name+"_x")
		s.m.stop()
	}
}

// resident is mysqld's resident memory in MB, and the part of it that no file holds:
// the rest are pages of libraries, which the kernel takes back when it needs the room.
func (m *MySQL) resident() (all, own float64) {
	m.t.Helper()
	status := readFile(m.t, fmt.Sprintf("/proc/%d/status", m.mysqldPID()))
	mb := func(name string) float64 {
		line := regexp.MustCompile(name + `:\s+(\d+) kB`).FindStringSubmatch(status)
		if line == nil {
			m.t.Fatal("no " + name)
		}
		kb, _ := strconv.ParseFloat(line[1], 64)
		return kb / 1024
	}
	return mb("VmRSS"), mb("RssAnon")
}

// mysqldPID is from the pid file: the process that the test started may be env.
func (m *MySQL) mysqldPID() int {
	m.t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(readFile(m.t, m.path("run/mysqld.pid"))))
	if err != nil {
		m.t.Fatal(err)
	}
	return pid
}

// reportMemory compares the resident memory of mysqld.
func reportMemory(b *testing.B, report *strings.Builder) {
	report.WriteString(`
## Memory that the module adds to mysqld

Resident memory after a start, an encrypted table, a key stored and fetched, over one connection; the median of three starts.
"Of its own" is what no file holds; the rest are pages of the library, which the kernel takes back when it needs the room.

| keyring | mysqld | more than without | of its own | more than without |
|---|---:|---:|---:|---:|
`)
	kms, arn := stubKMS(b)
	few := newKeyServer(b)
	many := newKeyServer(b)
	fill(b, backendOptions(b, many), 10_000)
	var without, withoutOwn float64
	for _, c := range []struct {
		name  string
		setup func(*MySQL)
	}{
		{"none", func(*MySQL) {}},
		{"component_keyring_file", func(m *MySQL) { m.useFile(m.path("data/keyring.json")) }},
		{"component_keyring_kmip, few keys", func(m *MySQL) { m.useKMIP(few.Config) }},
		{"component_keyring_kmip, 10,000 keys", func(m *MySQL) { m.useKMIP(many.Config) }},
		{"component_keyring_kms", func(m *MySQL) { m.useComponent(kmsComponent, m.kmsConfig(kms.URL, arn)) }},
		{"keyring_aws", func(m *MySQL) { m.useAWS(kms.URL, cmk(arn)) }},
	} {
		var mb, owns []float64
		for i := range 3 {
			m := newMySQL(b, "--skip-log-bin")
			c.setup(m)
			m.start().functions()
			if c.name != "none" {
				name := fmt.Sprintf("memory%d", i)
				m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", name)
				m.want("32", "SELECT LENGTH(keyring_key_fetch(?))", name)
				m.exec("CREATE TABLE e2e.t (a INT PRIMARY KEY) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (1)")
			} else {
				m.exec("CREATE TABLE e2e.t (a INT PRIMARY KEY)", "INSERT INTO e2e.t VALUES (1)")
			}
			all, own := m.resident()
			mb, owns = append(mb, all), append(owns, own)
			m.stop()
		}
		rss, own := median(mb), median(owns)
		if c.name == "none" {
			without, withoutOwn = rss, own
		}
		fmt.Fprintf(report, "| %s | %.1f MB | %.1f MB | %.1f MB | %.1f MB |\n", c.name, rss, rss-without, own, own-withoutOwn)
		b.ReportMetric(rss-without, strings.NewReplacer(" ", "_", ",", "").Replace(c.name)+"_MB")
	}
}
