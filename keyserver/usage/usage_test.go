package usage_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/keyserver/usage"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func all(string) bool { return true }

func of(t *testing.T, l *usage.Log, id string) (text string) {
	t.Helper()
	uses, err := l.Of(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range uses {
		text += fmt.Sprintf("%s %s, ", u.Endpoint, u.At.Format(time.TimeOnly))
	}
	return text
}

func TestLog(t *testing.T) {
	s := memory.New()
	l := usage.New(s)
	l.Note("k", "db1", noon)
	l.Note("k", "db2", noon.Add(time.Second))
	l.Note("other", "db3", noon)
	const want = "db1 12:00:02, db2 12:00:01, "
	l.Note("k", "db1", noon.Add(2*time.Second))
	if got := of(t, l, "k"); got != want {
		t.Errorf("before it is written: %s", got)
	}
	if since, err := l.Since(); err != nil || !since.IsZero() {
		t.Errorf("since %v, %v", since, err)
	}
	for range 2 {
		if err := l.Flush(t.Context(), noon, all); err != nil {
			t.Fatal(err)
		}
		if got := of(t, l, "k"); got != want {
			t.Errorf("after it was written: %s", got)
		}
	}
	l = usage.New(s) // another start
	l.Note("k", "db2", noon.Add(3*time.Second))
	if got := of(t, l, "k"); got != "db2 12:00:03, db1 12:00:02, " {
		t.Errorf("after a start: %s", got)
	}
	if err := l.Flush(t.Context(), noon.Add(time.Hour), func(id string) bool { return id != "k" }); err != nil {
		t.Fatal(err)
	}
	if since, err := l.Since(); err != nil || !since.Equal(noon) {
		t.Errorf("since %v, %v", since, err)
	}
	if got := of(t, usage.New(s), "k"); got != want {
		t.Errorf("an object that is gone was written: %s", got)
	}
	if err := s.Update(t.Context(), func(w store.Writer) error { return usage.Forget(w, "k") }); err != nil {
		t.Fatal(err)
	}
	if got := of(t, l, "k"); got != "" {
		t.Errorf("forgotten, and there is %s", got)
	}
}

func TestLog_KeepsTheLast(t *testing.T) {
	l := usage.New(memory.New())
	for i := range 3 * usage.Most {
		l.Note("k", fmt.Sprint("db", i), noon.Add(time.Duration(i)*time.Second))
		if i%10 == 9 {
			if err := l.Flush(t.Context(), noon, all); err != nil {
				t.Fatal(err)
			}
		}
	}
	uses, err := l.Of("k")
	if err != nil || len(uses) != usage.Most || uses[0].Endpoint != "db47" || uses[usage.Most-1].Endpoint != "db32" {
		t.Errorf("%d: %v, %v", len(uses), uses, err)
	}
}

// full is a store on a disk that is full for a while.
type full struct {
	store.Store
	yes atomic.Bool
}

func (f *full) Update(ctx context.Context, fn func(store.Writer) error) error {
	if f.yes.Load() {
		return errors.New("no space left on device")
	}
	return f.Store.Update(ctx, fn)
}

func TestFlush_FailureForgetsNothing(t *testing.T) {
	s := &full{Store: memory.New()}
	l := usage.New(s)
	if err := l.Flush(t.Context(), noon, all); err != nil {
		t.Fatal(err)
	}
	l.Note("k", "db1", noon)
	s.yes.Store(true)
	if err := l.Flush(t.Context(), noon, all); err == nil {
		t.Fatal("nothing was written, and nobody told")
	}
	s.yes.Store(false)
	if err := l.Flush(t.Context(), noon, all); err != nil {
		t.Fatal(err)
	}
	if got := of(t, usage.New(s), "k"); got != "db1 12:00:00, " {
		t.Errorf("then there is %q", got)
	}
}

func BenchmarkNote(b *testing.B) {
	l := usage.New(memory.New())
	ids := make([]string, 256)
	for i := range ids {
		ids[i] = fmt.Sprintf("38df14c4-8e1e-443d-ab2c-%012d", i)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			l.Note(ids[i%len(ids)], "db1", noon)
		}
	})
}
