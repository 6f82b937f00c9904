package admin

import (
	"context"

	"github.com/dbkeyring/dbkeyring/keyserver"
)

const usedByPath = "/objects/used-by"

type usedByRequest struct {
	ID string `json:"id"`
}

// UsedBy implements [Service].
func (l *Local) UsedBy(_ context.Context, id string) (keyserver.UsedBy, error) {
	keys := l.Keys
	if keys == nil {
		var err error
		if keys, err = keyserver.New(keyserver.Options{Store: l.Dir.Store, Endpoints: l.Dir.Endpoints}); err != nil {
			return keyserver.UsedBy{}, err
		}
	}
	return keys.UsedBy(id)
}

// UsedBy implements [Service].
func (c *Client) UsedBy(ctx context.Context, id string) (u keyserver.UsedBy, err error) {
	err = c.ask(ctx, "POST", usedByPath, usedByRequest{id}, &u)
	return u, err
}
