package keyserver

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/usage"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// transaction is changes that become durable and visible together, or not at all:
// those of one operation, or those of a message whose Batch Error Continuation
// Option is Undo. Until then its own message sees them, and nobody else does.
//
// Locks are always taken in this order, so that there is no deadlock: Server.changes,
// the objects that change (all at once), the names that are new (all at once).
// An operation has Server.changes shared and the locks of what it changes. A
// message has Server.changes for itself from its first change on, and needs no other.
type transaction struct {
	s       *Server
	message bool
	locked  bool                     // a message's: it has Server.changes
	staged  *index                   // the objects that were changed, as they will be
	order   []*change                // in the order in which each was changed first
	content map[string]*secret.Bytes // key bytes of new objects, which a message owns
	limited endpoint.Identity        // who makes new objects, if its limits count them
	unlock  []func()
}

// change is what a transaction makes of one object.
type change struct {
	id     string
	before *object.Object // nil: a new one
	next   *object.Object
	record []byte
	reason kmip.ResultReason // for a Name that is taken
	fresh  bool              // not checked yet
}

func (s *Server) newTransaction(message bool) *transaction {
	return &transaction{s: s, message: message, staged: newIndex(), content: make(map[string]*secret.Bytes)}
}

// update carries out a change of the named objects, and of new ones: what fn stages
// is made durable and visible at once. In a message that is done as a whole that
// waits for the message's end.
func (s *Server) update(r *request, ids []string, fn func(*transaction) error) error {
	if r.tx != nil {
		tx := r.tx
		tx.lock()
		if err := fn(tx); err != nil {
			return err
		}
		if err := tx.check(); err != nil {
			return err
		}
		r.changed = r.changed || len(tx.order) > 0
		return nil
	}
	tx := s.newTransaction(false)
	defer tx.end()
	tx.lock(ids...)
	r.tx = tx
	defer func() { r.tx = nil }()
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.check(); err != nil {
		return err
	}
	if len(tx.order) == 0 {
		return nil
	}
	if err := tx.commit(r.ctx); err != nil {
		return err
	}
	r.changed = true
	return nil
}

// lock keeps everybody else from changing the objects.
func (tx *transaction) lock(ids ...string) {
	switch {
	case !tx.message:
		tx.s.changes.RLock()
		tx.unlock = append(tx.unlock, tx.s.changes.RUnlock)
		locks := make([]string, len(ids))
		for i, id := range ids {
			locks[i] = objectLock(id)
		}
		tx.unlock = append(tx.unlock, tx.s.locks.lock(locks...))
	case !tx.locked:
		tx.s.changes.Lock()
		tx.locked = true
		tx.unlock = append(tx.unlock, tx.s.changes.Unlock)
	}
}

// end gives up the locks, and what was not committed.
func (tx *transaction) end() {
	for _, unlock := range slices.Backward(tx.unlock) {
		unlock()
	}
	tx.unlock = nil
	if tx.message {
		for _, c := range tx.content {
			c.Wipe()
		}
	}
}

// get returns an object as the transaction's own message sees it, or nil.
func (tx *transaction) get(id string) *object.Object {
	if o := tx.staged.get(id); o != nil {
		return o
	}
	return tx.s.index.get(id)
}

// put stages a new version of an object, or a new object. A Name that another one
// has is refused for the reason.
func (tx *transaction) put(o *object.Object, reason kmip.ResultReason) {
	i := len(tx.order)
	if tx.staged.get(o.ID) != nil {
		i = slices.IndexFunc(tx.order, func(c *change) bool { return c.id == o.ID })
	} else {
		tx.order = append(tx.order, &change{id: o.ID, before: tx.s.index.get(o.ID)})
	}
	c := tx.order[i]
	c.next, c.reason, c.fresh = o, reason, true
	tx.staged.put(o)
}

