package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/secret"
)

// serverProcess is `dbkeyring serve` in a process of its own.
type serverProcess struct {
	cmd     *exec.Cmd
	address string
	status  admin.Status
	log     logText
}

// logText is what a process has written so far.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestServe_NoCoreDumps: memory with keys in it does not come to the disk.
func TestServe_NoCoreDumps(t *testing.T) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: old.Max, Max: old.Max}); err != nil { // which the server inherits
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_CORE, &old)
	s := startServer(t, filepath.Join(t.TempDir(), "data"))
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^Max core file size +0 `).Match(limits) {
		t.Errorf("the limits are\n%s", limits)
	}
}

// waitLog waits until the server has logged a text.
func (s *serverProcess) waitLog(t testing.TB, text string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(s.log.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log does not say %q:\n%s", text, &s.log)
		}
	}
}

// startServer starts a server and waits until it says that it is ready.
func startServer(t testing.TB, data string, more ...string) *serverProcess {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &serverProcess{cmd: &exec.Cmd{Path: exe, Args: append([]string{"dbkeyring", "serve", "--data", data, "--listen", "127.0.0.1:0"}, more...)}}
	s.cmd.Stderr = &s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(t, syscall.SIGKILL) })
	status, err := runningServer(context.Background(), data, 30*time.Second)
	if err != nil {
		s.end(t, syscall.SIGKILL)
		t.Fatalf("the server does not start: %v\n%s", err, &s.log)
	}
	s.address, s.status = status.Address, status
	return s
}

// end sends a signal and waits; a second time it does nothing.
func (s *serverProcess) end(t testing.TB, with os.Signal) error {
	t.Helper()
	if s.cmd.ProcessState != nil {
		return nil
	}
	if err := s.cmd.Process.Signal(with); err != nil {
		t.Errorf("signal the server: %v", err)
	}
	return s.cmd.Wait()
}

// command runs a command of the CLI in this process.
func command(t testing.TB, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	p := &process{ctx: context.Background(), stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	if code := run(p, args); code != 0 {
		t.Fatalf("dbkeyring %s: exit code %d\n%s", strings.Join(args, " "), code, &errs)
	}
	return out.String()
}

// client returns a client with the certificate in a folder.
func client(t testing.TB, address, identity string) *kmipclient.Client {
	t.Helper()
	flags := clientFlags{
		Server: address, Cert: filepath.Join(identity, "client_certificate.pem"),
		Key: filepath.Join(identity, "client_key.pem"), CA: filepath.Join(identity, "root_certificate.pem"),
	}
	p := &process{ctx: context.Background(), stderr: io.Discard}
	o, err := flags.options(p)
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func registerKey(c *kmipclient.Client, name, content string) (string, error) {
	answer, err := c.Register(context.Background(), &kmip.RegisterRequest{
		ObjectType: kmip.ObjectTypeSecretData,
		Object:     kmip.SecretData(kmip.SecretDataPassword, kmip.KeyFormatOpaque, secret.Copy([]byte(content))),
		Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.NameAttribute(name), kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 2),
		}},
	})
	if err != nil {
		return "", err
	}
	return answer.UniqueIdentifier, nil
}

// TestServe_KilledUnderLoad kills the server again and again while clients
// register and destroy keys, and endpoints are added: what was acknowledged is so
// after the next start, and stands in the audit log.
func TestServe_KilledUnderLoad(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	dir := t.TempDir()
	data, identity := filepath.Join(dir, "data"), filepath.Join(dir, "db")
	s := startServer(t, data)
	command(t, "endpoint", "add", "db", "--for", "kmip", "--out", identity, "--data", data)

	var mu sync.Mutex
	content := map[string]string{} // Unique ID → what was registered
	destroyed := map[string]bool{} // acknowledged; false: asked for, and no answer
	for round := range rounds {
		enough, stuck := make(chan struct{}, 1), make(chan error, 1)
		count := 0
		var wg sync.WaitGroup
		for g := range 4 {
			c := client(t, s.address, identity)
			wg.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprintf("%d/%d/%d", round, g, i)
					id, err := registerKey(c, name, "content of "+name)
					if err != nil { // killed, one hopes
						select {
						case stuck <- err:
						default:
						}
						return
					}
					mu.Lock()
					content[id] = "content of " + name
					if count++; count == 30+17*round {
						enough <- struct{}{}
					}
					if i%5 != 4 {
						mu.Unlock()
						continue
					}
					destroyed[id] = false
					mu.Unlock()
					if _, err := c.Destroy(context.Background(), id); err != nil {
						return
					}
					mu.Lock()
					destroyed[id] = true
					mu.Unlock()
				}
			})
		}
		select {
		case <-enough:
		case err := <-stuck:
			t.Fatalf("round %d: before the kill: %v", round, err)
		case <-time.After(30 * time.Second):
			t.Fatal("the clients are stuck")
		}
		added := fmt.Sprint("added-", round)
		command(t, "endpoint", "add", added, "--for", "kmip", "--out", filepath.Join(dir, added), "--data", data)
		_ = s.end(t, syscall.SIGKILL) // says that it was killed
		wg.Wait()

		s = startServer(t, data)
		c := client(t, s.address, identity)
		for id, want := range content {
			answer, err := c.Get(context.Background(), id)
			done, asked := destroyed[id]
			switch {
			case done && err == nil:
				t.Fatalf("round %d: %s was destroyed, and is back", round, id)
			case !asked && err != nil:
				t.Fatalf("round %d: %s was acknowledged: %v", round, id, err)
			case err == nil && string(answer.Object.Content().Reveal()) != want:
				t.Fatalf("round %d: %s has another content", round, id)
			}
		}
		if _, err := client(t, s.address, filepath.Join(dir, added)).Locate(context.Background(), &kmip.LocateRequest{}); err != nil {
			t.Fatalf("round %d: the endpoint that was added: %v", round, err)
		}
	}
	told := auditLines(t, filepath.Join(data, "audit.log"))
	for id := range content {
		if told["Register "+id] != 1 || destroyed[id] && told["Destroy "+id] != 1 {
			t.Errorf("%s: the audit log has it registered %d times and destroyed %d times", id, told["Register "+id], told["Destroy "+id])
		}
	}
	t.Logf("%d acknowledged keys, %d destroyed, %d kills", len(content), len(destroyed), rounds)
	if err := s.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &s.log)
	}
}

// auditLines counts the successes in an audit log by operation and object. A line
// that a kill has cut off is none; the next start has ended it.
func auditLines(t testing.TB, file string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for one := range strings.Lines(string(text)) {
		var line struct{ Op, UID, Result string }
		if json.Unmarshal([]byte(one), &line) == nil && line.Result == "success" {
			count[line.Op+" "+line.UID]++
		}
	}
	return count
}

// TestServe_AccessEndsOnAnOpenConnection: whoever was removed, or whose
// certificate was cut, gets nothing more on the connection that it has.
func TestServe_AccessEndsOnAnOpenConnection(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	s := startServer(t, data)
	for name, end := range map[string][]string{
		"removed": {"endpoint", "remove", "removed", "--data", data},
		"renewed": {"endpoint", "renew", "renewed", "--for", "kmip", "--out", filepath.Join(dir, "new"), "--cut-old", "--data", data},
	} {
		identity := filepath.Join(dir, name)
		command(t, "endpoint", "add", name, "--for", "kmip", "--out", identity, "--data", data)
		c := client(t, s.address, identity)
		id, err := registerKey(c, "k", "content")
		if err != nil {
			t.Fatal(err)
		}
		command(t, end...)
		_, err = c.Get(context.Background(), id)
		var refused *kmip.Error
		if !errors.As(err, &refused) || refused.Reason != kmip.ReasonAuthenticationNotSuccessful {
			t.Errorf("%s: a get on the open connection: %v", name, err)
		}
	}
	c := client(t, s.address, filepath.Join(dir, "new"))
	if found, err := c.Locate(context.Background(), &kmip.LocateRequest{}); err != nil || len(found.UniqueIdentifiers) != 1 {
		t.Errorf("the new certificate sees %v, %v", found, err)
	}
	if err := s.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &s.log)
	}
}

// BenchmarkServe: what a client sees of the whole server: mutual TLS, the sealed
// and durable store, the audit log.
func BenchmarkServe(b *testing.B) {
	dir := b.TempDir()
	data, identity := filepath.Join(dir, "data"), filepath.Join(dir, "db")
	s := startServer(b, data)
	command(b, "endpoint", "add", "db", "--for", "kmip", "--out", identity, "--data", data)
	first, err := registerKey(client(b, s.address, identity), "first", "content")
	if err != nil {
		b.Fatal(err)
	}
	for name, do := range map[string]func(c *kmipclient.Client, name string) error{
		"Get":      func(c *kmipclient.Client, _ string) error { _, err := c.Get(context.Background(), first); return err },
		"Register": func(c *kmipclient.Client, name string) error { _, err := registerKey(c, name, "content"); return err },
	} {
		for _, clients := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/clients=%d", name, clients), func(b *testing.B) {
				var wg sync.WaitGroup
				all := make([]*kmipclient.Client, clients)
				for g := range all {
					all[g] = client(b, s.address, identity)
					if err := do(all[g], fmt.Sprint(clients, "-", b.N, "-", g)); err != nil { // connects
						b.Fatal(err)
					}
				}
				b.ResetTimer()
				for g, c := range all {
					wg.Go(func() {
						for i := g; i < b.N; i += clients {
							if err := do(c, fmt.Sprint(clients, "/", b.N, "/", i)); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
