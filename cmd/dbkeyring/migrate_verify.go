package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// verify opens both keyrings anew, so that no cache answers, reads every key from
// the destination, and sees whether the source is still what was copied.
func (m *migration) verify(ctx context.Context) error {
	if err := m.to.open(ctx, true, m.log); err != nil {
		return fmt.Errorf("the keys are copied, and could not be verified: %w", err)
	}
	bar := m.p.bar("verifying")
	defer bar.end()
	for i, k := range m.keys {
		k.verified = false
		if err := m.compare(ctx, k); err != nil {
			return fmt.Errorf("the keys are copied, and could not be verified: %w", err)
		}
		bar.show(i+1, len(m.keys))
	}
	bar.end()
	if m.failedKeys() > 0 {
		return m.failure("the destination does not have what was copied: %d of %d keys", []string{"keep the source, and look into the log of the key server"})
	}
	if err := m.from.open(ctx, true, slog.New(slog.DiscardHandler)); err != nil {
		return fmt.Errorf("the keys are copied; whether the source has changed meanwhile is not known: %w", err)
	}
	now, err := fetchAll(ctx, m.from.ring, nil)
	defer func() {
		for _, k := range now {
			k.key.Wipe()
		}
	}()
	if err != nil {
		return fmt.Errorf("the keys are copied; whether the source has changed meanwhile is not known: %w", err)
	}
	return m.sameAs(now)
}

func (m *migration) failedKeys() int {
	n := 0
	for _, k := range m.keys {
		if k.problem != "" {
			n++
		}
	}
	return n
}

// sameAs says what else the source holds now.
func (m *migration) sameAs(now []*movedKey) error {
	before := make(map[keyring.ID]*movedKey, len(m.keys))
	for _, k := range m.keys {
		before[k.id] = k
	}
	var changed []string
	for _, k := range now {
		if old, ok := before[k.id]; !ok || !old.key.Data.Equal(k.key.Data) {
			changed = append(changed, printableID(k.id))
		}
		delete(before, k.id)
	}
	for id := range before {
		changed = append(changed, printableID(id))
	}
	if changed == nil {
		return nil
	}
	slices.Sort(changed)
	return &failed{err: fmt.Errorf("the source changed while it was copied: %s", strings.Join(changed, ", ")),
		hint: "stop the server, or run SET GLOBAL keyring_operations = OFF in it, and run the same again"}
}
