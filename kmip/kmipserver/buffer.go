package kmipserver

import (
	"sync"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
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

// encode returns a message in a buffer, which the caller puts back.
func encode(m *kmip.ResponseMessage) *buffer {
	buf := buffers.get()
	if n := roomFor(m); n > cap(buf.bytes) {
		buf.bytes = make([]byte, 0, n) // else the writer leaves copies of a key behind as it grows
	}
	w := ttlv.NewWriter(buf.bytes[:0])
	m.Encode(w)
	buf.bytes = w.Bytes()
	return buf
}

// roomFor returns more than what a message with secrets needs, and 0 for others.
func roomFor(m *kmip.ResponseMessage) int {
	n := 0
	for i := range m.Items {
		if p, ok := m.Items[i].Payload.(*kmip.GetResponse); ok {
			n += p.Object.Content().Len() + 1024
		}
	}
	if n > 0 {
		n += 512 * len(m.Items)
	}
	return n
}

// sizeOf is the size of a message in bytes.
func sizeOf(m *kmip.ResponseMessage) int {
	buf := encode(m)
	defer buffers.put(buf)
	return len(buf.bytes)
}

// sizeOfItem is what an item adds to the size of a message.
func sizeOfItem(it *kmip.ResponseItem, v kmip.Version) int {
	m := kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: v}}
	empty := sizeOf(&m)
	m.Items = []kmip.ResponseItem{*it}
	return sizeOf(&m) - empty
}
