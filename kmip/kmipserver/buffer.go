package kmipserver

import (
	"sync"

	"github.com/dbkeyring/dbkeyring/secret"
)

// buffer is a buffer in the pool. Buffers are wiped before they go back: any of
// them may have held a key.
type buffer struct{ bytes []byte }

type bufferPool struct{ pool sync.Pool }

// buffers is shared by all servers of the process, as the heap is.
var buffers = bufferPool{sync.Pool{New: func() any { return &buffer{make([]byte, 0, 4096)} }}}

func (p *bufferPool) get() *buffer { return p.pool.Get().(*buffer) }

func (p *bufferPool) put(b *buffer) {
	secret.Wipe(b.bytes)
	if cap(b.bytes) > 256<<10 { // a rare large message must not stay in memory for good
		return
	}
	b.bytes = b.bytes[:0]
	p.pool.Put(b)
}
