package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/backup"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/passphrase"
	"github.com/dbkeyring/dbkeyring/secret"
)

type backupCmd struct {
	Out            string `placeholder:"FILE" xor:"do" required:"" help:"Write the backup into this file; - is standard output."`
	Verify         string `placeholder:"FILE" xor:"do" required:"" help:"Check a backup to its end, and list what is in it."`
	Force          bool   `help:"Replace FILE if it is there."`
	Recipient      string `placeholder:"FILE" help:"Encrypt to the X25519 public key in this file (PEM), instead of with a pass phrase."`
	backupKeyFlags `embed:""`
	JSON           bool `name:"json" help:"Print JSON."`
	dataFlag       `embed:""`
}

// backupKeyFlags open a backup.
type backupKeyFlags struct {
	PassphraseFile string `placeholder:"FILE" help:"The backup's pass phrase is this file's one line. Without it: $$DBKEYRING_BACKUP_PASSPHRASE, or the terminal."`
	Identity       string `placeholder:"FILE" help:"The X25519 private key (PEM) of a backup that is encrypted to a public key."`
}

func (f backupKeyFlags) phrase() phraseSource {
	return phraseSource{what: "the backup's pass phrase", option: "--passphrase-file", file: f.PassphraseFile,
		credential: "backup-passphrase", variable: "DBKEYRING_BACKUP_PASSPHRASE"}
}

// Help is the long help.
func (backupCmd) Help() string {
	return "It holds all keys, endpoints and certificates of one moment, and neither the root key nor the audit log. The server may run meanwhile. " +
		"Make a pair of keys for --recipient and --identity with: openssl genpkey -algorithm X25519 -out backup.key; openssl pkey -in backup.key -pubout -out backup.pub"
}

// Run takes a backup, or checks one.
func (c *backupCmd) Run(p *process) error {
	if c.Verify != "" {
		return verifyBackup(p, c.Verify, c.backupKeyFlags, c.JSON)
	}
	if out, ok := p.stdout.(*os.File); c.Out == "-" && ok {
		if term.IsTerminal(int(out.Fd())) {
			return &failed{err: errors.New("--out -: standard output is a terminal"), hint: "write the backup into a file, or into a pipe", code: exitUsage}
		}
		signal.Ignore(syscall.SIGPIPE) // or a reader that goes away ends us without a word
	}
	var file *newFile
	if c.Out != "-" { // before anybody is asked for a pass phrase
		var err error
		if file, err = createNew(c.Out, c.Force); err != nil {
			return err
		}
		defer file.drop()
	}
	head, key, err := c.header(p)
	if err != nil {
		return err
	}
	defer key.Wipe()
	to := p.stdout
	if file != nil {
		to = file
	}
	var made datadir.BackupSummary
	err = withService(p, c.Data, func(s admin.Service) (err error) {
		made, err = s.Backup(p.ctx, &withHead{to: to, head: head}, key)
		return err
	})
	if err != nil {
		return c.explain(err)
	}
	if file != nil {
		if err := file.keep(); err != nil {
			return err
		}
	}
	if c.JSON && file != nil {
		return printJSON(p.stdout, made)
	}
	_, err = fmt.Fprintf(p.stderr, "backup %s: %d objects and all endpoints as of %s, %d bytes\n", c.Out, made.Objects(), made.Made.Format(time.RFC3339), made.Bytes+int64(len(head)))
	return err
}

// header makes the beginning of the file, and the key of the rest.
func (c *backupCmd) header(p *process) ([]byte, *secret.Bytes, error) {
	var l backup.Lock
	var err error
	if c.Recipient != "" {
		if c.PassphraseFile != "" {
			return nil, nil, &failed{err: errors.New("--recipient and --passphrase-file: a backup is encrypted with one of both"), code: exitUsage}
		}
		if l.PublicKey, err = readRecipient(c.Recipient); err != nil {
			return nil, nil, &failed{err: fmt.Errorf("--recipient %s: %w", c.Recipient, err), code: exitUsage}
		}
	} else if l.PassPhrase, err = c.phrase().read(p, true); err != nil {
		return nil, nil, err
	}
	defer l.PassPhrase.Wipe()
	head, key, err := backup.NewHeader(l, time.Now())
	if errors.Is(err, passphrase.ErrShort) {
		err = &failed{err: err, hint: "take a longer one: whoever guesses it has all keys", code: exitUsage}
	}
	return head, key, err
}

func (c *backupCmd) explain(err error) error {
	if c.Out == "-" && errors.Is(err, syscall.EPIPE) {
		return &failed{err: errors.New("--out -: who reads the backup went away before its end"), hint: "what it has got is no backup: throw it away"}
	}
	return err
}

// withHead writes the header before the first byte: nothing, if there is none.
type withHead struct {
	to   io.Writer
	head []byte
}

func (w *withHead) Write(b []byte) (int, error) {
	if w.head != nil {
		if _, err := w.to.Write(w.head); err != nil {
			return 0, err
		}
		w.head = nil
	}
	return w.to.Write(b)
}
