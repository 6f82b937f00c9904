package percona

import (
	"bytes"
	"crypto"
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

// soon is how long before its end a certificate is warned about.
const soon = 30 * 24 * time.Hour

// files resolves the paths and looks into the files.
func (r *reader) files(o *Options) {
	var certOK, keyOK, caOK bool
	o.ClientCertFile, certOK = r.path("client_ca", "the PEM file with the client's certificate")
	o.ClientKeyFile, keyOK = r.path("client_key", "the PEM file with the client's private key")
	o.ServerCAFile, caOK = r.path("server_ca", "the PEM file with the certificate of the authority that signed the key server's")
	var pwOK bool
	o.ClientKeyPassword, pwOK = r.password()

	var certs []*x509.Certificate
	var key crypto.Signer
	var err error
	if certOK {
		if certs, err = pemkey.LoadCertificates(o.ClientCertFile); err != nil {
			r.pemFault("client_ca", err)
		} else {
			r.dates("client_ca", certs[0], "the key server will refuse it")
		}
	}
	if caOK {
		cas, err := pemkey.LoadCertificates(o.ServerCAFile)
		if err != nil {
			r.pemFault("server_ca", err)
		}
		for _, c := range cas {
			r.dates("server_ca", c, "what it signed is no longer trusted")
		}
	}
	if keyOK {
		key, err = pemkey.LoadKey(o.ClientKeyFile, o.ClientKeyPassword)
		if err != nil && !(errors.Is(err, pemkey.ErrNoPassword) && !pwOK) { // the password has a fault of its own
			r.pemFault("client_key", err)
		}
		if mode, ok := modeOf(o.ClientKeyFile); ok && mode&0o004 != 0 {
			r.warn("client_key", "everyone on this host can read "+o.ClientKeyFile+"; chmod o-r "+o.ClientKeyFile)
		}
	}
	if certs != nil && key != nil {
		if _, err := pemkey.Pair(o.ClientCertFile, certs, o.ClientKeyFile, key); err != nil {
			r.pemFault("client_key", err)
		}
	}
	r.checkOwner("", r.file)
	r.checkOwner("client_ca", o.ClientCertFile)
	r.checkOwner("client_key", o.ClientKeyFile)
	r.checkOwner("server_ca", o.ServerCAFile)
}

// path returns a required path, absolute.
func (r *reader) path(option, what string) (string, bool) {
	text, ok := r.required(option, what)
	if !ok {
		return "", false
	}
	return r.resolve(option, text)
}

// resolve makes a path absolute and reports what became of a relative one.
func (r *reader) resolve(option, text string) (string, bool) {
	abs, tried := r.base.Resolve(text, r.file)
	if abs != text {
		if _, err := os.Stat(abs); errors.Is(err, fs.ErrNotExist) && len(tried) > 1 {
			r.fault(option, fmt.Sprintf("%q is neither %s nor %s: no such file", text, tried[0], tried[1]),
				"Write the absolute path.", fs.ErrNotExist)
			return "", false
		}
		r.note("%s (%s, line %d): %q is taken to be %s", option, r.file, r.line(option), text, abs)
	}
	return abs, true
}

// pemFault puts a fault of a PEM file into the words of this configuration.
func (r *reader) pemFault(option string, err error) {
	e, ok := errors.AsType[*pemkey.Error](err)
	if !ok {
		r.fault(option, err.Error(), "", err)
		return
	}
	cure := map[string]string{
		"client_ca":  "Set it to the client's own certificate, which this option is for despite its name.",
		"client_key": "Set it to the client's private key.",
		"server_ca":  "Set it to the certificate of the authority that signed the key server's.",
	}[option]
	switch {
	case errors.Is(err, fs.ErrNotExist):
		cure = "Put the file there, or correct the path."
	case errors.Is(err, fs.ErrPermission):
		cure = r.rightsCure(e.File)
	case errors.Is(err, pemkey.ErrNoPassword):
		cure = "Set client_key_password_file or client_key_password, or take the password off: openssl pkey -in " + e.File + " -out PLAIN_KEY."
	case errors.Is(err, pemkey.ErrWrongPassword):
		cure = "Correct client_key_password."
		if _, ok := r.members["client_key_password_file"]; ok {
			cure = "Correct the file that client_key_password_file names."
		}
	case errors.Is(err, pemkey.ErrMismatch):
		cure = "Set client_ca and client_key to files that were made for each other."
	case errors.Is(err, pemkey.ErrUnsupported):
		cure = "Convert the key."
	}
	r.fault(option, e.Error(), cure, err)
}

// dates warns of a certificate outside its dates or near their end. It is no
// fault: the key server decides, and its clock may differ.
func (r *reader) dates(option string, c *x509.Certificate, so string) {
	now := r.now()
	if e, ok := errors.AsType[*pemkey.Error](pemkey.CheckDates(c, now)); ok {
		r.warn(option, fmt.Sprintf("%s, its subject is %s: %s", e.Reason(), c.Subject, so))
		return
	}
	if left := c.NotAfter.Sub(now); left < soon {
		r.warn(option, fmt.Sprintf("the certificate (%s) expires in %d days, on %s", c.Subject, int(left.Hours()/24), c.NotAfter.UTC().Format(time.DateOnly)))
	}
}

// passwordFile reads the one line of client_key_password_file.
func (r *reader) passwordFile(text string) (*secret.Bytes, bool) {
	const option = "client_key_password_file"
	file, ok := r.resolve(option, text)
	if !ok {
		return nil, false
	}
	mode, ok := modeOf(file)
	if ok && !mode.IsRegular() {
		r.fault(option, file+": it is not a regular file", "Set it to a file with the password on one line.", nil)
		return nil, false
	}
	data, err := os.ReadFile(file)
	if err != nil {
		cure := "Put the file there, or correct the path."
		if errors.Is(err, fs.ErrPermission) {
			cure = r.rightsCure(file)
		}
		r.fault(option, file+": "+osReason(err), cure, err)
		return nil, false
	}
	defer secret.Wipe(data)
	line := bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	problem := ""
	switch {
	case len(line) == 0:
		problem = "it is empty"
	case bytes.ContainsAny(line, "\r\n"):
		problem = "it has more than one line"
	case len(line) > 4096:
		problem = "its line is longer than 4096 bytes"
	}
	if problem != "" {
		r.fault(option, file+": "+problem, "Write the password on one line.", nil)
		return nil, false
	}
	if mode&0o004 != 0 {
		r.warn(option, "everyone on this host can read "+file+"; chmod o-r "+file)
	}
	r.checkOwner(option, file)
	return secret.Copy(line), true
}

func modeOf(file string) (fs.FileMode, bool) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, false
	}
	return info.Mode(), true
}

// rightsCure says who must be able to read the file.
func (r *reader) rightsCure(file string) string {
	who := fmt.Sprintf("the user of the database (now user id %d)", os.Geteuid())
	return "Give " + who + " the right to read " + file + " and to enter the folders above it."
}

// checkOwner warns if the owner of the data directory cannot read a file that
// the present user, root, can.
func (r *reader) checkOwner(option, file string) {
	if file == "" || r.dataDir == "" {
		return
	}
	info, err := os.Stat(r.dataDir)
	if err != nil {
		return
	}
	owner := info.Sys().(*syscall.Stat_t)
	if owner.Uid == 0 || int(owner.Uid) == os.Geteuid() {
		return
	}
	if at := denied(file, owner.Uid, owner.Gid); at != "" {
		r.warn(option, fmt.Sprintf("the owner of the data directory %s (user id %d) cannot read %s because of the rights of %s: the keyring cannot be reloaded after the start",
			r.dataDir, owner.Uid, file, at))
	}
}

// denied returns the file, or the folder above it, that keeps the user from
// reading file; "" if none does or nothing is known about it.
func denied(file string, uid, gid uint32) string {
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
