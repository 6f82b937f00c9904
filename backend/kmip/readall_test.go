package kmip_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

const manyKeys = 1500

func (w *world) addMany() {
	for i := range manyKeys {
		w.add(fmt.Sprint("key", i), bytesOf(32, byte(i)), kmip.StateActive)
	}
}

// relay passes connections on to a server, each until so many bytes of the
// server's have passed; 0 holds the connection and passes nothing.
func relay(t *testing.T, target string, first, further int64) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	end := make(chan struct{})
	t.Cleanup(func() { l.Close(); close(end); wg.Wait() })
	var count atomic.Int32
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				bytes := further
				if count.Add(1) == 1 {
					bytes = first
				}
				if bytes == 0 {
					<-end
					return
				}
				s, err := net.Dial("tcp4", target)
				if err != nil {
					t.Error(err)
					return
				}
				wg.Go(func() { io.Copy(s, c); s.Close() })
				io.CopyN(c, s, bytes)
				s.Close()
			})
		}
	})
	return l.Addr().String()
}

// Many keys are read over several connections, and all of them are there however
// the further connections fare.
func TestOpen_ManyKeys(t *testing.T) {
	const all = 1 << 40
	for name, c := range map[string]struct {
		first, further int64 // bytes of the server's that pass; see relay
		connections    int
	}{
		"three connections":        {all, all, 3},
		"the further ones held":    {all, 0, 1},
		"the further ones closed":  {all, 1, 1},
		"the further ones cut off": {all, 60_000, 3},
		"the first cut off":        {120_000, all, 4},
		"all cut off at some time": {150_000, 150_000, 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.addMany()
			w.o.Servers = []string{relay(t, w.server.Addr, c.first, c.further)}
			w.o.Timeout, w.o.StartTimeout = 30*time.Second, 40*time.Second
			started := time.Now()
			k := w.open()
			if took := time.Since(started); took > 15*time.Second {
				t.Errorf("it took %v", took)
			}
			if ids, err := k.List(t.Context()); err != nil || len(ids) != manyKeys {
				t.Errorf("%d of %d keys, %v", len(ids), manyKeys, err)
			}
			for _, i := range []int{0, 700, manyKeys - 1} {
				mustHave(t, k, keyring.ID{Name: fmt.Sprint("key", i)}, keyring.TypeAES, bytesOf(32, byte(i)))
			}
			if n := w.server.Accepted(); n < c.connections {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// A load that fails half-way says why, whoever met it first.
func TestOpen_ManyKeysFail(t *testing.T) {
	w := newWorld(t, nil)
	w.addMany()
	var gets atomic.Int32
	w.keeper.Hook(func(p kmip.Payload) error {
		if p.Operation() == kmip.OpGet && gets.Add(1) > 600 {
			return kmiptest.ErrHangUp
		}
		return nil
	}, nil)
	if k, err := backend.Open(t.Context(), w.o, nil); !errors.Is(err, keyring.ErrUnreachable) {
		t.Errorf("%v, %v", k, err)
	}
	w.keeper.Hook(func(p kmip.Payload) error {
		if p.Operation() == kmip.OpGet {
			time.Sleep(10 * time.Millisecond) // a slow server: the time runs out on all connections
		}
		return nil
	}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if k, err := backend.Open(ctx, w.o, nil); !errors.Is(err, keyring.ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, %v", k, err)
	}
}
