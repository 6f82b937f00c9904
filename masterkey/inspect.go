package masterkey

import (
	"slices"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
)

// Inspection is what a key store tells without its master key. It is not authenticated.
type Inspection struct {
	Path       string
	Generation uint64
	Master     *Ref     // nil while the first one is being made
	Pending    string   // the key of an interrupted rotation; "" is none
	KeyIDs     []string // that have data keys
}

// Inspect reads the key store in a folder; nil if there is none.
func Inspect(dir string) (*Inspection, error) {
	f := file{filesys.OS{}, dir}
	c, err := f.read()
	if err != nil || c == nil {
		return nil, wrap("read the key store", err)
	}
	i := &Inspection{Path: f.path(), Generation: c.Generation, Master: c.Master}
	if c.Pending != nil {
		i.Pending = c.Pending.key()
	}
	for _, d := range c.Keys {
		if !slices.Contains(i.KeyIDs, d.ID) {
			i.KeyIDs = append(i.KeyIDs, d.ID)
		}
	}
	return i, nil
}
