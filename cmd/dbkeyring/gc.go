package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// gcPercent is the server's GOGC, if the environment has none. What it answers is
// garbage at once, while what it keeps of 10,000 objects is some 20 MB: collecting
// half as often takes a tenth to a fifth off the time that all keys of a database
// are read in, for some 25 MB.
const gcPercent = 200

const (
	// gcRoom is the most garbage that a server with many objects lets come together,
	// in bytes, and gcLeast the least percentage that makes of it.
	gcRoom  = 400 << 20
	gcLeast = 30
)

// loading sets the collector for the start. With many objects the process is
// larger then than it stays, and ready sooner for it.
func loading() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// serving sets the collector for what comes after the start.
func serving() {
	if os.Getenv("GOGC") != "" {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > gcRoom/2 {
		debug.FreeOSMemory()
		runtime.ReadMemStats(&m)
	}
	debug.SetGCPercent(min(gcPercent, max(gcLeast, int(gcRoom*100/max(m.HeapAlloc, 1)))))
}
