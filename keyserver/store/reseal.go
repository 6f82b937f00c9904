package store

import (
	"context"
	"errors"
)

// A pass of Reseal looks for so many values, and a commit has so many.
const (
	resealPass  = 100_000
	resealGroup = 500
)

// Reseal seals each value that is under an older data key with the current one, while
// others read and write, and returns how many it was. What it had done stays done when
// it fails. Values in the buckets of except are not sealed at all.
func (s *Sealed) Reseal(ctx context.Context, except ...Bucket) (n int, err error) {
	// Updates come one after the other. When this one is through, none is left that
	// began before the current key was the current one.
	if err := s.Update(ctx, func(w Writer) error { return w.Put(sealBucket, sealKey, []byte(sealText)) }); err != nil {
		return 0, err
	}
	var buckets []Bucket
	if err := s.inner.View(func(r Reader) (err error) { buckets, err = r.Buckets(); return err }); err != nil {
		return 0, err
	}
	skip := make(map[Bucket]bool)
	for _, b := range except {
		skip[b] = true
	}
	for _, b := range buckets {
		for !skip[b] {
			keys, err := s.stale(b)
			if err != nil {
				return n, err
			}
			if len(keys) == 0 {
				break
			}
			for len(keys) > 0 {
				group := keys[:min(len(keys), resealGroup)]
				if err := s.reseal(ctx, b, group); err != nil {
					return n, err
				}
				keys, n = keys[len(group):], n+len(group)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldest = s.current
	return n, nil
}

var errEnough = errors.New("enough")

// stale returns keys of b whose values are under an older data key.
func (s *Sealed) stale(b Bucket) (keys []string, err error) {
	s.mu.RLock()
	current := s.current
	s.mu.RUnlock()
	err = s.inner.View(func(r Reader) error {
		return r.Range(b, "", func(key string, box []byte) error {
			number, _, err := numberOf(box)
			if err != nil || number == current {
				return err
			}
			if keys = append(keys, key); len(keys) == resealPass {
				return errEnough
			}
			return nil
		})
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return keys, err
}

// reseal reads and writes the values again, as they are by now.
func (s *Sealed) reseal(ctx context.Context, b Bucket, keys []string) error {
	return s.Update(ctx, func(w Writer) error {
		for _, key := range keys {
			value, ok, err := w.Get(b, key)
			if err != nil {
				return err
			}
			if ok {
				if err := w.Put(b, key, value); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
