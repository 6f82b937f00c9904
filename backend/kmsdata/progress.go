package kmsdata

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/internal/notes"
)

// While the keys are encrypted anew, what is done already stands in a file of notes
// beside the data file, so that an interrupted rotation goes on where it was. Nothing
// depends on the notes: a line that is damaged is asked for again.

const (
	progressSuffix = ".rotating"
	progressFormat = "dbkeyring keyring_aws rotation"
	// progressAge is how long notes are believed. The KMS key may have got new material
	// since, by other hands.
	progressAge = 24 * time.Hour
)

type progressHeader struct {
	Format  string    `json:"format"`
	Keyring string    `json:"keyring"`
	Target  string    `json:"target"`
	Since   time.Time `json:"since"`
}

type progressLine struct {
	From string `json:"from"` // the old blob's checksum
	Key  string `json:"key"`
	Data []byte `json:"data"`
	Sum  string `json:"sum"` // the line's own
}

func (l progressLine) sum() string {
	s := sha256.Sum256([]byte(l.From + "\x00" + l.Key + "\x00" + string(l.Data)))
	return hex.EncodeToString(s[:8])
}

// progress is the notes: what a blob, by nameOf, was encrypted anew to.
type progress = notes.File[awskms.Blob]

func (r *Keyring) progressFile() string { return r.o.DataFile + progressSuffix }

// openProgress reads the notes about this keyring and this KMS key, or begins new ones.
func (r *Keyring) openProgress(identity, target string) (*progress, error) {
	return notes.Open(r.fs, r.progressFile(), func(old []byte) (map[string]awskms.Blob, []byte) {
		done := map[string]awskms.Blob{}
		lines := bytes.Split(old, []byte("\n"))
		var h progressHeader
		if json.Unmarshal(lines[0], &h) != nil || h.Format != progressFormat || h.Keyring != identity || h.Target != target || time.Since(h.Since) > progressAge {
			head, _ := json.Marshal(progressHeader{progressFormat, identity, target, time.Now().UTC()}) // of texts: never fails
			return done, append(head, '\n')
		}
		for _, line := range lines[1:] {
			var l progressLine
			if json.Unmarshal(line, &l) == nil && l.Sum == l.sum() { // else it was cut off by a crash
				done[l.From] = awskms.Blob{KeyARN: l.Key, Data: l.Data}
			}
		}
		if n := len(done); n > 0 {
			r.log.Info("an interrupted rotation of the keys is continued", "done", n)
		}
		return done, nil
	})
}

// add notes what a blob was encrypted anew to.
func add(p *progress, from, to awskms.Blob) error {
	l := progressLine{From: nameOf(from), Key: to.KeyARN, Data: to.Data}
	l.Sum = l.sum()
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	// A line break before it, too: the line before may have been cut off.
	return p.Add(l.From, to, append(append([]byte{'\n'}, b...), '\n'))
}

// nameOf names a blob in the notes.
func nameOf(b awskms.Blob) string {
	s := sha256.Sum256(append([]byte(b.KeyARN+"\x00"), b.Data...))
	return hex.EncodeToString(s[:])
}

func (r *Keyring) dropProgress() error { return keyringfile.RemoveFile(r.fs, r.progressFile()) }
