//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/kmip"
)

const million = 1_000_000

// reportMillion starts the key server with a million objects.
func reportMillion(b *testing.B, report *strings.Builder) {
	dir := diskDir(b)
	s := newKeyServerIn(b, dir)
	s.stop()
	fillStore(b, filepath.Join(dir, "data"), million)

	begin := time.Now()
	s.proc = spawn(b, filepath.Join(s.dir, "output"), s.args[0], s.args[1:]...)
	for {
		if s.proc.ended() {
			b.Fatalf("%v: %s", s.proc.err, tail(s.proc.output()))
		}
		if c, err := net.Dial("tcp", s.addr()); err == nil {
			c.Close()
			if strings.Contains(s.proc.output(), "ready:") {
				break
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	start := time.Since(begin)
	cpu := cpuOf(b, s.proc.pid())
	rss, own := residentOf(b, s.proc.pid(), "VmRSS:"), residentOf(b, s.proc.pid(), "RssAnon:")

	r := newRival(b, s)
	n := 0
	locate := r.on(b, 1, turn, func() []byte {
		n += 7919
		return encoded(locateNamed(r.name(int64(n % million))))
	})
	r.id = one[*kmip.LocateResponse](b, r.conns[0], locateNamed(r.name(exampleOf))).UniqueIdentifiers[0]
	get := r.on(b, 1, turn, func() []byte { return encoded(&kmip.GetRequest{UniqueIdentifier: r.id}) })
	create := r.on(b, 64, turn, r.createAbove(million))
	fmt.Fprintf(report, `
### A million objects

`+"`dbkeyring serve`"+` with %d AES-256 keys, each with a name, in its store; the keys were put into it directly.

| | | aim |
|---|---:|---:|
| from the start of the process until it serves | %s | 5 s %s |
| processor time of that, over all cores | %s | – |
| memory of its own then | %.0f MB | – |
| with the pages of the store's file, which the kernel takes back | %.0f MB | – |
| Locate by Name, p50 / p99 | %s / %s | p50 200 µs %s |
| Get, p50 / p99 | %s / %s | – |
| Create with 64 connections | %.0f/s | – |
`, million, short(start), reached(start < 5*time.Second), short(cpu), own, rss, short(locate.p50), short(locate.p99), reached(locate.p50 < 200*time.Microsecond),
		short(get.p50), short(get.p99), create.rate)
	b.ReportMetric(start.Seconds(), "million_start_s")
	b.ReportMetric(own, "million_MB")
	b.ReportMetric(float64(locate.p50.Microseconds()), "million_locate_us")
}

// createAbove is create with names above those that fillStore gives.
func (r *rival) createAbove(n int64) func() []byte {
	r.names.Store(n)
	return r.create
}

// fillStore puts keys of the endpoint mysql into the store of a server that is down.
func fillStore(b *testing.B, path string, objects int) {
	b.Helper()
	d, err := datadir.Open(context.Background(), path, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]string, objects)
	for i := range ids {
		var u [16]byte
		rand.Read(u[:])
		ids[i] = fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
	}
	slices.Sort(ids) // so that they are written one after the other
	now, r := time.Now(), &rival{}
	const together = 20_000
	for first := 0; first < objects; first += together {
		err := d.Store.Update(context.Background(), func(w store.Writer) error {
			for i := first; i < min(first+together, objects); i++ {
				o, err := object.New(kmip.ObjectTypeSymmetricKey, kmip.Attributes{
					kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
					kmip.IntegerAttribute(kmip.AttrCryptographicLength, keyBits),
					kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(registerMask)),
					kmip.NameAttribute(r.name(int64(i))),
				}, now)
				if err != nil {
					return err
				}
				var key [keyBits / 8]byte
				rand.Read(key[:])
				digest := sha256.Sum256(key[:])
				// Their order in Locate is that of their making, not of their identifiers.
				o.ID, o.Owner, o.Serial, o.Digest = ids[i], "mysql", uint64(i*7919%objects)+1, digest[:]
				o.Content = object.Content{Format: kmip.KeyFormatRaw, Algorithm: kmip.AlgorithmAES, Length: keyBits}
				if err := w.Put("material", o.ID, key[:]); err != nil {
					return err
				}
				if err := w.Put("object", o.ID, o.Marshal()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}

// residentOf is a line of what the kernel says of a process's memory, in MB.
func residentOf(b *testing.B, pid int, name string) float64 {
	b.Helper()
	for line := range strings.Lines(readFile(b, fmt.Sprintf("/proc/%d/status", pid))) {
		if f := strings.Fields(line); f[0] == name {
			kb, _ := strconv.ParseFloat(f[1], 64)
			return kb / 1024
		}
	}
	b.Fatal("no " + name)
	return 0
}
