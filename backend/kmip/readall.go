package kmip

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

const (
	// manyChunks is from how many batches on further connections are worth it.
	manyChunks = 8
	// helpers is how many further connections there are: this process reads what
	// one has brought while the server is at work for the others.
	helpers = 2
)

// readAll is read for a load of all keys: if there are many, over several
// connections at once. The further ones only help. What goes wrong there is done
// again over c, whose errors are those of the load.
func (r *Keyring) readAll(ctx context.Context, c *kmipclient.Client, uids []string, content bool) (objects []*object, unreadable []error, err error) {
	chunks := slices.Collect(slices.Chunk(uids, readBatch))
	if len(chunks) < manyChunks {
		return r.read(ctx, c, uids, content)
	}
	todo := make(chan int, len(chunks)) // indices of chunks
	for i := range chunks {
		todo <- i
	}
	type part struct {
		objects    []*object
		unreadable []error
	}
	parts := make([]part, len(chunks))
	do := func(ctx context.Context, c *kmipclient.Client, i int) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("internal error: %v", p)
			}
		}()
		parts[i].objects, parts[i].unreadable, err = r.read(ctx, c, chunks[i], content)
		return err
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	joining, stopJoining := context.WithCancel(ctx)
	defer stopJoining()
	var wg sync.WaitGroup
	for range helpers {
		wg.Go(func() {
			helper := c.Clone()
			defer helper.Close()
			until := joining // until it has shown that it works
			for {
				select {
				case i := <-todo:
					if err := do(until, helper, i); err != nil {
						todo <- i
						r.log.Debug("a further connection does not help to read the keys", "error", err)
						return
					}
					until = ctx
				default:
					return
				}
			}
		})
	}
	for err == nil {
		select {
		case i := <-todo:
			err = do(ctx, c, i)
			continue
		default:
		}
		stopJoining() // a connection that has not come about is not waited for
		wg.Wait()
		if len(todo) == 0 { // else what a helper gave up
			break
		}
	}
	stop()
	wg.Wait()
	for _, p := range parts {
		objects, unreadable = append(objects, p.objects...), append(unreadable, p.unreadable...)
	}
	if err != nil {
		wipe(objects)
		return nil, nil, err
	}
	return objects, unreadable, nil
}
