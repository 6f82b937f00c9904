package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// testModel compares random transactions with a map.
func testModel(t *testing.T, s store.Store) {
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++ // the store outlives each check: a bucket of its own
		bucket, model := store.Bucket(fmt.Sprint("model", n)), map[string]string{}
		key := rapid.StringMatching(`[ab]{1,3}`)
		for range rapid.IntRange(1, 5).Draw(rt, "transactions") {
			next, refuse := maps.Clone(model), rapid.Bool().Draw(rt, "refuse")
			type step struct {
				key, value string
				del        bool
			}
			var steps []step
			for range rapid.IntRange(0, 6).Draw(rt, "steps") {
				steps = append(steps, step{key.Draw(rt, "key"), rapid.StringN(0, 5, 20).Draw(rt, "value"), rapid.Bool().Draw(rt, "delete")})
			}
			for _, st := range steps {
				if st.del {
					delete(next, st.key)
				} else {
					next[st.key] = st.value
				}
			}
			var seen []string
			err := s.Update(context.Background(), func(w store.Writer) error {
				for _, st := range steps {
					var err error
					if st.del {
						err = w.Delete(bucket, st.key)
					} else {
						err = w.Put(bucket, st.key, []byte(st.value))
					}
					if err != nil {
						return err
					}
				}
				seen = nil
				if err := w.Range(bucket, "a", func(k string, _ []byte) error { seen = append(seen, k); return nil }); err != nil {
					return err
				}
				if refuse {
					return errRefused
				}
				return nil
			})
			if refuse != errors.Is(err, errRefused) || !refuse && err != nil {
				rt.Fatalf("update: %v", err)
			}
			var want []string
			for _, k := range slices.Sorted(maps.Keys(next)) {
				if strings.HasPrefix(k, "a") {
					want = append(want, k)
				}
			}
			if !slices.Equal(want, seen) {
				rt.Fatalf("the writer saw %q, not %q", seen, want)
			}
			if !refuse {
				model = next
			}
			if got := Dump(t, s, bucket, ""); !maps.Equal(model, got) {
				rt.Fatalf("the store has %q, not %q", got, model)
			}
		}
	})
}

var errRefused = errors.New("refused")
