package kmsdata

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
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
	// syncEvery is after how many lines the notes are made durable.
	syncEvery = 64
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

// progressFile is open notes.
type progressFile struct {
	mu    sync.Mutex
	blobs map[[sha256.Size]byte]awskms.Blob
	file  filesys.File // nil once closed
	lines int          // since the last sync
}

func (r *Keyring) progressFile() string { return r.o.DataFile + progressSuffix }

// openProgress reads the notes about this keyring and this KMS key, or begins new ones.
func (r *Keyring) openProgress(identity, target string) (*progressFile, error) {
	p := &progressFile{blobs: map[[sha256.Size]byte]awskms.Blob{}}
	text, _, err := keyringfile.ReadFile(r.fs, r.progressFile())
	if err != nil {
		return nil, err
	}
	defer text.Wipe()
	if !p.read(text.Reveal(), identity, target) {
		b, err := json.Marshal(progressHeader{progressFormat, identity, target, time.Now().UTC()})
		if err != nil {
			return nil, err
		}
		if err := atomicfile.Write(r.fs, r.progressFile(), append(b, '\n'), keyringfile.Stamp{}.Mode()); err != nil {
			return nil, err
		}
	} else if n := len(p.blobs); n > 0 {
		r.log.Info("an interrupted rotation of the keys is continued", "done", n)
	}
	p.file, err = r.fs.OpenFile(r.progressFile(), os.O_WRONLY|os.O_APPEND, 0)
	return p, err
}

// read takes what the notes say; false if they are about something else.
func (p *progressFile) read(text []byte, identity, target string) bool {
	lines := bytes.Split(text, []byte("\n"))
	var h progressHeader
	if json.Unmarshal(lines[0], &h) != nil || h.Format != progressFormat || h.Keyring != identity || h.Target != target || time.Since(h.Since) > progressAge {
		return false
	}
	for _, line := range lines[1:] {
		var l progressLine
		from := [sha256.Size]byte{}
		if json.Unmarshal(line, &l) != nil || l.Sum != l.sum() || len(l.From) != 2*len(from) {
			continue // cut off by a crash
		}
		if _, err := hex.Decode(from[:], []byte(l.From)); err == nil {
			p.blobs[from] = awskms.Blob{KeyARN: l.Key, Data: l.Data}
		}
	}
	return true
}

// done returns what a blob was encrypted anew to.
func (p *progressFile) done(b awskms.Blob) (awskms.Blob, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	blob, ok := p.blobs[sumOf(b)]
	return blob, ok
}

// add notes what a blob was encrypted anew to.
func (p *progressFile) add(from, to awskms.Blob) error {
	sum := sumOf(from)
	l := progressLine{From: hex.EncodeToString(sum[:]), Key: to.KeyARN, Data: to.Data}
	l.Sum = l.sum()
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// A line break before it, too: the line before may have been cut off.
	if _, err := p.file.Write(append(append([]byte{'\n'}, b...), '\n')); err != nil {
		return err
	}
	p.blobs[sum] = to
	if p.lines++; p.lines < syncEvery {
		return nil
	}
	p.lines = 0
	return p.file.Sync()
}

func (p *progressFile) sync() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.file.Sync()
}

func (p *progressFile) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil {
		_ = p.file.Close() // nothing depends on it
		p.file = nil
	}
}

func (r *Keyring) dropProgress() error { return keyringfile.RemoveFile(r.fs, r.progressFile()) }
