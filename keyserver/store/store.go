// Package store is what the key server needs of a disk: named buckets of small
// values, changed in transactions that are durable when they return.
//
// The implementations are store/bolt (one file, one process), store/memory
// (tests, and the reference) and store/journal (in front of another one, for speed).
// store/storetest is the suite that each passes.
// [Sealed] puts encryption under a root key over any of them.
package store

import (
	"context"
	"errors"
)

// Bucket names one of the key server's tables.
type Bucket string

// ErrClosed is what every call returns after Close.
var ErrClosed = errors.New("the store is closed")

// Reader sees the store at one moment. It is valid only inside the function it
// was given to, and so are the slices that it returns.
type Reader interface {
	// Get returns the value, and whether there is one.
	Get(b Bucket, key string) (value []byte, ok bool, err error)
	// Range calls fn for each key that begins with prefix, in byte order, until
	// fn returns an error, which Range returns. The value is valid until fn returns.
	Range(b Bucket, prefix string, fn func(key string, value []byte) error) error
	// Buckets returns the names of all buckets that hold something, in byte order;
	// one that has been emptied may be among them.
	Buckets() ([]Bucket, error)
}

// Writer is a Reader that sees its own changes.
type Writer interface {
	Reader
	Put(b Bucket, key string, value []byte) error
	Delete(b Bucket, key string) error
}

// Store keeps the key server's data. All methods may be called from many
// goroutines at once.
type Store interface {
	// View reads. It never waits for writers.
	View(fn func(Reader) error) error

	// Update runs fn, and returns nil only when all that fn changed is durable.
	// If fn returns an error, nothing that it changed is kept and Update returns
	// that error. Several Updates may share one commit to the disk, so fn may run
	// more than once and must have no other effect than on its Writer. If ctx ends
	// first, Update returns its error and the change may or may not be made.
	Update(ctx context.Context, fn func(Writer) error) error

	// Close waits for the commit in progress.
	Close() error
}
