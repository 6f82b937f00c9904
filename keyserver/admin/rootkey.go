package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/rootkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

const rootKeyPath = "/root-key"

// RotateRequest asks for another root key.
type RotateRequest struct {
	Root rootkey.Settings
	// Phrase is the pass phrase of a root key that is made of one, else nil.
	Phrase *secret.Bytes
}

// Rotated is the answer.
type Rotated struct {
	RootKey datadir.RootKey `json:"root_key"`
	// Values is how many were encrypted anew.
	Values int `json:"values"`
}

// RootKey implements [Service].
func (l *Local) RootKey(context.Context) (datadir.RootKey, error) { return l.Dir.RootKey(), nil }

// RotateRootKey implements [Service].
func (l *Local) RotateRootKey(ctx context.Context, r RotateRequest) (done Rotated, err error) {
	entry := audit.Entry{Op: "Root Key Rotate", Reason: fmt.Sprintf("from %s to %s", l.Dir.RootKey().Settings, r.Root)}
	err = l.record(entry, func() error {
		done.RootKey, done.Values, err = l.Dir.RotateRootKey(ctx, r.Root, r.Phrase)
		return err
	})
	return done, err
}

// Over the socket the settings come as a line of JSON, and the pass phrase after it.
func (l *Local) serveRotate(w http.ResponseWriter, r *http.Request) {
	body := secret.New(maxBody)
	defer body.Wipe()
	n, err := io.ReadFull(r.Body, body.Reveal())
	head, phrase, ok := bytes.Cut(body.Reveal()[:n], []byte{'\n'})
	var ask RotateRequest
	if err != io.ErrUnexpectedEOF || !ok || json.Unmarshal(head, &ask.Root) != nil {
		reply(w, http.StatusBadRequest, failure{Error: "the request has no root key"})
		return
	}
	if len(phrase) > 0 {
		ask.Phrase = secret.Copy(phrase)
		defer ask.Phrase.Wipe()
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // it takes as long as there is to encrypt
	// Whoever asked may go away: what has begun is brought to its end.
	answer(w)(l.RotateRootKey(context.WithoutCancel(r.Context()), ask))
}

// RootKey implements [Service].
func (c *Client) RootKey(ctx context.Context) (k datadir.RootKey, err error) {
	err = c.ask(ctx, "GET", rootKeyPath, nil, &k)
	return k, err
}

// RotateRootKey implements [Service].
func (c *Client) RotateRootKey(ctx context.Context, r RotateRequest) (done Rotated, err error) {
	head, err := json.Marshal(r.Root)
	if err != nil {
		return done, err
	}
	var phrase []byte
	if r.Phrase != nil {
		phrase = r.Phrase.Reveal()
	}
	body := io.MultiReader(bytes.NewReader(append(head, '\n')), bytes.NewReader(phrase))
	req, err := http.NewRequestWithContext(ctx, "POST", "http://admin"+rootKeyPath, body)
	if err != nil {
		return done, err
	}
	patient := *c.http
	patient.Timeout = 0
	resp, err := patient.Do(req)
	if err != nil {
		return done, c.failed(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return done, refusal(resp)
	}
	return done, json.NewDecoder(resp.Body).Decode(&done)
}
