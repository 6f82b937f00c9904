package keyringaws

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dbkeyring/dbkeyring/config"
)

// IsDataFile says whether a file that begins so is a data file of this plugin, as
// dbkeyring writes it.
func IsDataFile(head []byte) bool {
	return bytes.HasPrefix(head, []byte(`{"format":"dbkeyring keyring_aws"`))
}

// foreign begins the data files of MySQL's own keyring plugins.
const foreign = "Keyring file version:"

// dataFile looks at what can be known of the file beforehand: it and its folder are
// made when they are not there.
func (r *reader) dataFile(file string) {
	if file == "" {
		return
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case errors.Is(err, syscall.ENOTDIR):
		r.fault(VariableData, filepath.Dir(file)+" is not a folder", "Correct the path.", err)
		return
	case err != nil:
		r.fault(VariableData, "cannot look at "+file+": "+config.OSReason(err), config.RightsCure(file), err)
		return
	case !info.Mode().IsRegular():
		r.fault(VariableData, file+" is not a regular file", "Set it to a file, which need not exist yet.", nil)
		return
	case info.Mode()&0o002 != 0:
		r.warn(VariableData, "everyone on this host can change "+file+"; chmod o-w "+file)
	}
	head, err := beginning(file, len(foreign))
	switch {
	case err != nil:
		r.fault(VariableData, "cannot read "+file+": "+config.OSReason(err), config.RightsCure(file), err)
	case len(head) > 0 && head[0] != '{':
		// What is ours and damaged is told by the back end, unless it is damaged just there.
		problem := "it is not in the format of dbkeyring's keyring_aws"
		if string(head) == foreign {
			problem = "it is a data file of one of MySQL's own keyring plugins"
		}
		r.fault(VariableData, file+": "+problem+": only MySQL Enterprise's keyring_aws can read its own data file",
			"Set it to another file, which need not exist yet. To take the old keys along, have MySQL Enterprise's server copy them with its plugin into component_keyring_file first "+
				"(mysqld --keyring-migration-source=keyring_aws.so --keyring-migration-destination=component_keyring_file.so --keyring-migration-to-component), and then dbkeyring migrate from there.", nil)
	}
}

// beginning returns the first bytes of a file.
func beginning(file string, n int) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, n)
	got, err := io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:got], err
}
