package config

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Report is what an administrator should know of a configuration besides its
// faults. It is filled in even if there are faults.
type Report struct {
	File     string   // the configuration file that counts, absolute
	Warnings []string // what works and deserves attention; for the log
	Notes    []string // what was decided, such as which path was taken; for the log
}

// Reader goes through one configuration file and collects what there is to say
// about it. Dialects embed it.
type Reader struct {
	File    string
	Base    Base
	DataDir string           // whose owner must be able to read everything; may be empty
	Now     func() time.Time // the clock for the dates of certificates
	Lines   map[string]int   // where each option stands; 0: nowhere
	Faults  Faults
	Report  Report
}

// Fault records what is wrong with an option.
func (r *Reader) Fault(option, problem, cure string, err error) {
	r.Faults = append(r.Faults, &Fault{
		Option: option, File: r.File, Line: r.Lines[option], Problem: problem, Cure: cure, Err: err,
	})
}

// FileFault records what is wrong with the file, at a line or, with 0, as a whole.
func (r *Reader) FileFault(line int, problem, cure string, err error) {
	r.Faults = append(r.Faults, &Fault{File: r.File, Line: line, Problem: problem, Cure: cure, Err: err})
}

// Warn records what works and deserves attention. An empty option is the file.
func (r *Reader) Warn(option, text string) {
	f := Fault{Option: option, File: r.File, Line: r.Lines[option], Problem: text}
	r.Report.Warnings = append(r.Report.Warnings, f.Error())
}

// Note records what was decided.
func (r *Reader) Note(format string, args ...any) {
	r.Report.Notes = append(r.Report.Notes, fmt.Sprintf(format, args...)+".")
}

// maxFile is far above any configuration.
const maxFile = 1 << 20

// ReadFile reads the configuration file; nil after a fault. It takes no pipe or
// device, on which it could hang.
func (r *Reader) ReadFile(cureIfAbsent string) []byte {
	info, err := os.Stat(r.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.FileFault(0, "there is no such file", cureIfAbsent, err)
		return nil
	case errors.Is(err, syscall.ENOTDIR):
		r.FileFault(0, filepath.Dir(r.File)+" is not a folder", cureIfAbsent, err)
		return nil
	case err != nil:
		r.FileFault(0, "cannot read it: "+OSReason(err), RightsCure(r.File), err)
		return nil
	case !info.Mode().IsRegular():
		r.FileFault(0, "it is not a regular file", "Put the configuration file there.", nil)
		return nil
	case info.Size() > maxFile:
		r.FileFault(0, "it is too large for a configuration file", "Put the right file there.", nil)
		return nil
	}
	data, err := os.ReadFile(r.File)
	if err != nil {
		r.FileFault(0, "cannot read it: "+OSReason(err), RightsCure(r.File), err)
		return nil
	}
	return data
}

// Resolve makes an option's path absolute and reports what became of a relative
// one; false after a fault.
func (r *Reader) Resolve(option, text string) (string, bool) {
	abs, tried := r.Base.Resolve(text, r.File)
	if abs != text {
		if _, err := os.Stat(abs); errors.Is(err, fs.ErrNotExist) && len(tried) > 1 {
			r.Fault(option, fmt.Sprintf("%q is neither %s nor %s: no such file", text, tried[0], tried[1]),
				"Write the absolute path.", fs.ErrNotExist)
			return "", false
		}
		r.Note("%s (%s, line %d): %q is taken to be %s", option, r.File, r.Lines[option], text, abs)
	}
	return abs, true
}

// soon is how long before its end a certificate is warned about.
const soon = 30 * 24 * time.Hour

// Dates warns of a certificate outside its dates or near their end; so is what
// follows from it. It is no fault: the key server decides, and its clock may differ.
func (r *Reader) Dates(option string, c *x509.Certificate, so string) {
	now := r.Now()
	if e, ok := errors.AsType[*pemkey.Error](pemkey.CheckDates(c, now)); ok {
		r.Warn(option, fmt.Sprintf("%s, its subject is %s: %s", e.Reason(), c.Subject, so))
		return
	}
	if left := c.NotAfter.Sub(now); left < soon {
		r.Warn(option, fmt.Sprintf("the certificate (%s) expires in %d days, on %s", c.Subject, int(left.Hours()/24), c.NotAfter.UTC().Format(time.DateOnly)))
	}
}

