package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Report is what Verify has seen in a file.
type Report struct {
	Lines     int       // chained lines
	Unchained int       // lines of before the log was chained
	CutOff    []int     // numbers of lines that a crash or a full disk has cut off, as the log tells
	First     time.Time // the span of time of the chained lines
	Last      time.Time
	Before    string // the hash that the first chained line follows on; "" begins a chain
	Begin     Head   // that of the first chained line
	End       Head   // that of the last one
	// Faults are the places where the chain is broken, in words, with the number of the line.
	Faults []Fault
	heads  map[uint64]string // that were asked for and are there
}

// Fault is a place where the chain is broken.
type Fault struct {
	Line int // counted from 1 in its file
	What string
}

func (f Fault) String() string { return fmt.Sprintf("line %d: %s", f.Line, f.What) }

// maxFaults is how many faults are told of a file.
const maxFaults = 10

// Has says whether the place is in the file; kept holds those that Verify was asked to look for.
func (r *Report) Has(h Head) bool { return r.heads[h.Seq] == h.Chain }

// Verify reads a file of the log and follows its chain. kept are heads that the server has kept
// elsewhere, which are looked for. An error is one of reading.
func Verify(in io.Reader, kept []Head) (*Report, error) {
	r := &Report{heads: make(map[uint64]string)}
	wanted := make(map[uint64]bool, len(kept))
	for _, h := range kept {
		wanted[h.Seq] = true
	}
	lines := bufio.NewReaderSize(in, 1<<20)
	cut := 0 // the line before, if it is none
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 && err == io.EOF {
			break
		}
		if err != nil && err != io.EOF {
			return r, err
		}
		whole := err == nil
		line = bytes.TrimSuffix(line, []byte{'\n'})
		body, head, prev, ok := chained(line)
		switch {
		case ok && whole:
			r.follow(n, body, head, prev)
			if cut != 0 {
				// Only a line that tells of it makes a line that was cut off good.
				if tells(line) {
					r.CutOff = append(r.CutOff, cut)
				} else {
					r.fault(cut, "it is no line of the log")
				}
				cut = 0
			}
			if wanted[head.Seq] {
				r.heads[head.Seq] = head.Chain
			}
			r.span(line)
		case r.Lines == 0 && whole && json.Valid(line):
			r.Unchained++
		case cut != 0:
			r.fault(cut, "it is no line of the log")
			cut = n
		case !whole: // the server ends it when it starts
			r.CutOff = append(r.CutOff, n)
		default:
			cut = n
		}
	}
	if cut != 0 {
		r.fault(cut, "it is no line of the log")
	}
	return r, nil
}

// follow takes in a line that has a place in the chain.
func (r *Report) follow(n int, body []byte, head Head, prev *string) {
	before := r.End
	switch {
	case r.Lines == 0:
		if prev == nil {
			r.fault(n, "the beginning of the file is missing: its first line does not tell what it follows on")
			r.Begin, r.End = head, head
			r.Lines++
			return
		}
		before = Head{Seq: head.Seq - 1, Chain: *prev}
		r.Before, r.Begin = *prev, head
	case prev != nil && *prev != before.Chain:
		r.fault(n, "it follows on another line than the one before it")
		before.Chain = *prev
	}
	switch {
	case head.Seq != before.Seq+1:
		r.fault(n, fmt.Sprintf("its number is %d, and that of the line before %d: lines are missing, or in another order", head.Seq, before.Seq))
	case before.sum(body) != head.Chain:
		r.fault(n, "it, or the line before it, is not as it was written")
	}
	r.End = head
	r.Lines++
}

// cutOff begins the reason of the line that follows one that was cut off.
const cutOff = "the line before this one was cut off"

func tells(line []byte) bool { return bytes.Contains(line, []byte(`"reason":"`+cutOff)) }

func (r *Report) fault(line int, what string) {
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, Fault{line, what})
	}
}

func (r *Report) span(line []byte) {
	// It stands at a fixed place in what this package has written.
	const begin = `{"time":"`
	rest, ok := bytes.CutPrefix(line, []byte(begin))
	if !ok {
		return
	}
	text, _, _ := bytes.Cut(rest, []byte{'"'})
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return
	}
	if r.First.IsZero() {
		r.First = t
	}
	r.Last = t
}

// Follows says whether the file of next begins where this one ends.
func (r *Report) Follows(next *Report) bool {
	return next.Lines > 0 && r.Lines > 0 && next.Before == r.End.Chain
}

// SortReports orders the indices of reports by their places in the chain.
func SortReports(reports []*Report) []int {
	order := make([]int, len(reports))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(int64(reports[a].Begin.Seq) - int64(reports[b].Begin.Seq)) })
	return order
}
