// Package audit is the key server's append-only log: one JSON object a line for
// each operation, with who asked for what and what came of it, never key bytes.
//
// What it promises. A line is in the operating system's hands before the client
// has its answer, so a killed server loses none. The line of an operation that
// changes something is moreover on the disk (many lines share one fsync); a line
// of a mere read is not waited for, so a power failure may take the last ones.
// That fsync comes after the store's, not beside it: a line says what came of an
// operation, which is known only then. The next changes' commit goes on meanwhile.
//
// What happens when the log cannot be written. Reads are still served: a full
// disk at the key server must not stop every database. Changes are refused as
// long as it lasts, because [Log.Ready] says so before they are made. Each line
// that is lost is counted, and the count is the first line once writing works again.
package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The words in Entry.Result.
const (
	Success = "success"
	Failure = "failure"
	Denied  = "denied"
	Undone  = "undone" // done, and taken back before anyone saw it
)

// Entry is one operation.
type Entry struct {
	Time     time.Time     // when the request came; the zero time stands for now
	Endpoint string        // the client's name; empty when it was not recognised
	Group    string        // the group whose objects it works with, if it is in one
	Remote   string        // its network address
	Op       string        // the operation in KMIP's words, such as "Get"
	UID      string        // the object's Unique Identifier
	Names    []string      // the object's names
	From     []string      // the objects that it was made from, by Re-key and its like
	Result   string        // Success, Failure, Denied or Undone
	Reason   string        // why not, for people; never key bytes
	Message  string        // what the client had logged, by the operation Log
	Latency  time.Duration // from the request to this entry

	// Change marks an operation that changed something: its line is on the disk
	// when Record returns.
	Change bool
}

// Log is an open audit log. All methods may be called from many goroutines.
type Log struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex // guards what follows, and the order of the lines
	file    *os.File
	written uint64 // lines handed to the operating system
	head    Head   // of the last whole line
	first   bool   // the next line tells what it follows on
	lost    uint64 // lines that could not be written since the last good one
	torn    bool   // the file does not end with a newline
	failure error  // of the last write; nil when it went well
	buffer  []byte // of the last write, to be used again
	places  []place

	syncMu sync.Mutex
	synced uint64 // lines known to be on the disk
}

// place is where a line ends in a buffer.
type place struct {
	head Head
	end  int
}

// Open opens the log at path for appending and makes it if need be, readable by
// its owner only. Its chain goes on from the file's last line, or, where the file
// was rotated meanwhile, from the head that was kept elsewhere.
func Open(path string, kept Head, log *slog.Logger) (*Log, error) {
	l := &Log{path: path, log: log, head: kept}
	if err := l.openFile(); err != nil {
		return nil, err
	}
	return l, nil
}

// openFile opens path and takes it into use. The caller holds mu, or is Open.
func (l *Log) openFile() error {
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the audit log: %w", err)
	}
	torn, err := endsTorn(f)
	var last *Head
	empty := false
	if err == nil {
		last, empty, err = lastHead(f)
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("read the end of the audit log: %w", err)
	}
	if last != nil && l.file == nil {
		l.head = *last
	}
	// A line of this file can be followed without a word only by the next one.
	l.first = empty || last == nil || *last != l.head
	l.file, l.torn = f, torn
	return nil
}

// endsTorn says whether the file's last line was cut off by a crash or a full disk.
func endsTorn(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}

// Ready says whether an operation that changes something may go on: nil, or the
// reason why its line could not be written. Call it before the change.
func (l *Log) Ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return fs.ErrClosed
	}
	if l.failure == nil {
		return nil
	}
	return l.settle()
}

// Record writes the entries of one message, together. An error means that some
// of the lines are not (for a Change: perhaps not) on the disk; the operations
// themselves have happened all the same, and the caller goes on. The failure has
// been logged.
func (l *Log) Record(entries ...Entry) error {
	change := false
	text := make([]byte, 0, 320*len(entries))
	ends := make([]int, 0, 8)
	for i := range entries {
		e := &entries[i]
		if e.Time.IsZero() {
			e.Time = time.Now()
		}
		text = e.appendLine(text)
		ends = append(ends, len(text))
		change = change || e.Change
	}
	seq, err := l.append(text, ends)
	if err != nil || !change {
		return err
	}
	return l.syncTo(seq)
}