// PasswordFileError is what is wrong with a file that holds a password.
type PasswordFileError struct {
	File, Problem, Cure string
	Err                 error
}

// Error gives "file: problem".
func (e *PasswordFileError) Error() string { return e.File + ": " + e.Problem }

// Unwrap gives what the operating system said, if it did.
func (e *PasswordFileError) Unwrap() error { return e.Err }

// maxPassword is the longest line in bytes that is taken for a password.
const maxPassword = 4096

// ReadPassword reads a file whose one line is a password. The line's end does
// not count. Every error is a *[PasswordFileError].
func ReadPassword(file string) (*secret.Bytes, error) {
	const write = "Write the password on one line."
	if mode, ok := ModeOf(file); ok && !mode.IsRegular() {
		return nil, &PasswordFileError{file, "it is not a regular file", "Set it to a file with the password on one line.", nil}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		cure := "Put the file there, or correct the path."
		if errors.Is(err, fs.ErrPermission) {
			cure = RightsCure(file)
		}
		return nil, &PasswordFileError{file, OSReason(err), cure, err}
	}
	defer secret.Wipe(data)
	line := bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	switch {
	case len(line) == 0:
		return nil, &PasswordFileError{file, "it is empty", write, nil}
	case bytes.ContainsAny(line, "\r\n"):
		return nil, &PasswordFileError{file, "it has more than one line", write, nil}
	case len(line) > maxPassword:
		return nil, &PasswordFileError{file, fmt.Sprintf("its line is longer than %d bytes", maxPassword), write, nil}
	}
	return secret.Copy(line), nil
}

// ModeOf returns a file's mode; false if there is none to be had.
func ModeOf(file string) (fs.FileMode, bool) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, false
	}
	return info.Mode(), true
}

// OSReason is what the operating system said, without os's "open FILE:".
func OSReason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// RightsCure says who must be able to read the file.
func RightsCure(file string) string {
	who := fmt.Sprintf("the user of the database (now user id %d)", os.Geteuid())
	return "Give " + who + " the right to read " + file + " and to enter the folders above it."
}

// CheckOwner warns if the owner of the data directory cannot read a file that
// the present user, root, can.
func (r *Reader) CheckOwner(option, file string) {
	if file == "" || r.DataDir == "" {
		return
	}
	info, err := os.Stat(r.DataDir)
	if err != nil {
		return
	}
	owner := info.Sys().(*syscall.Stat_t)
	if owner.Uid == 0 || int(owner.Uid) == os.Geteuid() {
		return
	}
	if at := Denied(file, owner.Uid, owner.Gid); at != "" {
		r.Warn(option, fmt.Sprintf("the owner of the data directory %s (user id %d) cannot read %s because of the rights of %s: the keyring cannot be reloaded after the start",
			r.DataDir, owner.Uid, file, at))
	}
}

// Denied returns the file, or the folder above it, that keeps a user from
// reading file; "" if none does or nothing is known about it.
func Denied(file string, uid, gid uint32) string {
	may := func(path string, bit uint32) bool {
		info, err := os.Stat(path)
		if err != nil {
			return true
		}
		st := info.Sys().(*syscall.Stat_t)
		switch {
		case st.Uid == uid:
			return st.Mode&(bit<<6) != 0
		case st.Gid == gid:
			return st.Mode&(bit<<3) != 0
		}
		// The user may be in further groups, though hardly in root's.
		return st.Mode&bit != 0 || st.Gid != 0 && st.Mode&(bit<<3) != 0
	}
	var folders []string
	for dir := filepath.Dir(file); strings.HasPrefix(dir, "/"); dir = filepath.Dir(dir) {
		folders = append(folders, dir)
		if dir == "/" {
			break
		}
	}
	for i := len(folders) - 1; i >= 0; i-- {
		if !may(folders[i], 1) {
			return folders[i]
		}
	}
	if !may(file, 4) {
		return file
	}
	return ""
}
