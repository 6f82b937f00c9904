package datadir

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/rootkey"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The values of the store are sealed under data keys, and those are wrapped with the
// root key. What lies in formatBucket tells which root key that is. A directory of
// format "1" has no such record: its root key, in rootKeyFile, seals the values itself,
// until it is rotated.
const recordKey = "root_key"

// RootKey describes the root key of a data directory.
type RootKey struct {
	rootkey.Settings
	Since time.Time `json:"since,omitzero"` // zero: since the directory was made
	// DataKeys is how many keys the values are under. More than 1: a rotation has not
	// come to its end, and goes on when the server runs.
	DataKeys int `json:"data_keys"`
}

type rootRecord struct {
	RootKey
	Wrapped []byte `json:"wrapped"`
}

func readRecord(raw store.Store) (record rootRecord, ok bool, err error) {
	err = raw.View(func(r store.Reader) error {
		text, found, err := r.Get(formatBucket, recordKey)
		if err != nil || !found {
			return err
		}
		ok = true
		return json.Unmarshal(text, &record)
	})
	return record, ok, err
}

// legacyRootKey is that of a directory without a record.
func legacyRootKey() RootKey {
	return RootKey{Settings: rootkey.Settings{Kind: rootkey.KindFile}, DataKeys: 1}
}

// ReadRootKey tells the root key of a directory that nobody has open.
func ReadRootKey(path string) (k RootKey, err error) {
	if path, err = absolute(path); err != nil {
		return k, err
	}
	if empty, err := inspect(path); err != nil || empty {
		return k, errors.Join(err, fmt.Errorf("%w at %s", ErrNone, path))
	}
	raw, err := openStore(path, slog.New(slog.DiscardHandler))
	if err != nil {
		return k, err
	}
	defer raw.Close()
	if err := checkComplete(raw, path); err != nil {
		return k, err
	}
	record, ok, err := readRecord(raw)
	if err == nil && !ok {
		return legacyRootKey(), nil
	}
	return record.RootKey, err
}

// unlock opens the sealed store with the root key.
func (d *Dir) unlock(ctx context.Context, raw store.Store) error {
	record, ok, err := readRecord(raw)
	if err != nil {
		return fmt.Errorf("read which root key %s has: %w", d.Path, err)
	}
	var keys []store.DataKey
	var open rootkey.Key
	if ok {
		open, keys, err = d.unwrap(ctx, record)
	} else {
		record.RootKey = legacyRootKey()
		var root *secret.Bytes
		root, err = rootkey.ReadFile(d.file(rootKeyFile))
		keys = []store.DataKey{{Key: root}}
	}
	if errors.Is(err, fs.ErrNotExist) && record.Kind == rootkey.KindFile && record.File == "" {
		return fmt.Errorf("the data directory %s is incomplete: %w. Restore what is missing from a backup", d.Path, err)
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", d.file(storeFile), err)
	}
	defer wipe(keys)
	sealed, err := store.Seal(raw, keys...)
	if errors.Is(err, store.ErrDataKey) {
		return fmt.Errorf("open %s with %s: %w: %w", d.file(storeFile), record.Settings, rootkey.ErrWrong, err)
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", d.file(storeFile), err)
	}
	d.raw, d.sealed, d.root, d.rootKey = raw, sealed, record.RootKey, open
	if record.Kind != rootkey.KindFile || record.File != "" { // a rotation that was cut off may have left it
		if err := d.roots[rootkey.KindFile].Drop(rootkey.Settings{Kind: rootkey.KindFile}); err != nil {
			d.log.Warn("the old root key opens nothing any more, and could not be removed", "error", err)
		}
	}
	return nil
}

// unwrap opens the root key and, with it, the data keys.
func (d *Dir) unwrap(ctx context.Context, record rootRecord) (root rootkey.Key, keys []store.DataKey, err error) {
	source, err := d.roots.Of(record.Kind)
	if err != nil {
		return nil, nil, err
	}
	if root, err = source.Open(ctx, record.Settings); err != nil {
		return nil, nil, err
	}
	text, err := root.Unwrap(ctx, record.Wrapped)
	if err != nil {
		root.Wipe()
		return nil, nil, fmt.Errorf("%s: %w", record.Settings, err)
	}
	defer text.Wipe()
	keys, err = parseDataKeys(text)
	return root, keys, err
}

