package kmsfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
)

// Percona's format has no place for a checksum, so it stands in a file beside it, as
// sha256sum writes and checks it. It goes before the data file is replaced and comes
// after, so that it is there only when it is that of the file. Percona's component does
// not know it: a data file that is newer was written by somebody else, and is taken.
const sumSuffix = ".sha256"

func (r *Keyring) sumPath() string { return r.o.Path + sumSuffix }

func (r *Keyring) sumText(sum [sha256.Size]byte) []byte {
	return fmt.Appendf(nil, "%s  %s\n", hex.EncodeToString(sum[:]), filepath.Base(r.o.Path))
}

// verdict is what the file of the checksum says about the data file.
type verdict int

const (
	asWritten verdict = iota
	foreign           // somebody else has written it since
	damaged
)

// judge compares the data file with the file of its checksum.
func (r *Keyring) judge(t *keyringfile.Texts) (verdict, error) {
	text, stamp, err := keyringfile.ReadFile(r.file.FS, r.sumPath())
	if err != nil {
		return damaged, err
	}
	defer text.Wipe()
	cure := "; remove " + r.sumPath() + " if you have put the keyring file there yourself"
	switch {
	case !stamp.There, string(text.Reveal()) == string(r.sumText(sha256.Sum256(t.Main.Reveal()))):
		return asWritten, nil
	case !t.Stamps[0].There:
		return damaged, r.damaged("it is gone, and its checksum is still there" + cure)
	case t.Main.Len() == 0:
		return damaged, r.damaged("it is empty, and was not" + cure)
	case t.Stamps[0].Modified.After(stamp.Modified):
		return foreign, nil
	}
	return damaged, r.damaged("its content is not what its checksum says" + cure)
}

func (r *Keyring) damaged(why string) error {
	return &keyringfile.DamagedError{Path: r.o.Path, Err: fmt.Errorf("%s", why)}
}

// unseal takes the checksum away, before the file is changed.
func (r *Keyring) unseal() error { return keyringfile.RemoveFile(r.file.FS, r.sumPath()) }

// seal writes the checksum of a file in Percona's format. If it cannot, the file is
// merely less protected.
func (r *Keyring) seal(s *state) {
	if s.format != FormatPercona {
		return
	}
	if err := atomicfile.Write(r.file.FS, r.sumPath(), r.sumText(s.sum), 0o640); err != nil {
		r.log.Warn("the checksum of the keyring file was not written; damage of the file may go unnoticed", "cause", err)
	}
}
