package secret

import (
	"math/bits"
	"sync"

	"golang.org/x/sys/unix"
)

// The arena hands out slots of anonymous memory outside the Go heap. A page per
// secret would cost a server with 10,000 keys 40 MB; slots of a power of two
// cost it less than 1 MB. Small slots share chunks of 64 KiB, larger secrets
// have a mapping of their own, which is returned to the system on Wipe.

const (
	minSlot   = 32
	maxSlot   = 16 << 10
	chunkSize = 64 << 10
)

type arena struct {
	mu   sync.Mutex
	free [11][][]byte // free slots by class: 32 bytes << class
}

// shared is the process's only arena: memory is the one thing that really is global.
var shared arena

func classOf(n int) int {
	if n <= minSlot {
		return 0
	}
	return bits.Len(uint(n-1)) - bits.Len(uint(minSlot-1))
}

// take returns n zero bytes, whose capacity is the whole slot's or mapping's.
func (a *arena) take(n int) []byte {
	if n > maxSlot {
		return mapLocked(n)
	}
	class := classOf(n)
	size := minSlot << class
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.free[class]) == 0 {
		chunk := mapLocked(chunkSize)
		for off := 0; off < chunkSize; off += size {
			a.free[class] = append(a.free[class], chunk[off:off+size:off+size])
		}
	}
	last := len(a.free[class]) - 1
	s := a.free[class][last]
	a.free[class] = a.free[class][:last]
	return s[:n]
}

// give takes back what take returned and the caller has wiped.
func (a *arena) give(b []byte) {
	b = b[:cap(b)]
	if len(b) > maxSlot {
		_ = unix.Munmap(b) // a failure leaves a wiped mapping behind
		return
	}
	class := classOf(len(b))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free[class] = append(a.free[class], b)
}

// mapLocked maps n bytes that stay out of core dumps and, where RLIMIT_MEMLOCK
// allows it, out of swap. Locking is best effort: a database that may lock only
// 64 KiB must still start.
func mapLocked(n int) []byte {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n) // out of address space: the heap is the last resort
	}
	_ = unix.Madvise(b, unix.MADV_DONTDUMP)
	_ = unix.Mlock(b)
	return b
}
