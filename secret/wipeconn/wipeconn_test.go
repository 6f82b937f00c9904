package wipeconn_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/secret/wipeconn"
)

// spy remembers every buffer that TLS reads into.
type spy struct {
	*wipeconn.Conn
	seen *[][]byte
}

func (s spy) Read(b []byte) (int, error) {
	*s.seen = append(*s.seen, b)
	return s.Conn.Read(b)
}

// Nothing that was deciphered is in a buffer of TLS's after Wipe, however long it
// was and however it came in records, and the connection goes on.
func TestWipe(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			ca := kmiptest.NewAuthority(t)
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			messages := make([][]byte, 0, 8)
			for _, n := range []int{16, 500, 520, 3000, 16 << 10, 100_000, 40, 70_000} {
				m := make([]byte, n)
				rand.Read(m)
				messages = append(messages, m)
			}
			served := make(chan error, 1)
			ask := make(chan []byte)
			go func() {
				served <- func() error {
					raw, err := l.Accept()
					if err != nil {
						return err
					}
					s := tls.Server(raw, ca.ServerConfig(ca.Server()))
					defer s.Close()
					for m := range ask {
						if _, err := s.Write(m); err != nil {
							return err
						}
					}
					return nil
				}()
			}()
			raw, err := net.Dial("tcp4", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			var seen [][]byte
			below := spy{wipeconn.New(raw), &seen}
			conf := ca.ClientConfig(ca.Client("c"))
			conf.MaxVersion, conf.ServerName = version, "localhost"
			c := tls.Client(below, conf)
			defer c.Close()
			for i, m := range messages {
				ask <- m
				got := make([]byte, len(m))
				if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, m) {
					t.Fatalf("message %d: %v", i, err)
				}
				if len(found(seen, m)) == 0 {
					t.Errorf("message %d is in no buffer before it is wiped: the test proves nothing", i)
				}
				if !below.Wipe(c) {
					t.Fatalf("message %d: more than was sent", i)
				}
				if f := found(seen, m); len(f) > 0 {
					t.Errorf("message %d of %d bytes is still there: %v", i, len(m), f)
				}
			}
			close(ask)
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}

// found looks for any 8 bytes of the message in the buffers.
func found(buffers [][]byte, m []byte) (at []string) {
	for i, b := range buffers {
		for from := 0; from+8 <= len(m); from += 8 {
			if n := bytes.Index(b, m[from:from+8]); n >= 0 {
				at = append(at, fmt.Sprintf("bytes %d in buffer %d at %d", from, i, n))
				break
			}
		}
	}
	return at
}

// What the peer sent besides the message is noticed: in the message's record, and in a
// record of its own that came with it.
func TestWipe_More(t *testing.T) {
	for name, records := range map[string][]string{"one record": {"message and more"}, "two records": {"message", " and more"}} {
		t.Run(name, func(t *testing.T) {
			ca := kmiptest.NewAuthority(t)
			here, there := net.Pipe()
			defer here.Close()
			go func() {
				together := &gather{Conn: there}
				s := tls.Server(together, ca.ServerConfig(ca.Server()))
				s.Handshake()
				together.hold = true
				for _, r := range records {
					io.WriteString(s, r)
				}
				there.Write(together.held)
				io.Copy(io.Discard, s)
			}()
			below := wipeconn.New(here)
			conf := ca.ClientConfig(ca.Client("c"))
			conf.ServerName = "localhost"
			c := tls.Client(below, conf)
			if _, err := io.ReadFull(c, make([]byte, len("message"))); err != nil {
				t.Fatal(err)
			}
			if below.Wipe(c) {
				t.Error("not noticed")
			}
		})
	}
}

// gather holds back what is written, so that it comes at once.
type gather struct {
	net.Conn
	hold bool
	held []byte
}

func (g *gather) Write(b []byte) (int, error) {
	if !g.hold {
		return g.Conn.Write(b)
	}
	g.held = append(g.held, b...)
	return len(b), nil
}

// reads counts the calls that reach the system.
type reads struct {
	net.Conn
	n int
}

func (r *reads) Read(b []byte) (int, error) {
	r.n++
	return r.Conn.Read(b)
}

// A record that came as a whole costs one call of the system.
func TestRead_OneCallForARecord(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	record := append([]byte{23, 3, 3, 0, 200}, make([]byte, 200)...)
	go func() { there.Write(record) }()
	counted := &reads{Conn: here}
	c := wipeconn.New(counted)
	var got []byte
	for b := make([]byte, 512); len(got) < len(record); {
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b[:n]...)
	}
	if counted.n != 1 || !bytes.Equal(got, record) {
		t.Errorf("%d calls, %d bytes", counted.n, len(got))
	}
}