// insert stages a new object of the client's with its content, nil for a Template, which stays the
// caller's, who keeps it until update returns.
func (tx *transaction) insert(r *request, o *object.Object, content *secret.Bytes) {
	o.ID, o.Owner, o.Serial = newID(), r.who.Owner(), tx.s.serial.Add(1)
	if r.who.Limits.Objects > 0 {
		tx.limited = r.who
	}
	if o.Digest == nil && content != nil {
		o.SetDigest(content.Reveal())
	}
	if tx.message && content != nil {
		content = content.Clone()
	}
	tx.content[o.ID] = content
	tx.put(o, kmip.ReasonInvalidField)
}

// check looks at what was staged since it was called last: that each object can be
// stored, and that nobody else has its new Names, now or until the end.
func (tx *transaction) check() error {
	var fresh []*change
	var locks []string
	count := false
	for _, c := range tx.order {
		if !c.fresh {
			continue
		}
		c.fresh = false
		if c.record = c.next.Marshal(); len(c.record) > maxRecord {
			return kmip.Errorf(kmip.ReasonIndexOutOfBounds, "the attributes of an object can take %d bytes at most", maxRecord).In2(kmip.ReasonServerLimitExceeded)
		}
		fresh = append(fresh, c)
		if c.before == nil && tx.limited.Limits.Objects > 0 {
			count = true
		}
		for _, n := range c.newNames() {
			locks = append(locks, nameLock(c.next.Owner, n))
		}
	}
	if tx.s.o.DuplicateNames {
		locks = nil
	}
	if count {
		locks = append(locks, quotaLock(tx.limited.Owner()))
	}
	if !tx.message && len(locks) > 0 {
		tx.unlock = append(tx.unlock, tx.s.locks.lock(locks...))
	}
	if count {
		if err := tx.checkQuota(tx.limited); err != nil {
			return err
		}
	}
	if tx.s.o.DuplicateNames {
		return nil
	}
	for _, c := range fresh {
		for _, n := range c.newNames() {
			if tx.nameTaken(c.next.Owner, n, c.id) {
				return kmip.Errorf(c.reason, "another object has the Name %.250q already", n).In2(kmip.ReasonNonUniqueNameAttribute)
			}
		}
	}
	return nil
}

// newNames returns the names that the object is to have and has not.
func (c *change) newNames() (names []string) {
	if c.next.Destroyed() {
		return nil
	}
	for _, n := range c.next.Names() {
		if c.before == nil || !slices.Contains(c.before.Names(), n) {
			names = append(names, n)
		}
	}
	return names
}

// nameTaken says whether an object other than the one excepted has the name, as
// the transaction will leave them.
func (tx *transaction) nameTaken(owner, name, except string) bool {
	if tx.staged.nameTaken(owner, name, func(id string) bool { return id == except }) {
		return true
	}
	return tx.s.index.nameTaken(owner, name, func(id string) bool { return id == except || tx.staged.get(id) != nil })
}

// commit makes the changes durable, then visible. The key bytes of what was
// destroyed are erased.
func (tx *transaction) commit(ctx context.Context) error {
	// A client that goes away must not leave us unsure of what happened.
	err := tx.s.store.Update(context.WithoutCancel(ctx), func(w store.Writer) error {
		for _, c := range tx.order {
			if err := c.write(w, tx.content[c.id]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for _, c := range tx.order {
			tx.s.reread(c.id)
		}
		return fmt.Errorf("write object %s: %w", tx.order[0].id, err)
	}
	visible := make([]*object.Object, len(tx.order))
	for i, c := range tx.order {
		visible[i] = c.next
	}
	tx.s.index.put(visible...)
	return nil
}

func (c *change) write(w store.Writer, content *secret.Bytes) error {
	switch {
	case c.next.Destroyed():
		if err := errors.Join(w.Delete(materialBucket, c.id), usage.Forget(w, c.id)); err != nil {
			return err
		}
	case content != nil:
		if err := w.Put(materialBucket, c.id, content.Reveal()); err != nil {
			return err
		}
	}
	return w.Put(objectBucket, c.id, c.record)
}
