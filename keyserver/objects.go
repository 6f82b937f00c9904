package keyserver

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The server's tables: Unique Identifier → object.Object, and → key bytes, which
// a destroyed object does not have.
const (
	objectBucket   store.Bucket = "object"
	materialBucket store.Bucket = "material"
)

// maxRecord bounds what an object takes in memory besides its key bytes, in bytes.
// A client could else make it grow request by request.
const maxRecord = 1 << 20

// errNotFound is the answer for an object that is not there and for one that the
// client may not see.
func errNotFound(id string) error {
	return kmip.Errorf(kmip.ReasonItemNotFound, "there is no object %.64q", id).In2(kmip.ReasonObjectNotFound)
}

// find returns the object that a request names, or that the ID Placeholder stands
// for, if the client may see it.
func (s *Server) find(r *request, id string) (*object.Object, error) {
	if id == "" {
		if id = r.Placeholder; id == "" {
			return nil, kmip.Errorf(kmip.ReasonItemNotFound, "the request names no object, and the ID Placeholder is empty").In2(kmip.ReasonObjectNotFound)
		}
	}
	r.uid = id
	o := s.lookup(r, id)
	if o == nil || !mayFind(r.who, o) {
		return nil, errNotFound(id)
	}
	r.names = o.Names()
	return o, nil
}

// mayFind says whether an object is there for a client.
func mayFind(who endpoint.Identity, o *object.Object) bool {
	return o.Owner == who.Owner() || who.Role.SeesAll()
}

// errNothing says that a change is not needed.
var errNothing = errors.New("nothing to change")

// lookup returns an object as the request sees it, or nil.
func (s *Server) lookup(r *request, id string) *object.Object {
	if r.tx != nil {
		return r.tx.get(id)
	}
	return s.index.get(id)
}

// change changes the object that a request names: fn gets a copy, and may return
// errNothing. Nobody else changes the object meanwhile.
func (s *Server) change(r *request, id string, fn func(*object.Object) error) (*object.Object, error) {
	o, err := s.find(r, id)
	if err != nil {
		return nil, err
	}
	err = s.update(r, []string{o.ID}, func(tx *transaction) error {
		if o, err = s.find(r, o.ID); err != nil { // it may have changed while we waited
			return err
		}
		next := o.Clone()
		if err := fn(next); err != nil {
			if err == errNothing {
				return nil
			}
			return err
		}
		tx.put(next, kmip.ReasonIllegalOperation)
		o = next
		return nil
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// insert makes an object with its content, and sets the ID Placeholder.
func (s *Server) insert(r *request, o *object.Object, content *secret.Bytes) error {
	r.names = o.Names()
	err := s.update(r, nil, func(tx *transaction) error {
		tx.insert(r, o, content)
		return nil
	})
	if err == nil {
		r.uid, r.Placeholder = o.ID, o.ID
	}
	return err
}

// reread brings the index back to what the store says of an object.
func (s *Server) reread(id string) {
	err := s.store.View(func(tx store.Reader) error {
		value, ok, err := tx.Get(objectBucket, id)
		if err != nil || !ok {
			return err
		}
		o, err := object.Unmarshal(value)
		if err == nil {
			s.index.put(o)
		}
		return err
	})
	if err != nil {
		s.log.Error("cannot read an object after a failed write", "object", id, "error", err)
	}
}

// content reads the key bytes of an object; ok is false if there are none.
func (s *Server) content(r *request, id string) (content *secret.Bytes, ok bool, err error) {
	if r.tx != nil && r.tx.content[id] != nil {
		return r.tx.content[id].Clone(), true, nil
	}
	err = s.store.View(func(tx store.Reader) error {
		value, found, err := tx.Get(materialBucket, id)
		if err != nil || !found {
			return err
		}
		content, ok = secret.Copy(value), true
		return nil
	})
	return content, ok, err
}

// newID returns a Unique Identifier: a UUID of RFC 9562, version 8, of 36 characters,
// which is as long as old clients can take. Its first digit is random, so that a server
// that starts reads the objects in parts, and after it stands the time (in ms, and then
// in 1/4096 of one), so that new objects lie side by side in the store and a commit
// writes few pages. Its other 62 random bits are no secret: what protects an object is
// its owner.
func newID() string {
	var b [17]byte
	rand.Read(b[8:]) // never fails
	now := time.Now()
	const msBits = 44 // until the year 2527
	ms := uint64(now.UnixMilli()) & (1<<msBits - 1)
	fraction := uint64(now.Nanosecond()%int(time.Millisecond)) << 12 / uint64(time.Millisecond)
	binary.BigEndian.PutUint64(b[:], uint64(b[16]&0xf)<<60|ms<<16|8<<12|fraction)
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
