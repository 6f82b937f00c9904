//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
)

// keyFileNode is a database whose master key is in a file, which asks nobody.
func keyFileNode(t testing.TB) *node {
	n := newNode(t, "")
	key := filepath.Join(n.dir, "key")
	writeFile(t, key, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n", 0o600)
	n.configure("  encryptionKeyFile: " + key + "\n")
	return n
}

// reportBlocks compares the encryptor with OpenSSL in C, block by block.
func reportBlocks(b *testing.B, report *strings.Builder) {
	n := keyFileNode(b)
	program := filepath.Join(n.dir, "wt_blocks")
	if out, err := command(b, time.Minute, "gcc", "-O2", "-o", program, filepath.Join(suite.root, "e2e/testdata/wt_blocks.c"), "-lcrypto", "-ldl", "-lpthread"); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	out, err := command(b, 5*time.Minute, program, filepath.Join(suite.root, "build/lib/dbkeyring_wiredtiger.so"), n.conf())
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	speed := map[string]float64{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 5 {
			b.Fatalf("%q", line)
		}
		speed[strings.Join(f[:4], " ")], _ = strconv.ParseFloat(f[4], 64)
	}
	report.WriteString(`
## Blocks of WiredTiger

AES-256-GCM, block by block, each way the best of 7 rounds in turn. "Naive" is OpenSSL's EVP with a new context and a random nonce for each block,
"tuned" with a fetched cipher, a keyed context for each thread and counted nonces. Ours is dbkeyring_wiredtiger.so, called as WiredTiger calls it.

| operation | threads | block | naive C | tuned C | ours | ours / naive | ours / tuned |
|---|---:|---:|---:|---:|---:|---:|---:|
`)
	for _, op := range []string{"encrypt", "decrypt"} {
		for _, threads := range []int{1, 2} {
			for _, size := range []int{512, 4096, 32768} {
				v := func(way string) float64 { return speed[fmt.Sprintf("%s %s %d %d", way, op, threads, size)] }
				fmt.Fprintf(report, "| %s | %d | %d B | %.0f MB/s | %.0f MB/s | %.0f MB/s | %.2f | %.2f |\n", op, threads, size, v("naive"), v("tuned"), v("module"), v("module")/v("naive"), v("module")/v("tuned"))
				b.ReportMetric(v("module")/v("tuned"), fmt.Sprintf("%s_%d_%d_x", op, threads, size))
			}
		}
	}
}

var cpuLine = regexp.MustCompile(`cpu ([0-9.]+)`)

// reportInserts compares the processor time of a program that inserts rows.
func reportInserts(b *testing.B, report *strings.Builder) {
	const rows = 600_000
	measure := func(mode string, encrypted bool) float64 {
		var times []float64
		for range 4 {
			n := keyFileNode(b)
			config := `create,log=(enabled),cache_size=64MB,config_base=false`
			if encrypted {
				config = strings.Replace(n.open("system"), "file_max=1MB", "", 1)
			}
			path, err := wtHost()
			if err != nil {
				b.Fatal(err)
			}
			out, err := command(b, 5*time.Minute, path, n.home(), config, mode, "t", "", "0", fmt.Sprint(rows))
			m := cpuLine.FindStringSubmatch(out)
			if err != nil || m == nil {
				b.Fatalf("%v: %s", err, out)
			}
			t, _ := strconv.ParseFloat(m[1], 64)
			times = append(times, t)
			_ = os.RemoveAll(n.home())
		}
		best := times[0]
		for _, t := range times {
			best = min(best, t)
		}
		return best
	}
	plain, ours, open := measure("fill", false), measure("fill", true), measure("fill-open", true)
	fmt.Fprintf(report, `
## Inserts into WiredTiger

Processor time of a program that inserts %d rows of some 100 bytes, with WiredTiger's log, a cache of 64 MB and a checkpoint at the end; the best of four.

| WiredTiger | user and system | ratio |
|---|---:|---:|
| not encrypted | %.2f s | 1.00 |
| encrypted by dbkeyring_wiredtiger.so, in threads that block signals, as mongod's do | %.2f s | %.2f |
| the same, in a program that does not block them, so that each call has to | %.2f s | %.2f |
`, rows, plain, ours, ours/plain, open, open/plain)
	b.ReportMetric(ours/plain, "inserts_x")
}

// reportFleet has many nodes start within a minute, each with a connection of its own.
func reportFleet(b *testing.B, report *strings.Builder) {
	const nodes = 10_000
	ks := newKeyServer(b)
	ks.kmipOptions() // which writes node.pem
	o := kmip.Options{Servers: []string{ks.addr()}, CertFile: filepath.Join(ks.dir, "node.pem"), CAFile: ks.Config["server_ca"].(string), Timeout: 10 * time.Second}
	first, err := kmip.New(o, nil)
	if err != nil {
		b.Fatal(err)
	}
	_, ref, err := first.Create(context.Background(), "fleet")
	if err == nil {
		err = first.Activate(context.Background(), ref)
	}
	if err != nil {
		b.Fatal(err)
	}
	first.Close()
	before := cpuOf(b, ks.proc.pid())
	var mu sync.Mutex
	var took []time.Duration
	var failed int
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range nodes {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * time.Minute / nodes)
			start := time.Now()
			err := startNode(o, ref)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed++
				return
			}
			took = append(took, time.Since(start))
		})
	}
	wg.Wait()
	all := time.Since(begin)
	if len(took) == 0 {
		b.Fatal("no node has started")
	}
	half := median(took) // which sorts
	fmt.Fprintf(report, `
## A fleet of nodes

%d nodes start within a minute on one key server: each makes its own TLS connection, asks for the master key's state and reads it. Nodes and
server share the %d cores of the machine.

| | |
|---|---:|
| all started after | %.1f s |
| failed | %d |
| a start, median | %v |
| a start, 99 of 100 | %v |
| processor time of the key server for each start | %v |

A node that runs asks every 15 minutes: %d of them are %.0f questions a second.
`, nodes, runtime.NumCPU(), all.Seconds(), failed, half.Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond),
		((cpuOf(b, ks.proc.pid()) - before) / nodes).Round(10*time.Microsecond), nodes, float64(nodes)/900)
	b.ReportMetric(float64(failed), "fleet_failed")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "fleet_p99_ms")
}

// startNode is what a node asks when it starts.
func startNode(o kmip.Options, ref masterkey.Ref) error {
	p, err := kmip.New(o, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := p.State(ctx, ref); err != nil {
		return err
	}
	key, _, err := p.Read(ctx, ref)
	key.Wipe()
	return err
}

// cpuOf is the processor time that a process has used.
func cpuOf(t testing.TB, pid int) time.Duration {
	t.Helper()
	text := readFile(t, fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // a tick
}
