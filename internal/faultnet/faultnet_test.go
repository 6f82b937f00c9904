package faultnet_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dbkeyring/dbkeyring/internal/faultnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit is long enough for a slow machine and bounds every wait of the tests.
const limit = 10 * time.Second

// echo is a server that says back what it hears.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, p *faultnet.Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(limit))
	return c
}

func say(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("heard %q, %v; want %q", got, err, want)
	}
}

// silent fails if anything arrives within a moment.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	defer c.SetReadDeadline(time.Now().Add(limit))
	var ne net.Error
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.As(err, &ne) || !ne.Timeout() {
		t.Fatalf("heard %d bytes, %v; want silence", n, err)
	}
}

func TestPass(t *testing.T) {
	p := faultnet.New(t, echo(t))
	c := dial(t, p)
	say(t, c, "hello")
	hear(t, c, "hello")
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
	if p.Accepted() != 1 {
		t.Errorf("accepted %d", p.Accepted())
	}
}

func TestRefuse_ClosesAndRefusesAndComesBack(t *testing.T) {
	p := faultnet.New(t, echo(t))
	for range 3 {
		c := dial(t, p)
		say(t, c, "up")
		hear(t, c, "up")
		p.Set(faultnet.Refuse())
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) && err != io.EOF {
			t.Errorf("the old connection: %v", err)
		}
		if _, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a new connection: %v", err)
		}
		p.Set(faultnet.Pass())
	}
	c := dial(t, p)
	say(t, c, "back")
	hear(t, c, "back")
}

func TestRefuse_ToTheEnd(t *testing.T) {
	p := faultnet.New(t, echo(t))
	p.Set(faultnet.Refuse())
	p.Set(faultnet.Refuse())
}

func TestFreeze_OldAndNewConnectionsThaw(t *testing.T) {
	p := faultnet.New(t, echo(t))
	old := dial(t, p)
	say(t, old, "a")
	hear(t, old, "a")
	p.Set(faultnet.Freeze())
	fresh := dial(t, p)
	say(t, old, "b")
	say(t, fresh, "c")
	silent(t, old)
	silent(t, fresh)
	p.Set(faultnet.Pass())
	hear(t, old, "b")
	hear(t, fresh, "c")
}

func TestCutAfter(t *testing.T) {
	p := faultnet.New(t, echo(t))
	c := dial(t, p)
	say(t, c, "before")
	hear(t, c, "before")
	for _, n := range []int{0, 1, 5, 100_000} {
		p.Set(faultnet.CutAfter(n))
		if c == nil {
			c = dial(t, p)
		}
		go io.WriteString(c, strings.Repeat("x", n+10))
		got, err := io.ReadAll(c)
		if len(got) != n || err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("cut after %d: got %d, %v", n, len(got), err)
		}
		c = nil
	}
}

func TestGarbage(t *testing.T) {
	p := faultnet.New(t, echo(t))
	p.Set(faultnet.Garbage())
	c := dial(t, p)
	sent := strings.Repeat("question", 100)
	say(t, c, sent)
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil || bytes.Contains(got, []byte("question")) {
		t.Errorf("heard %.20q, %v", got, err)
	}
}

func TestDelay(t *testing.T) {
	p := faultnet.New(t, echo(t))
	p.Set(faultnet.Delay(100 * time.Millisecond))
	c := dial(t, p)
	start := time.Now()
	say(t, c, "late")
	hear(t, c, "late")
	if d := time.Since(start); d < 100*time.Millisecond {
		t.Errorf("answered after %v", d)
	}
}

func TestSetTarget(t *testing.T) {
	gone, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	p := faultnet.New(t, gone.Addr().String())
	if b, err := io.ReadAll(dial(t, p)); len(b) != 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("to nobody: %q, %v", b, err)
	}
	p.SetTarget(echo(t))
	c := dial(t, p)
	say(t, c, "new")
	hear(t, c, "new")
}
