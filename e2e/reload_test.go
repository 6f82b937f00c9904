//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A thousand times RELOAD KEYRING, half of them in vain, leaves no thread, no
// connection and no memory behind.
func TestReloadsLeakNothing(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config).start().functions()
	for i := range 20 {
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", fmt.Sprint("k", i))
	}
	good, bad := ks.Config, ks.Config.with(config{"server_addr": []string{closedAddr(t)}})
	reload := func(times int) {
		for i := range times {
			c, fails := good, i%2 == 1
			if fails {
				c = bad
			}
			c.write(t, m.path("plugins", component+".cnf"))
			if err := m.try("ALTER INSTANCE RELOAD KEYRING"); (err != nil) != fails {
				t.Fatalf("RELOAD %d: %v; log:\n%s", i, err, tail(m.log()))
			}
		}
	}
	reload(200)
	before := usageOf(t, m.proc.pid())
	reload(1000)
	eventually(t, healLimit, "what the reloads took is given back", func() (bool, string) {
		after := usageOf(t, m.proc.pid())
		return after.threads <= before.threads+2 && after.sockets <= before.sockets+2 && after.residentKB <= before.residentKB+8<<10,
			fmt.Sprintf("before %+v, after %+v", before, after)
	})
	m.want("20", "SELECT COUNT(*) FROM performance_schema.keyring_keys")
	m.stop()
}

type usage struct{ threads, sockets, residentKB int }

func usageOf(t *testing.T, pid int) (u usage) {
	t.Helper()
	status := readFile(t, fmt.Sprintf("/proc/%d/status", pid))
	number := func(name string) int {
		found := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+)`).FindStringSubmatch(status)
		if found == nil {
			t.Fatalf("no %s in %s", name, status)
		}
		n, _ := strconv.Atoi(found[1]) // digits
		return n
	}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	u = usage{threads: number("Threads"), residentKB: number("VmRSS")}
	for _, link := range links {
		// InnoDB opens files of its own as it goes.
		if to, _ := os.Readlink(link); !strings.HasPrefix(to, "/") {
			u.sockets++
		}
	}
	return u
}
