package bridge

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// A snapshot is a list of pairs of strings at one moment, each string ended by a
// NUL byte, so that the host walks it in its own memory: SnapshotKeys or
// SnapshotStatus makes one, TakeSnapshot copies it out and forgets it.

// SnapshotKeys lists the id and the owner of every key.
func (b *Bridge) SnapshotKeys(h Handle) (snapshot Handle, size int, code Code) {
	var text []byte
	code = b.do(h, "list", keyring.ID{}, func(ctx context.Context, k keyring.Keyring) error {
		ids, err := k.List(ctx)
		if err != nil {
			return err
		}
		for _, id := range ids {
			// A key server's other clients may use names that no C host can express.
			if id.Name != "" && !strings.Contains(id.Name+id.Owner, "\x00") {
				text = appendPair(text, id.Name, id.Owner)
			}
		}
		return nil
	})
	if code != OK {
		return 0, 0, code
	}
	return b.keep(text), len(text), OK
}

// SnapshotStatus lists the rows of the host's status table. It works whatever
// the state of the instance.
func (b *Bridge) SnapshotStatus(h Handle) (snapshot Handle, size int, code Code) {
	in := b.instance(h)
	if in == nil {
		return 0, 0, Invalid
	}
	defer in.flush()
	var text []byte
	for _, r := range in.status() {
		text = appendPair(text, strings.ReplaceAll(r.Name, "\x00", ""), fit(strings.ReplaceAll(r.Value, "\x00", "")))
	}
	return b.keep(text), len(text), OK
}

// maxStatusValue is what a row of performance_schema.keyring_component_status
// holds in bytes. A list of 64 standbys is longer.
const maxStatusValue = 1024

// fit cuts a value to what the status table holds, between two characters.
func fit(value string) string {
	const more = "..."
	if len(value) <= maxStatusValue {
		return value
	}
	end := maxStatusValue - len(more)
	for end > 0 && !utf8.RuneStart(value[end]) {
		end--
	}
	return value[:end] + more
}

// TakeSnapshot copies a snapshot and forgets it. TooSmall: nothing was copied,
// and the snapshot is forgotten all the same.
func (b *Bridge) TakeSnapshot(snapshot Handle, out []byte) Code {
	b.mu.Lock()
	text, ok := b.snapshots[snapshot]
	delete(b.snapshots, snapshot)
	b.mu.Unlock()
	switch {
	case !ok:
		return Invalid
	case len(out) < len(text):
		return TooSmall
	}
	copy(out, text)
	return OK
}

func (b *Bridge) keep(text []byte) Handle {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	b.snapshots[b.last] = text
	return b.last
}

func appendPair(text []byte, name, value string) []byte {
	text = append(append(text, name...), 0)
	return append(append(text, value...), 0)
}
