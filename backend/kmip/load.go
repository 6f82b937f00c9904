package kmip

import (
	"context"
	"slices"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// loaded is everything that a server has for us.
type loaded struct {
	keys    map[keyring.ID]*object
	skipped int // objects that are no keys, or cannot be read
	twins   int // objects whose ID another object has, too
	okv
}

// load reads all keys.
func (r *Keyring) load(ctx context.Context, c *kmipclient.Client) (*loaded, error) {
	var all []*object
	l := &loaded{}
	if err := r.learn(ctx, c, l); err != nil {
		return nil, err
	}
	for _, t := range []objectType{symmetric, secretData} {
		uids, err := locateAll(ctx, c, r.o.maxObjects(), r.o.scope(kmip.EnumerationAttribute(kmip.AttrObjectType, t.kmip)))
		if err != nil {
			wipe(all)
			return nil, err
		}
		objects, unreadable, err := r.readKeys(ctx, c, l, uids)
		if err != nil {
			wipe(all)
			return nil, err
		}
		all = append(all, objects...)
		if len(unreadable) > 0 {
			l.skipped += len(unreadable)
			r.log.Warn("objects on the key server cannot be read and are passed over", "objects", len(unreadable), "type", t.kmip.String(), "first", unreadable[0])
		}
	}
	slices.SortFunc(all, before)
	l.keys = make(map[keyring.ID]*object, len(all))
	nameless := 0
	var twin keyring.ID
	for _, o := range all {
		used := false
		for _, id := range o.ids {
			if _, taken := l.keys[id]; taken {
				l.twins++
				twin = id
				continue
			}
			l.keys[id], used = o.forID(used), true
		}
		if len(o.ids) == 0 {
			nameless++
		}
		if !used {
			o.data.Wipe()
		}
		o.ids = nil // the map has them
	}
	if nameless > 0 {
		l.skipped += nameless
		r.log.Warn("objects on the key server have no usable Name and are passed over", "objects", nameless)
	}
	if l.twins > 0 {
		r.log.Warn("several objects on the key server have the same Name; the oldest is the key", "surplus", l.twins, "one", twin)
	}
	r.warnForeign(l)
	return l, nil
}

// forID returns the object for its first ID and a copy for any further one, so
// that each entry owns its content.
func (o *object) forID(copied bool) *object {
	if !copied {
		return o
	}
	twin := *o
	twin.data = o.data.Clone()
	return &twin
}

func (l *loaded) wipe() {
	for _, o := range l.keys {
		o.data.Wipe()
	}
}

// inherit takes over the keys of an earlier load that this one lacks: one server
// alone cannot say that they are gone. It returns how many they are.
func (l *loaded) inherit(old *loaded) (n int) {
	for id, o := range old.keys {
		if _, ok := l.keys[id]; !ok {
			o.doubtful = true
			l.keys[id] = o
			delete(old.keys, id)
			n++
		}
	}
	return n
}
