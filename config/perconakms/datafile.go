package perconakms

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dbkeyring/dbkeyring/config"
)

// dataFile reads path. The file need not be there, its folder must.
func (r *reader) dataFile() string {
	const option = "path"
	text, ok := r.Required(option, "the file that keeps the encrypted keys")
	if !ok {
		return ""
	}
	file := r.resolveNew(option, text)
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.folder(option, file)
	case errors.Is(err, syscall.ENOTDIR):
		r.Fault(option, filepath.Dir(file)+" is not a folder", "Correct the path.", err)
	case err != nil:
		r.Fault(option, "cannot look at "+file+": "+config.OSReason(err), config.RightsCure(file), err)
	case !info.Mode().IsRegular():
		r.Fault(option, file+" is not a regular file", "Set it to a file, which need not exist yet.", nil)
	default:
		if info.Mode()&0o002 != 0 {
			r.Warn(option, "everyone on this host can change "+file+"; chmod o-w "+file)
		}
		r.CheckOwner(option, file)
	}
	return file
}

// folder records a fault if a file cannot be made for want of its folder.
func (r *reader) folder(option, file string) {
	dir := filepath.Dir(file)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		r.Fault(option, "there is no folder "+dir+" to make "+filepath.Base(file)+" in", "Make the folder, owned by the user of the database, or correct the path.", err)
	case err != nil:
		r.Fault(option, "cannot look at "+dir+": "+config.OSReason(err), config.RightsCure(file), err)
	case !info.IsDir():
		r.Fault(option, dir+" is not a folder", "Correct the path.", nil)
	}
}

// resolveNew makes the path of a file absolute that may have to be made: beside the
// configuration file if it is there and nowhere else, otherwise in the base, as
// Percona's component does.
func (r *reader) resolveNew(option, text string) string {
	if filepath.IsAbs(text) {
		return filepath.Clean(text)
	}
	file, tried := r.Base.Resolve(text, r.File)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		file = tried[0]
	}
	r.Warn(option, fmt.Sprintf("%q is taken to be %s; write the absolute path, since another one would be an empty keyring", text, file))
	return file
}
