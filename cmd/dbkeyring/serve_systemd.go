package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// systemd is told what the server is at, as sd_notify(3) says; nil: nobody asked to be.
type systemd struct {
	conn     net.Conn
	watchdog time.Duration // it wants a sign of life so often; 0: it wants none
	log      *slog.Logger
}

// newSystemd reads what systemd has put into the environment for a service of Type=notify.
func newSystemd(log *slog.Logger) (*systemd, error) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil, nil
	}
	conn, err := net.Dial("unixgram", address)
	if err != nil {
		return nil, fmt.Errorf("systemd's NOTIFY_SOCKET: %w", err)
	}
	d := &systemd{conn: conn, log: log}
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return d, nil // meant for another process
	}
	if text := os.Getenv("WATCHDOG_USEC"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 {
			return nil, errors.Join(fmt.Errorf("systemd's WATCHDOG_USEC %q is no time in microseconds", text), conn.Close())
		}
		d.watchdog = time.Duration(n) * time.Microsecond
	}
	return d, nil
}

// tell sends a state. What systemd does not take is logged: the server goes on.
func (d *systemd) tell(state string) {
	if d == nil {
		return
	}
	d.conn.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := d.conn.Write([]byte(state)); err != nil {
		d.log.Error("systemd was not told", "state", state, "error", err)
	}
}

// serving tells that the server is ready, and later that it stops, when ctx ends. Then told is closed.
func (d *systemd) serving(ctx context.Context, alive func() error) (told <-chan struct{}) {
	stopped := make(chan struct{})
	d.ready()
	go d.live(ctx, alive)
	context.AfterFunc(ctx, func() {
		defer close(stopped)
		d.tell("STOPPING=1")
	})
	return stopped
}

func (d *systemd) ready() { d.tell("READY=1") }

// reloading is followed by ready. The time tells systemd which request was heard.
func (d *systemd) reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return
	}
	d.tell(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000))
}

// live gives signs of life until ctx ends, as long as alive returns. An error of alive is
// one too: what a restart does not cure is told by /healthz, and clients are still served.
func (d *systemd) live(ctx context.Context, alive func() error) {
	if d == nil || d.watchdog == 0 {
		return
	}
	tick := time.NewTicker(max(d.watchdog/3, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = alive()
			d.tell("WATCHDOG=1")
		}
	}
}
