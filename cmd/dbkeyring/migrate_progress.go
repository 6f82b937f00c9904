package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress is a bar on a terminal, and nothing anywhere else. A nil one shows
// nothing.
type progress struct {
	w     io.Writer
	what  string
	drawn time.Time
	width int // of what stands in the line
}

// bar returns the progress bar of a step.
func (p *process) bar(what string) *progress {
	f, ok := p.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &progress{w: f, what: what}
}

const (
	barWidth = 30
	redraw   = 100 * time.Millisecond
)

// show draws the bar, if it was not drawn just now.
func (b *progress) show(done, total int) {
	if b == nil || done < total && time.Since(b.drawn) < redraw {
		return
	}
	b.drawn = time.Now()
	full := barWidth * done / max(total, 1)
	line := fmt.Sprintf("%-9s [%s%s] %d/%d", b.what, strings.Repeat("#", full), strings.Repeat(" ", barWidth-full), done, total)
	b.width = max(b.width, len(line))
	fmt.Fprintf(b.w, "\r%-*s", b.width, line)
}

// end clears the line.
func (b *progress) end() {
	if b == nil || b.width == 0 {
		return
	}
	fmt.Fprintf(b.w, "\r%*s\r", b.width, "")
	b.width = 0
}
