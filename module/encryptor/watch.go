package encryptor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dbkeyring/dbkeyring/config/mongod"
	"github.com/dbkeyring/dbkeyring/masterkey"
)

// plan is what the configuration says of the poll.
type plan struct {
	period  time.Duration
	timeout time.Duration
	logOnly bool
}

func (d *database) watchPlan(o mongod.Options) {
	if o.Activate {
		d.plan.period = o.PollPeriod
	}
	d.plan.timeout, d.plan.logOnly = limit(o), o.LogOnly
}

// watch polls the master key's state until the database is closed.
func (e *Encryptors) watch(d *database) {
	ctx, cancel := context.WithCancel(context.Background())
	d.end, d.polled = cancel, make(chan struct{})
	p := masterkey.Poll{Provider: d.provider, Ref: d.store.Master(), Period: d.plan.period, Timeout: d.plan.timeout, Log: d.log,
		Gone: func(reason string) { e.gone(d, reason) }}
	go func() {
		defer close(d.polled)
		var err error
		defer func() {
			if err != nil {
				d.log.Error("a fault in dbkeyring, please report it: " + err.Error())
			}
		}()
		defer catch(&err)
		p.Run(ctx)
	}()
}

// untold is how long a line waits for a thread of the host before the host is ended.
const untold = 2 * time.Second

// gone ends the host, as the document has it, or only tells.
func (e *Encryptors) gone(d *database, reason string) {
	const cure = "If it was revoked on purpose, start once with rotateMasterKey"
	if d.plan.logOnly {
		d.log.Error(reason + ". The database runs on, as keyStatePollingAction says. " + cure)
		return
	}
	d.log.Error(reason + ". The database is shut down. " + cure)
	time.Sleep(untold) // the next block that is written takes the line along
	if err := e.stop(d.waits); err != nil {
		d.log.Error("the database cannot be shut down cleanly and runs on: " + err.Error())
	}
}

// StopHost sends SIGTERM to this process, if that ends it cleanly: the host handles the
// signal, or waits for it, as mongod does. A program that does neither would be killed in
// the middle of a write.
func StopHost(waits bool) error {
	handled, err := handles(syscall.SIGTERM)
	switch {
	case waits, handled:
		return syscall.Kill(os.Getpid(), syscall.SIGTERM)
	case err != nil:
		return err
	}
	return errors.New("this program does not handle SIGTERM")
}

// handles says whether this process has a handler for a signal. Go's runtime has none of
// its own for SIGTERM.
func handles(s syscall.Signal) (bool, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return false, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "SigCgt:"); ok {
			mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return mask&(1<<(s-1)) != 0, err
		}
	}
	return false, errors.New("it is not known whether this program handles SIGTERM")
}

// catch turns a panic into an error: a guest does not end its host.
func catch(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("a fault in dbkeyring, please report it: panic with a %T", v)
	}
}
