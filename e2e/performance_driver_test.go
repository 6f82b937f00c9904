//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// load is what a turn of the driver has measured.
type load struct {
	rate     float64 // operations a second
	p50, p99 time.Duration
	cpu      time.Duration // of the server, for each operation
}

// drive has so many workers call op, each as soon as its last call has returned,
// until the time is over. pid is the server's.
func drive(b *testing.B, pid, workers int, turn time.Duration, op func(worker int) error) load {
	b.Helper()
	took := make([][]time.Duration, workers)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	cpu, begin := cpuOf(b, pid), time.Now()
	for w := range workers {
		wg.Go(func() {
			for start := time.Now(); start.Sub(begin) < turn; {
				if errs[w] = op(w); errs[w] != nil {
					return
				}
				end := time.Now()
				took[w] = append(took[w], end.Sub(start))
				start = end
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	for w, err := range errs {
		if err != nil {
			b.Fatalf("process %d, worker %d, operation %d: %v", pid, w, len(took[w]), err)
		}
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	return load{
		rate: float64(len(all)) / elapsed.Seconds(), p50: all[len(all)/2], p99: all[len(all)*99/100],
		cpu: (cpuOf(b, pid) - cpu) / time.Duration(len(all)),
	}
}

// middle is the median of several turns, figure by figure.
func middle(turns []load) load {
	var l load
	pick := func(of func(load) float64) float64 {
		var v []float64
		for _, t := range turns {
			v = append(v, of(t))
		}
		return median(v)
	}
	l.rate = pick(func(t load) float64 { return t.rate })
	l.p50 = time.Duration(pick(func(t load) float64 { return float64(t.p50) }))
	l.p99 = time.Duration(pick(func(t load) float64 { return float64(t.p99) }))
	l.cpu = time.Duration(pick(func(t load) float64 { return float64(t.cpu) }))
	return l
}

// wire is a client's TLS connection with the room for its answers.
type wire struct {
	net.Conn
	answer []byte
}

// dialWire connects with mutual TLS.
func dialWire(addr string, conf *tls.Config) (*wire, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 30 * time.Second}, Config: conf}
	c, err := d.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &wire{c, make([]byte, 4096)}, nil
}

// wires opens n connections, which end with the benchmark.
func wires(b *testing.B, addr string, conf *tls.Config, n int) []*wire {
	b.Helper()
	all := make([]*wire, n)
	for i := range all {
		var err error
		if all[i], err = dialWire(addr, conf); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { all[i].Close() })
	}
	return all
}

// success is the Result Status of an operation that went well, as it stands in a response.
var success = []byte{0x42, 0, 0x7f, byte(ttlv.Enumeration), 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0}

// exchange sends a request and reads the whole answer, which is valid until the next one.
func (w *wire) exchange(request []byte) ([]byte, error) {
	if err := w.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := w.Write(request); err != nil {
		return nil, err
	}
	n, err := io.ReadAtLeast(w, w.answer, ttlv.HeaderSize)
	if err != nil {
		return nil, err
	}
	size, err := ttlv.FrameSize(w.answer)
	if err != nil || size > int64(len(w.answer)) {
		return nil, fmt.Errorf("an answer of %d bytes, %w", size, err)
	}
	if _, err := io.ReadFull(w, w.answer[n:max(int(size), n)]); err != nil {
		return nil, err
	}
	if frame := w.answer[:size]; !bytes.Contains(frame, success) {
		response, err := kmip.DecodeResponse(frame, ttlv.Limits{})
		return nil, fmt.Errorf("the server refused: %+v, %v", response, err)
	}
	return w.answer[:size], nil
}

// one exchanges one operation and decodes its payload.
func one[P kmip.Payload](b *testing.B, w *wire, request kmip.Payload) P {
	b.Helper()
	frame, err := w.exchange(encoded(request))
	if err != nil {
		b.Fatal(err)
	}
	response, err := kmip.DecodeResponse(frame, ttlv.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	return response.Items[0].Payload.(P)
}

// encoded is a request of one operation. It has no time stamp, which PyKMIP
// would find stale, so it can be sent many times.
func encoded(p kmip.Payload) []byte {
	m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_2}, Items: []kmip.RequestItem{{Operation: p.Operation(), Payload: p}}}
	var w ttlv.Writer
	m.Encode(&w)
	return w.Bytes()
}

// The environment of the process that is the TLS echo.
const echoEnv = "DBKEYRING_E2E_ECHO"

// newEcho starts a process that does nothing but mutual TLS: it reads requests of one
// size and answers with so many bytes. It is the bound of what a server can reach.
func newEcho(b *testing.B, in, out int) (pid int, addr string, conf *tls.Config) {
	b.Helper()
	dir, port := tempDir(b), freePort(b)
	a := newAuthority(b, dir)
	a.server("server", newKey(b, false))
	a.client("mysql", newKey(b, false))
	s := &keyServer{t: b, kind: "echo", dir: dir, port: port,
		args: []string{"/usr/bin/env", echoEnv + "=" + fmt.Sprintf("%s %d %d %d", dir, port, in, out), os.Args[0]},
		Config: config{
			"client_ca": filepath.Join(dir, "mysql.pem"), "client_key": filepath.Join(dir, "mysql.key"), "server_ca": filepath.Join(dir, "ca.pem"),
		}}
	s.start()
	return s.proc.pid(), s.addr(), s.clientTLS()
}

// serveEcho is the process.
func serveEcho(arguments string) error {
	var dir string
	var port, in, out int
	if _, err := fmt.Sscan(arguments, &dir, &port, &in, &out); err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"))
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	l, err := tls.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		&tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots})
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			request, answer := make([]byte, in), make([]byte, out)
			// What the driver looks at: the frame's size, and a status.
			binary.BigEndian.PutUint32(answer, uint32(kmip.TagResponseMessage)<<8|uint32(ttlv.Structure))
			binary.BigEndian.PutUint32(answer[4:], uint32(out-ttlv.HeaderSize))
			copy(answer[ttlv.HeaderSize:], success)
			for {
				if _, err := io.ReadFull(c, request); err != nil {
					return
				}
				if _, err := c.Write(answer); err != nil {
					return
				}
			}
		}()
	}
}

// syncsPerSecond is how often the disk below dir takes a block and syncs it.
func syncsPerSecond(b *testing.B, dir string) float64 {
	b.Helper()
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 4096)
	const blocks = 256
	for i := range blocks {
		if _, err := f.WriteAt(block, int64(i)*4096); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	n, begin := 0, time.Now()
	for ; time.Since(begin) < 500*time.Millisecond; n++ {
		if _, err := f.WriteAt(block, int64(n%blocks)*4096); err != nil {
			b.Fatal(err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(begin).Seconds()
}
