package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// A record is the changes of one group, at a multiple of [recordAlign]:
//
//	4 bytes  recordMagic
//	4 bytes  n, length of the changes
//	8 bytes  number of the record; each that is begun has the next one
//	8 bytes  number of the record before that counts: those between them failed
//	4 bytes  CRC-32C of the journal's id, the fields above, and the changes
//	4 bytes  0
//	n bytes  changes: bucket and key, each after its length; value after its length
//	         plus 1, or 0 for a deletion; lengths as varints
//
// all numbers big-endian.
const (
	recordMagic  = "\xdbkR\x01"
	recordHeader = 32
	recordAlign  = 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is one that was read.
type record struct {
	seq, last uint64
	changes   []byte
}

// recordSize is the size of the changes' record, at most.
func recordSize(changes *layer) int {
	size := recordHeader + recordAlign
	changes.Ascend(func(c change) bool {
		size += 3*binary.MaxVarintLen32 + len(c.bucket) + len(c.key) + len(c.value)
		return true
	})
	return size
}

// appendRecord appends a record to buf, which must be aligned, and aligns it again.
func appendRecord(buf []byte, id journalID, seq, last uint64, changes *layer) []byte {
	begin := len(buf)
	buf = append(buf, make([]byte, recordHeader)...)
	changes.Ascend(func(c change) bool {
		buf = appendBytes(buf, string(c.bucket))
		buf = appendBytes(buf, c.key)
		if c.value == nil {
			buf = append(buf, 0)
			return true
		}
		buf = binary.AppendUvarint(buf, uint64(len(c.value))+1)
		buf = append(buf, c.value...)
		return true
	})
	rec := buf[begin:]
	copy(rec, recordMagic)
	binary.BigEndian.PutUint32(rec[4:], uint32(len(rec)-recordHeader))
	binary.BigEndian.PutUint64(rec[8:], seq)
	binary.BigEndian.PutUint64(rec[16:], last)
	binary.BigEndian.PutUint32(rec[24:], checksum(id, rec))
	return append(buf, make([]byte, -len(buf)&(recordAlign-1))...)
}

func appendBytes(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}

// checksum is that of a record, of which the padding is no part.
func checksum(id journalID, rec []byte) uint32 {
	sum := crc32.Update(0, castagnoli, id[:])
	sum = crc32.Update(sum, castagnoli, rec[:24])
	return crc32.Update(sum, castagnoli, rec[recordHeader:])
}

// parseRecord returns the record at the beginning of b, if there is a whole one.
func parseRecord(id journalID, b []byte) (r record, ok bool) {
	if len(b) < recordHeader || string(b[:4]) != recordMagic {
		return r, false
	}
	n := int64(binary.BigEndian.Uint32(b[4:]))
	if n > int64(len(b)-recordHeader) {
		return r, false
	}
	b = b[:recordHeader+n]
	if checksum(id, b) != binary.BigEndian.Uint32(b[24:]) {
		return r, false
	}
	return record{binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:]), b[recordHeader:]}, true
}

var errChanges = errors.New("its changes cannot be read")

// read adds a record's changes to a layer. They keep pointing into the record.
func (r record) read(into *layer) error {
	b := r.changes
	for len(b) > 0 {
		name, rest, ok := takeBytes(b, 0)
		key, rest, ok2 := takeBytes(rest, 0)
		if !ok || !ok2 || len(rest) == 0 {
			return errChanges
		}
		c := change{bucket: store.Bucket(name), key: string(key)}
		if rest[0] == 0 {
			rest = rest[1:]
		} else if c.value, rest, ok = takeBytes(rest, 1); !ok {
			return errChanges
		}
		into.ReplaceOrInsert(c)
		b = rest
	}
	return nil
}

// takeBytes takes bytes after their length, which is more by so much. They are not nil.
func takeBytes(b []byte, more uint64) (taken, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n < more || n-more > uint64(len(b)-size) {
		return nil, nil, false
	}
	b = b[size:]
	n -= more
	return b[:n:n], b[n:], true
}
