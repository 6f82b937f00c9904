package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/config/anyconf"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// migration is a copy from one keyring to another.
type migration struct {
	p        *process
	log      *slog.Logger
	from, to side
	keys     []*movedKey // all of the source, by owner and name
}

// side is one of the two keyrings.
type side struct {
	conf *anyconf.Conf
	ring keyring.Keyring // nil while it is not open
}

// movedKey is a key of the source, and what became of it.
type movedKey struct {
	id       keyring.ID
	key      keyring.Key
	result   result
	problem  string // why it is not as it should be; holds no key bytes
	verified bool   // read again from the destination, and the same
}

func (k *movedKey) typ() string { return k.key.Type }

func (k *movedKey) fail(r result, problem string) { k.result, k.problem = r, problem }

// result is what is to be done with a key, or was done.
type result string

const (
	toCopy    result = "to copy"
	copied    result = "copied"
	there     result = "there already"
	different result = "different"
	missing   result = "missing"
	refused   result = "refused"
)

func (m *migration) count(r result) int {
	n := 0
	for _, k := range m.keys {
		if k.result == r {
			n++
		}
	}
	return n
}

// bulkStorer is a keyring that stores many keys at the price of one: all or none.
type bulkStorer interface {
	StoreAll(ctx context.Context, ids []keyring.ID, keys []keyring.Key) error
}

// String says where the keys lie and which configuration leads there.
func (s *side) String() string {
	if s.conf.DataFile() == s.conf.Path {
		return s.conf.Where
	}
	return s.conf.Where + " (" + s.conf.Path + ")"
}

func (s *side) open(ctx context.Context, readOnly bool, log *slog.Logger) error {
	s.close()
	ring, err := s.conf.Open(ctx, readOnly, log)
	if err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	s.ring = ring
	return nil
}

func (s *side) close() {
	if s.ring != nil {
		s.ring.Close()
		s.ring = nil
	}
}

func (m *migration) wipe() {
	for _, k := range m.keys {
		k.key.Wipe()
	}
	for _, s := range []*side{&m.from, &m.to} {
		s.close()
		if s.conf != nil {
			s.conf.Wipe()
		}
	}
}

// read reads all keys of the source and compares them with the destination,
// which it leaves as it is.
func (m *migration) read(ctx context.Context, mustBeThere bool) error {
	if err := m.from.open(ctx, true, m.log); err != nil {
		return err
	}
	// A data file that is still to be made holds no keys.
	file := m.to.conf.DataFile()
	empty := file != "" && !mustBeThere && notThere(file)
	if err := m.openDestination(ctx, empty); err != nil {
		return err
	}
	keys, err := fetchAll(ctx, m.from.ring, m.p.bar("reading"))
	m.keys = keys
	if err != nil {
		return err
	}
	ids, err := m.present(ctx)
	if err != nil {
		return err
	}
	present := make(map[keyring.ID]bool, len(ids))
	for _, id := range ids {
		present[id] = true
	}
	checker := m.checker()
	for _, k := range m.keys {
		switch {
		case k.problem != "":
		case present[k.id]:
			if err := m.compare(ctx, k); err != nil {
				return err
			}
		case mustBeThere:
			k.fail(missing, "it is not there")
		case checker != nil:
			if err := checker.Check(k.id, k.key.Type, k.key.Data.Len()); err != nil {
				k.fail(refused, cause(err))
			}
		}
	}
	return nil
}

func notThere(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}

// fetchAll reads all keys of a keyring. What is wrong with a single key is noted
// there; an error is an outage.
func fetchAll(ctx context.Context, ring keyring.Keyring, bar *progress) ([]*movedKey, error) {
	defer bar.end()
	ids, err := ring.List(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(ids, func(a, b keyring.ID) int {
		return cmp.Or(strings.Compare(a.Owner, b.Owner), strings.Compare(a.Name, b.Name))
	})
	keys := make([]*movedKey, 0, len(ids))
	for _, id := range ids {
		k := &movedKey{id: id, result: toCopy}
		keys = append(keys, k)
		if k.key, err = ring.Fetch(ctx, id); err != nil {
			if isOutage(err) {
				return keys, err
			}
			k.fail(refused, "it cannot be read: "+cause(err))
		}
		bar.show(len(keys), len(ids))
	}
	return keys, nil
}

// compare looks at the key of the same ID at the destination.
func (m *migration) compare(ctx context.Context, k *movedKey) error {
	other, err := m.to.ring.Fetch(ctx, k.id)
	defer other.Wipe()
	switch {
	case isOutage(err):
		return err
	case errors.Is(err, keyring.ErrNotFound):
		k.fail(missing, "it is not there")
	case err != nil:
		k.fail(refused, "the one at the destination cannot be read: "+cause(err))
	case !keyring.SameType(other.Type, k.key.Type):
		k.fail(different, fmt.Sprintf("the destination has another key of this name: its type is %s, not %s", printable(other.Type), printable(k.key.Type)))
	case !other.Data.Equal(k.key.Data):
		k.fail(different, "the destination has another key of this name")
	case k.result == toCopy:
		k.result, k.verified = there, true
	default:
		k.verified = true
	}
	return nil
}

// isOutage says whether an error says nothing about the key.
func isOutage(err error) bool { return err != nil && keyring.KindOf(err) == keyring.ErrUnreachable }

// cause is an error about a key without the operation and the key, which the
// message around it names.
func cause(err error) string {
	var e *keyring.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if e.Err == nil {
		return e.Kind.Error()
	}
	return strings.ReplaceAll(e.Err.Error(), "\n", "; ")
}

// copy stores what the destination lacks.
func (m *migration) copy(ctx context.Context) error {
	if err := m.to.open(ctx, false, m.log); err != nil {
		return err
	}
	var todo []*movedKey
	for _, k := range m.keys {
		if k.result == toCopy {
			todo = append(todo, k)
		}
	}
	bar := m.p.bar("copying")
	defer bar.end()
	if bulk, ok := m.to.ring.(bulkStorer); ok {
		ids, keys := make([]keyring.ID, len(todo)), make([]keyring.Key, len(todo))
		for i, k := range todo {
			ids[i], keys[i] = k.id, k.key
		}
		if err := bulk.StoreAll(ctx, ids, keys); err != nil {
			return fmt.Errorf("no key was copied: %w", err)
		}
		for _, k := range todo {
			k.result = copied
		}
		return nil
	}
	for i, k := range todo {
		if err := m.to.ring.Store(ctx, k.id, k.key); err != nil {
			f := &failed{err: fmt.Errorf("%d of %d keys were copied, then it failed: %w", i, len(todo), err),
				hint: "once that is mended, run the same again: what is there already is passed over"}
			if isOutage(err) {
				f.code = exitUnreachable
			} else {
				k.fail(refused, cause(err))
			}
			return f
		}
		k.result = copied
		bar.show(i+1, len(todo))
	}
	return nil
}