// Data keys are wrapped together, each with its number before it.
func joinDataKeys(keys []store.DataKey) *secret.Bytes {
	text := secret.New(len(keys) * (4 + store.DataKeySize))
	rest := text.Reveal()
	for _, k := range keys {
		binary.BigEndian.PutUint32(rest, k.Number)
		copy(rest[4:], k.Key.Reveal())
		rest = rest[4+store.DataKeySize:]
	}
	return text
}

func parseDataKeys(text *secret.Bytes) (keys []store.DataKey, err error) {
	const size = 4 + store.DataKeySize
	rest := text.Reveal()
	if len(rest) == 0 || len(rest)%size != 0 {
		return nil, errors.New("the data keys are damaged. Restore the data directory from a backup")
	}
	for ; len(rest) > 0; rest = rest[size:] {
		keys = append(keys, store.DataKey{Number: binary.BigEndian.Uint32(rest), Key: secret.Copy(rest[4:size])})
	}
	return keys, nil
}

func wipe(keys []store.DataKey) {
	for _, k := range keys {
		k.Key.Wipe()
	}
}

// newRoot gives a directory that has nothing in it yet a root key in a file.
func (d *Dir) newRoot(ctx context.Context, raw store.Store, now time.Time) error {
	settings := rootkey.Settings{Kind: rootkey.KindFile}
	file := d.roots[rootkey.KindFile]
	settings, root, err := file.Make(ctx, settings, nil)
	if err != nil {
		return err
	}
	keys := []store.DataKey{{Number: 1, Key: secret.Random(store.DataKeySize)}}
	defer wipe(keys)
	k := RootKey{Settings: settings, Since: now.UTC().Truncate(time.Second), DataKeys: 1}
	if err := d.writeRecord(ctx, raw, k, root, keys); err != nil {
		return err
	}
	if err := file.Keep(settings); err != nil {
		return err
	}
	sealed, err := store.Seal(raw, keys...)
	if err != nil {
		return err
	}
	d.raw, d.sealed, d.root, d.rootKey = raw, sealed, k, root
	return nil
}

// writeRecord makes root the directory's root key: from its commit on it counts.
func (d *Dir) writeRecord(ctx context.Context, raw store.Store, k RootKey, root rootkey.Key, keys []store.DataKey) error {
	text := joinDataKeys(keys)
	defer text.Wipe()
	wrapped, err := root.Wrap(ctx, text)
	if err != nil {
		return fmt.Errorf("%s: %w", k.Settings, err)
	}
	again, err := root.Unwrap(ctx, wrapped) // what cannot be opened again would be the end of all keys
	if err != nil {
		return fmt.Errorf("%s: %w", k.Settings, err)
	}
	defer again.Wipe()
	if !again.Equal(text) {
		return fmt.Errorf("%s gives back other bytes than it was given", k.Settings)
	}
	record, err := json.Marshal(rootRecord{RootKey: k, Wrapped: wrapped})
	if err != nil {
		return err
	}
	write := func(w store.Writer) error {
		if _, complete, err := w.Get(formatBucket, formatKey); err != nil {
			return err
		} else if complete { // else that comes last
			if err := w.Put(formatBucket, formatKey, []byte(format)); err != nil {
				return err
			}
		}
		return w.Put(formatBucket, recordKey, record)
	}
	if err = raw.Update(ctx, write); err == nil {
		return nil
	}
	if there, _, readErr := readRecord(raw); readErr == nil && !bytes.Equal(there.Wrapped, wrapped) {
		return err // and nothing was made
	}
	// It was made, and may be lost yet. That it is durable only a commit says that goes well.
	if again := raw.Update(ctx, write); again == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errUnsure, err)
}

// errUnsure: the disk failed, and which root key counts is known when the directory is
// opened anew. Until then neither may be removed or written over.
var errUnsure = errors.New("the store failed while the root key was changed. Keep both root keys, see to the disk, and restart the server: 'dbkeyring root-key show' tells then which one counts")

// RootKey tells the root key.
func (d *Dir) RootKey() RootKey {
	d.rootMu.Lock()
	defer d.rootMu.Unlock()
	return d.root
}

