//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a program that the test started, its output in a log file.
type process struct {
	cmd  *exec.Cmd
	log  string
	from int64         // where this start's output begins in the log
	done chan struct{} // closed when the program has ended
	err  error         // of Wait, once done is closed
}

// spawner starts processes on one thread that lives as long as the tests do:
// Pdeathsig, which keeps a test run that is cut off from leaving servers
// behind, fires at the end of the thread that started them.
var spawner = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// spawn starts a program, its output appended to the file log. It ends with the test.
func spawn(t testing.TB, log string, name string, args ...string) *process {
	t.Helper()
	p, err := launch(log, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// launch is spawn for a program that the caller ends.
func launch(log string, name string, args ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	from, err := out.Seek(0, 2)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(name, args...), log: log, from: from, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Dir = filepath.Dir(log)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	spawner() <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// adopt takes charge of a process that something we started has left running.
func adopt(t testing.TB, pid int, log string) *process {
	t.Helper()
	running, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: &exec.Cmd{Path: "process " + strconv.Itoa(pid), Process: running}, log: log, done: make(chan struct{})}
	go func() {
		// Not a child of ours: there is nothing to wait for but its absence.
		for running.Signal(syscall.Signal(0)) == nil {
			time.Sleep(20 * time.Millisecond)
		}
		close(p.done)
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends the program and all that it started, at once.
func (p *process) kill() {
	if p == nil || p.ended() {
		return
	}
	for _, pid := range descendants(p.pid()) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	p.signal(syscall.SIGKILL)
	<-p.done
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait waits for the program's end.
func (p *process) wait(t testing.TB, limit time.Duration) error {
	t.Helper()
	select {
	case <-p.done:
		return p.err
	case <-time.After(limit):
		t.Fatalf("%s has not ended within %v; its log:\n%s", p.cmd.Path, limit, tail(p.output()))
		return nil
	}
}

// output is what the program has printed since this start.
func (p *process) output() string {
	b, err := os.ReadFile(p.log)
	if err != nil || int64(len(b)) < p.from {
		return ""
	}
	return string(b[p.from:])
}

func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}

// descendants lists the living children of a process and theirs.
func descendants(parent int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	children := map[int][]int{}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.SplitN(string(b), " ", 2)[0])
		// The parent is the second field behind the name in brackets.
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if err != nil || len(fields) < 2 {
			continue
		}
		ppid, _ := strconv.Atoi(fields[1])
		children[ppid] = append(children[ppid], pid)
	}
	var all []int
	for queue := []int{parent}; len(queue) > 0; queue = queue[1:] {
		all = append(all, children[queue[0]]...)
		queue = append(queue, children[queue[0]]...)
	}
	return all
}

// ports are handed out once in a run, so that a server that is down for a while
// finds its port free again.
var ports struct {
	sync.Mutex
	used map[int]bool
}

func freePort(t testing.TB) int {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	if ports.used == nil {
		ports.used = map[int]bool{}
	}
	// Below the range that the kernel gives to connections of its own accord.
	for port := 20000 + os.Getpid()%5000; port < 32000; port++ {
		if ports.used[port] {
			continue
		}
		ports.used[port] = true
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// command runs a program to its end and returns what it printed.
func command(t testing.TB, limit time.Duration, name string, args ...string) (string, error) {
	t.Helper()
	p := spawn(t, filepath.Join(tempDir(t), "out"), name, args...)
	err := p.wait(t, limit)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.output(), err
}
