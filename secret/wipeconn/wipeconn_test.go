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

// What the peer sent besides the message is noticed.
func TestWipe_More(t *testing.T) {
	ca := kmiptest.NewAuthority(t)
	here, there := net.Pipe()
	go func() {
		s := tls.Server(there, ca.ServerConfig(ca.Server()))
		io.WriteString(s, "message and more")
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
	here.Close()
}
