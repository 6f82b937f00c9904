package perconakms

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/secret"
)

// SetKeys has a configuration file name other KMS keys, as people write them, and leaves
// all else in it as it is. It returns whether that was a change.
func SetKeys(file string, keys []string) (changed bool, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return false, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	defer secret.Wipe(text) // it may hold the secret access key
	var value any = keys
	if len(keys) == 1 {
		value = keys[0]
	}
	literal, err := json.Marshal(value)
	if err != nil {
		return false, err
	}
	next, err := replaced(text, "kms_key", literal)
	if err != nil || bytes.Equal(next, text) {
		return false, err
	}
	defer secret.Wipe(next)
	return true, atomicfile.WriteFile(file, next, info.Mode().Perm())
}

// replaced puts another value of a member into the text of a JSON object.
func replaced(text []byte, member string, value []byte) ([]byte, error) {
	skip := len(text) - len(bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF")))
	d := json.NewDecoder(bytes.NewReader(text[skip:]))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	next, done, found := []byte(nil), 0, false
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var old json.RawMessage
		if err := d.Decode(&old); err != nil {
			return nil, err
		}
		if name != member {
			continue
		}
		end := skip + int(d.InputOffset())
		next = slices.Concat(next, text[done:end-len(old)], value)
		done, found = end, true
	}
	if !found {
		return nil, errors.New("there is no " + member + " in it")
	}
	return append(next, text[done:]...), nil
}