// append writes lines, which end in text where ends says, and returns the number of
// lines until then.
func (l *Log) append(text []byte, ends []int) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return 0, fs.ErrClosed
	}
	if l.lost > 0 || l.torn {
		if err := l.settle(); err != nil {
			l.lost += uint64(len(ends))
			return 0, err
		}
	}
	begin := l.written
	if err := l.write(nil, text, ends); err != nil {
		l.lost += uint64(len(ends)) - (l.written - begin)
		return 0, err
	}
	return l.written, nil
}

// settle ends a torn line, and tells how many lines were lost.
func (l *Log) settle() error {
	var start []byte
	var reasons []string
	if l.torn {
		start = []byte{'\n'}
		reasons = append(reasons, cutOff+" by a crash or a full disk")
	}
	if l.lost > 0 {
		reasons = append(reasons, fmt.Sprintf("%d entries before this one could not be written", l.lost))
	}
	if len(reasons) == 0 {
		return nil
	}
	told := Entry{Time: time.Now(), Op: "audit", Result: Failure, Reason: strings.Join(reasons, "; ")}
	text := told.appendLine(nil)
	if err := l.write(start, text, []int{len(text)}); err != nil {
		return err
	}
	if l.lost > 0 {
		l.log.Warn("the audit log can be written again", "file", l.path, "lost_entries", l.lost)
	}
	l.lost = 0
	return nil
}

// write chains lines and hands them to the operating system with one call, after
// start. The chain goes on from the last line that it took as a whole.
func (l *Log) write(start, text []byte, ends []int) error {
	out := append(l.buffer[:0], start...)
	head, begin, places := l.head, 0, l.places[:0]
	for i, end := range ends {
		out, head = head.link(out, text[begin:end], l.first && i == 0)
		places, begin = append(places, place{head, len(out)}), end
	}
	l.buffer, l.places = out, places
	n, err := l.file.Write(out)
	if n > 0 {
		l.torn = out[n-1] != '\n'
	}
	for _, p := range places {
		if p.end <= n {
			l.head, l.first = p.head, false
			l.written++
		}
	}
	if err != nil {
		err = fmt.Errorf("write the audit log: %w", err)
		if l.failure == nil {
			l.log.Error("the audit log cannot be written: changes are refused until it can. Make room on its disk, or repair it", "file", l.path, "error", err)
		}
		l.failure = err
		return err
	}
	l.failure = nil
	return nil
}

// Head returns the place of the last line, which is on the disk when it returns.
func (l *Log) Head() (Head, error) {
	l.mu.Lock()
	head, seq := l.head, l.written
	l.mu.Unlock()
	return head, l.syncTo(seq)
}

// State is how a log is.
type State struct {
	Lines uint64 // written, counted from the chain's beginning
	Lost  uint64 // that could not be written since the last good one
	Err   error  // why the last one could not; nil if it was
}

// State tells how the log is, without an attempt to write.
func (l *Log) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := State{Lines: l.head.Seq, Lost: l.lost, Err: l.failure}
	if l.file == nil {
		s.Err = fs.ErrClosed
	}
	return s
}

// syncTo returns when line seq is on the disk. Whoever holds syncMu syncs for
// all that were written until then, and those who waited find it done.
func (l *Log) syncTo(seq uint64) error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	if l.synced >= seq {
		return nil
	}
	l.mu.Lock()
	file, upTo := l.file, l.written
	l.mu.Unlock()
	if file == nil {
		return fs.ErrClosed
	}
	// The data and the file's length; the times, which fsync adds, cost a journal commit.
	if err := unix.Fdatasync(int(file.Fd())); err != nil {
		err = fmt.Errorf("bring the audit log to the disk: %w", err)
		l.log.Error("the audit log is not durable", "file", l.path, "error", err)
		l.mu.Lock()
		l.failure = err
		l.lost++ // at least: what the system dropped from its cache is not known
		l.mu.Unlock()
		return err
	}
	l.synced = upTo
	return nil
}

// Reopen opens the log's path anew, after a rotation has renamed the file. On an
// error the old file stays in use.
func (l *Log) Reopen() error {
	l.syncMu.Lock() // no fsync in progress on the file that is closed
	defer l.syncMu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.file
	if old == nil {
		return fs.ErrClosed
	}
	if err := l.openFile(); err != nil {
		l.log.Error("the audit log stays in its old file", "error", err)
		return err
	}
	err := errors.Join(old.Sync(), old.Close())
	l.synced = l.written
	if err != nil {
		return fmt.Errorf("end the old audit log: %w", err)
	}
	return nil
}

// Close brings everything to the disk and closes the file.
func (l *Log) Close() error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Sync(), l.file.Close())
	l.file = nil
	return err
}
