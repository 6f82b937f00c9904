package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServe_Systemd: what systemd is told of a start, a reload and an end, and its signs of life.
func TestServe_Systemd(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "300000")
	s := startServer(t, filepath.Join(dir, "data"))
	lives := 0
	until := func(pattern string) {
		t.Helper()
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		buf := make([]byte, 1024)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("systemd was not told %s: %v", pattern, err)
			}
			got := string(buf[:n])
			if regexp.MustCompile("^(?:" + pattern + ")$").MatchString(got) {
				return
			}
			if got != "WATCHDOG=1" {
				t.Fatalf("systemd was told %q, not %s", got, pattern)
			}
			lives++
		}
	}
	until("READY=1")
	if lives > 0 {
		t.Error("a sign of life before the server was ready")
	}
	until("WATCHDOG=1")
	until("WATCHDOG=1")
	s.signal(t, syscall.SIGHUP)
	until(`RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+`)
	until("READY=1")
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until("STOPPING=1")
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &s.log)
	}
}

// TestUnit: the documentation shows the unit as it is, and systemd understands it.
func TestUnit(t *testing.T) {
	unit, err := os.ReadFile("dbkeyring.service")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/keyserver.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), "```\n"+string(unit)+"```\n") {
		t.Error("docs/keyserver.md shows another unit than cmd/dbkeyring/dbkeyring.service")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze here")
	}
	exe, err := os.Executable() // systemd asks whether the program is there
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dbkeyring.service")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(unit), "/usr/local/bin/dbkeyring", exe)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", "--recursive-errors=no", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
