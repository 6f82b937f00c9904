package keyringaws

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
)

// credentials are those of a file, read again when it has changed: new ones need no
// restart, and no UNINSTALL PLUGIN.
type credentials struct {
	file string

	mu    sync.Mutex
	stamp stamp
	last  awskms.Credentials
	err   error
}

func newCredentials(file string) *credentials { return &credentials{file: file} }

// stamp tells one content of a file from another. The zero stamp is that of none.
type stamp struct {
	dev, ino        uint64
	size            int64
	modified, since time.Time // since: of the inode
}

// settled is how old a change has to be so that another one right after it shows in
// the times of the file, whose clock is coarse.
const settled = time.Second

// get returns what the file says. While that is not good, it is an error, which names
// the file and what to write into it.
func (c *credentials) get(context.Context) (awskms.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The stamp is taken before the file is read: what is written in between shows
	// the next time.
	now := stampOf(c.file)
	if now == c.stamp && now != (stamp{}) && time.Since(now.since) > settled {
		return c.last, c.err
	}
	c.stamp = now
	c.last, c.err = ReadCredentials(c.file)
	return c.last, c.err
}

func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	s := stamp{size: info.Size(), modified: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.dev, s.ino, s.since = st.Dev, st.Ino, time.Unix(st.Ctim.Unix())
	}
	return s
}
