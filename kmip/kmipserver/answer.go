package kmipserver

import (
	"slices"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// answer is a response in its encoded form, which grows item by item. Each item is
// encoded once, also to know its size, and what it has of keys is then here only.
type answer struct {
	header kmip.ResponseHeader
	items  int
	buf    *buffer // the caller of end puts it back
}

// speaks says whether the server answers requests of the version.
func (s *Server) speaks(v kmip.Version) bool { return slices.Contains(s.o.Versions, v) }

// nearest is the version to answer in: the request's, or, where we do not speak it,
// the next older one that we do, or else our oldest.
func (s *Server) nearest(v kmip.Version) kmip.Version {
	nearest := kmip.V1_0
	for _, nearest = range s.o.Versions { // the newest first
		if v.AtLeast(nearest) {
			break
		}
	}
	return nearest
}

// begin begins an answer in a version.
func begin(v kmip.Version, correlation string) *answer {
	a := &answer{header: kmip.ResponseHeader{Version: v, TimeStamp: time.Now(), ClientCorrelation: correlation}, buf: buffers.get()}
	w := ttlv.NewWriter(a.buf.bytes)
	a.head(w)
	a.buf.bytes = w.Bytes()
	return a
}

func (a *answer) head(w *ttlv.Writer) (mark int) {
	mark = w.Begin(kmip.TagResponseMessage)
	a.header.Encode(w, a.items)
	return mark
}

// add appends an item and wipes its payload.
func (a *answer) add(it *kmip.ResponseItem) {
	defer kmip.WipePayload(it.Payload)
	w := ttlv.NewWriter(a.buf.bytes)
	it.Encode(w, a.header.Version)
	a.buf.bytes = w.Bytes()
	a.items++
}

// size is that of the message so far, in bytes.
func (a *answer) size() int { return len(a.buf.bytes) }

// takeBack takes the last item back, before which the message had the size.
func (a *answer) takeBack(size int) {
	secret.Wipe(a.buf.bytes[size:])
	a.buf.bytes = a.buf.bytes[:size]
	a.items--
}

// empty takes all items back, before which the message had the size.
func (a *answer) empty(size int) {
	a.takeBack(size)
	a.items = 0
}

// undone says of the items that they were undone. Of the answer it keeps what came
// after last, the failure. empty is the size that the message had without items.
func (a *answer) undone(empty, last int, items []kmip.RequestItem) {
	failure := append([]byte(nil), a.buf.bytes[last:]...)
	a.empty(empty)
	for _, in := range items {
		a.add(&kmip.ResponseItem{Operation: in.Operation, ID: in.ID, Status: kmip.StatusOperationUndone,
			Message: "undone, because a later operation of the message failed"})
	}
	a.buf.bytes = append(a.buf.bytes, failure...)
	a.items++
}

// end returns the message.
func (a *answer) end() *buffer {
	mark := a.head(ttlv.NewWriter(a.buf.bytes[:0])) // over the first one, which knew of no items
	ttlv.NewWriter(a.buf.bytes).End(mark)
	return a.buf
}
