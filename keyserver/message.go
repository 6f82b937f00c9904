package keyserver

import (
	"context"
	"slices"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
)

// message is what the operations of a message have in common: the Call's State.
type message struct {
	entries []audit.Entry
	tx      *transaction // of one that is done as a whole, else nil
	served  []string     // objects that were Fresh, and are given out now
}

// serve notes that an object is given out.
func (m *message) serve(id string) {
	if !slices.Contains(m.served, id) {
		m.served = append(m.served, id)
	}
}

func messageOf(c *kmipserver.Call) *message {
	m, ok := c.State.(*message)
	if !ok {
		m = &message{}
		c.State = m
	}
	return m
}

// Begin implements kmipserver.Undoer.
func (s *Server) Begin(c *kmipserver.Call) { messageOf(c).tx = s.newTransaction(true) }

// Commit implements kmipserver.Undoer: what the operations of the message have
// changed becomes durable and visible, all of it. After an error the objects are
// as the store says, and the audit log calls each operation a failure.
func (s *Server) Commit(ctx context.Context, c *kmipserver.Call) error {
	m := messageOf(c)
	tx := m.tx
	m.tx = nil
	defer tx.end()
	if len(tx.order) == 0 {
		return nil
	}
	// If the store panics, nobody is told of a success either.
	entries, done := m.entries, false
	defer func() {
		if !done {
			m.served = nil
			rewrite(entries, audit.Failure, "the message could not be committed")
		}
	}()
	if err := tx.commit(ctx); err != nil {
		s.log.Error("a message was not committed", "from", c.Peer.Address, "error", err)
		return kmip.Errorf(kmip.ReasonGeneralFailure, "the key store failed; the key server's log says more")
	}
	done = true
	return nil
}

// Undo implements kmipserver.Undoer: what the operations of the message have
// changed is forgotten. The audit log says so of each.
func (s *Server) Undo(c *kmipserver.Call) {
	m := messageOf(c)
	m.tx.end()
	m.tx, m.served = nil, nil
	rewrite(m.entries, audit.Undone, "another operation of the message failed")
}

// rewrite tells of operations that had gone well what became of them.
func rewrite(entries []audit.Entry, result, reason string) {
	for i := range entries {
		if e := &entries[i]; e.Result == audit.Success {
			e.Result, e.Reason, e.Change = result, reason, false
		}
	}
}

// Finish implements kmipserver.Handler: it writes the audit lines of a message,
// all at once. A failure has been logged by the audit log, and does not undo what
// has happened.
func (s *Server) Finish(c *kmipserver.Call) {
	m, ok := c.State.(*message)
	if !ok {
		return
	}
	if len(m.served) > 0 {
		s.markServed(m.served)
	}
	if len(m.entries) > 0 && s.o.Audit != nil {
		_ = s.o.Audit.Record(m.entries...)
	}
	if len(m.entries) > 0 && s.o.Observe != nil {
		s.o.Observe(m.entries)
	}
}

// markServed notes that objects are not Fresh any more, with one commit for all that
// a message has got. If that fails they are given out all the same: a full disk must
// not keep a key from its database.
func (s *Server) markServed(ids []string) {
	tx := s.newTransaction(false)
	defer tx.end()
	tx.lock(ids...)
	for _, id := range ids {
		if o := s.index.get(id); o != nil && o.Fresh {
			next := o.Clone()
			next.Fresh = false
			tx.put(next, 0)
		}
	}
	if len(tx.order) == 0 {
		return
	}
	err := tx.check()
	if err == nil {
		err = tx.commit(context.Background())
	}
	if err != nil {
		s.log.Warn("objects that were given out still count as Fresh", "objects", ids, "error", err)
	}
}
