package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/backup"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Over the socket the key of the stream goes to the server and the encrypted stream
// comes back: the server never has the pass phrase, and no key bytes pass in clear.
const (
	backupPath    = "/backup"
	summaryHeader = "Dbkeyring-Summary"
	// stalled is how long a taker of a backup may take nothing.
	stalled = 30 * time.Second
)

// ErrBusy: the server takes a backup just now.
var ErrBusy = errors.New("another backup is being taken. Try again when it is done")

// Backup implements [Service].
func (l *Local) Backup(ctx context.Context, w io.Writer, key *secret.Bytes) (s datadir.BackupSummary, err error) {
	return s, l.takeBackup(ctx, w, key, func(of datadir.BackupSummary) error {
		s = of
		return nil
	})
}

// takeBackup takes a backup, and enters it into the audit log.
func (l *Local) takeBackup(ctx context.Context, w io.Writer, key *secret.Bytes, begin func(datadir.BackupSummary) error) error {
	if !l.backup.TryLock() {
		return ErrBusy
	}
	defer l.backup.Unlock()
	return l.record(audit.Entry{Op: "Backup"}, func() error {
		return l.Dir.Backup(ctx, w, key, begin)
	})
}

// serveBackup answers with the stream, whose length and summary it tells before.
func (l *Local) serveBackup(w http.ResponseWriter, r *http.Request) {
	key := secret.New(backup.KeySize)
	defer key.Wipe()
	if _, err := io.ReadFull(r.Body, key.Reveal()); err != nil {
		reply(w, http.StatusBadRequest, failure{Error: "the request has no key"})
		return
	}
	deadline := http.NewResponseController(w)
	_ = deadline.SetWriteDeadline(time.Time{}) // collecting takes as long as it takes; not settable in tests
	began := false
	err := l.takeBackup(r.Context(), &patientWriter{w, deadline}, key, func(s datadir.BackupSummary) error {
		text, err := json.Marshal(s.Brief())
		if err != nil {
			return err
		}
		began = true
		w.Header().Set(summaryHeader, string(text))
		w.Header().Set("Content-Length", strconv.FormatInt(s.Bytes, 10))
		w.WriteHeader(http.StatusOK)
		return nil
	})
	if err != nil && !began {
		answer(w)(nil, err)
	} // else the client sees that bytes are missing
}

// patientWriter gives its taker time as long as it takes something.
type patientWriter struct {
	w        io.Writer
	deadline *http.ResponseController
}

func (p *patientWriter) Write(b []byte) (int, error) {
	_ = p.deadline.SetWriteDeadline(time.Now().Add(stalled))
	return p.w.Write(b)
}

// Backup implements [Service].
func (c *Client) Backup(ctx context.Context, w io.Writer, key *secret.Bytes) (s datadir.BackupSummary, err error) {
	req, err := http.NewRequestWithContext(ctx, "POST", "http://admin"+backupPath, bytes.NewReader(key.Reveal()))
	if err != nil {
		return s, err
	}
	patient := *c.http
	patient.Timeout = 0 // it takes as long as there is to write
	resp, err := patient.Do(req)
	if err != nil {
		return s, c.failed(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, refusal(resp)
	}
	if err := json.Unmarshal([]byte(resp.Header.Get(summaryHeader)), &s); err != nil {
		return s, fmt.Errorf("the running server's answer: %w", err)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the running server broke off the backup: its log says why: %w", err)
		}
		return s, err
	}
	return s, nil
}