// RotateRootKey changes the root key to another of the kind that the settings say, and
// the data keys with it: all values are sealed anew, while clients are served. Then
// neither an old root key nor an old data key opens the store. phrase is the pass
// phrase of a root key that is made of one, else nil.
//
// From the moment that the store names the new root key the old one is not asked for
// any more. An error that says that values have yet to be sealed anew comes after it;
// [Dir.FinishRotation] goes on there.
func (d *Dir) RotateRootKey(ctx context.Context, s rootkey.Settings, phrase *secret.Bytes) (k RootKey, values int, err error) {
	d.rotation.Lock() // one at a time
	defer d.rotation.Unlock()
	if d.unsure != nil {
		return d.RootKey(), 0, d.unsure
	}
	err = d.changeRootKey(ctx, s, phrase)
	if errors.Is(err, errUnsure) {
		d.unsure = err
		return d.RootKey(), 0, err
	}
	if err != nil {
		return d.RootKey(), 0, fmt.Errorf("%w. The root key is still the old one", err)
	}
	values, err = d.finish(ctx)
	if err != nil {
		err = fmt.Errorf("the root key was changed, but values have yet to be encrypted anew, which goes on when the server starts: %w", err)
	}
	return d.RootKey(), values, err
}

// changeRootKey makes the new root key count.
func (d *Dir) changeRootKey(ctx context.Context, s rootkey.Settings, phrase *secret.Bytes) error {
	old := d.RootKey()
	source, err := d.roots.Of(s.Kind)
	if err != nil {
		return err
	}
	if err := d.notOwn(s); err != nil {
		return err
	}
	s.ID = old.ID
	s, root, err := source.Make(ctx, s, phrase)
	if err != nil {
		return err
	}
	keys := d.sealed.DataKeys()
	if len(keys) == 0 {
		root.Wipe()
		return store.ErrClosed
	}
	defer wipe(keys)
	fresh := store.DataKey{Number: keys[len(keys)-1].Number + 1, Key: secret.Random(store.DataKeySize)}
	defer fresh.Key.Wipe()
	keys = append(keys, fresh)
	k := RootKey{Settings: s, Since: time.Now().UTC().Truncate(time.Second), DataKeys: len(keys)}
	// Not to be broken off: an Update that was given up may still be made.
	if err := d.writeRecord(context.WithoutCancel(ctx), d.raw, k, root, keys); err != nil {
		root.Wipe()
		return err
	}
	if d.rootKey != nil {
		d.rootKey.Wipe()
	}
	d.rootKey = root
	d.nowRootKey(k)
	if err := source.Keep(s); err != nil {
		d.log.Warn("the new root key counts, and its file has yet to get its name: the next start does that", "error", err)
	}
	if old.Kind != s.Kind || old.File != s.File {
		if source, err := d.roots.Of(old.Kind); err == nil {
			if err := source.Drop(old.Settings); err != nil {
				d.log.Warn("the old root key opens nothing any more, and could not be removed", "error", err)
			}
		}
	}
	return d.sealed.Use(fresh)
}

// FinishRotation goes on with a rotation that was cut off, if there is one.
func (d *Dir) FinishRotation(ctx context.Context) (values int, err error) {
	d.rotation.Lock()
	defer d.rotation.Unlock()
	if d.RootKey().DataKeys < 2 {
		return 0, nil
	}
	return d.finish(ctx)
}

// finish seals all values under the newest data key and forgets the others.
func (d *Dir) finish(ctx context.Context) (values int, err error) {
	if values, err = d.sealed.Reseal(ctx, formatBucket); err != nil {
		return values, err
	}
	return values, d.dropDataKeys(ctx)
}

// dropDataKeys wraps the newest data key alone.
func (d *Dir) dropDataKeys(ctx context.Context) error {
	k := d.RootKey()
	keys := d.sealed.DataKeys()
	if len(keys) == 0 {
		return store.ErrClosed
	}
	defer wipe(keys)
	k.DataKeys = 1
	if err := d.writeRecord(context.WithoutCancel(ctx), d.raw, k, d.rootKey, keys[len(keys)-1:]); err != nil {
		return err
	}
	d.nowRootKey(k)
	return nil
}

func (d *Dir) nowRootKey(k RootKey) {
	d.rootMu.Lock()
	defer d.rootMu.Unlock()
	d.root = k
}

// notOwn refuses a key of this very server: at the next start it could not be read.
func (d *Dir) notOwn(s rootkey.Settings) error {
	if s.KMIP == nil {
		return nil
	}
	return d.sealed.View(func(r store.Reader) error {
		_, own, err := r.Get(objectBucket, s.KMIP.Key)
		if err == nil && own {
			err = fmt.Errorf("the key %s is kept by this key server itself, which needs its root key before it can read any. Take a key of another server", s.KMIP.Key)
		}
		return err
	})
}
