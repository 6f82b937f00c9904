package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
	"github.com/dbkeyring/dbkeyring/module/hosttest/testring"
)

// count is how many lines of the log have the text.
func (x *host) count(text string) (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, line := range x.log {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// An outage is told at once, then once a minute however many calls fail, and its
// end says how many there were.
func TestAnOutageDoesNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newHost(t, testring.New().Configure)
		defer x.Close(x.h)
		x.config("ok")
		x.load()
		x.config("unreachable")
		fail := func(n int) {
			for i := range n {
				x.want(x.Generate(x.h, keyring.ID{Name: fmt.Sprint("k", i)}, "AES", 16), bridge.Unreachable, "Generate")
				_, _, code := x.fetch(keyring.ID{Name: fmt.Sprint("f", i)})
				x.want(code, bridge.Unreachable, "Fetch")
			}
		}
		fail(1)
		if !x.logged("ERROR", "Could not generate key 'k0'", "nobody listens") {
			t.Fatalf("the first failure was not told at once: %q", x.log)
		}
		fail(500)
		if n := x.count("nobody listens"); n != 1 {
			t.Errorf("%d lines within a minute", n)
		}
		time.Sleep(61 * time.Second)
		fail(10)
		if n := x.count("nobody listens"); n != 2 || !x.logged("ERROR", "nobody listens", "(1001 more calls failed like this") {
			t.Errorf("%d lines after a minute: %q", n, x.log)
		}
		x.config("ok")
		x.want(x.Generate(x.h, keyring.ID{Name: "k"}, "AES", 16), bridge.OK, "Generate")
		if !x.logged("WARN", "The key server answers again. 19 more calls had failed") {
			t.Errorf("log %q", x.log)
		}
		x.config("unreachable")
		fail(1)
		if n := x.count("nobody listens"); n != 3 {
			t.Errorf("a new outage was not told at once: %q", x.log)
		}
		x.config("ok")
		x.want(x.load(), bridge.OK, "Load")
		if n := x.count("answers again"); n != 2 {
			t.Errorf("a reload did not end the outage: %q", x.log)
		}
	})
}

// Mistakes about different keys are told apart, the same one is not repeated, and
// no number of them takes memory for good.
func TestMistakesAreToldOnceEach(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.load()
	for range 3 {
		for i := range 5 {
			x.want(x.Generate(x.h, keyring.ID{Name: fmt.Sprint("k", i)}, "", 16), bridge.Invalid, "Generate")
		}
	}
	if n := x.count("the key type is empty"); n != 5 {
		t.Errorf("%d lines, want one for each key: %q", n, x.log)
	}
	for i := range 1000 {
		x.Generate(x.h, keyring.ID{Name: fmt.Sprint("n", i)}, "", 16)
	}
	x.want(x.Generate(x.h, keyring.ID{Name: "k"}, "AES", 16), bridge.OK, "Generate")
}
