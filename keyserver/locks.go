package keyserver

import (
	"slices"
	"sync"
)

// keyedMutex is a mutex for each string. See transaction for the order of locks.
type keyedMutex struct {
	mu   sync.Mutex
	held map[string]*keyLock
}

type keyLock struct {
	mu    sync.Mutex
	users int
}

// lock locks the keys and returns what unlocks them.
func (k *keyedMutex) lock(keys ...string) (unlock func()) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	for _, key := range keys {
		k.mu.Lock()
		if k.held == nil {
			k.held = make(map[string]*keyLock)
		}
		l := k.held[key]
		if l == nil {
			l = &keyLock{}
			k.held[key] = l
		}
		l.users++
		k.mu.Unlock()
		l.mu.Lock()
	}
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		for _, key := range keys {
			l := k.held[key]
			l.mu.Unlock()
			if l.users--; l.users == 0 {
				delete(k.held, key)
			}
		}
	}
}

func objectLock(id string) string        { return "object\x00" + id }
func nameLock(owner, name string) string { return "name\x00" + owner + "\x00" + name }
