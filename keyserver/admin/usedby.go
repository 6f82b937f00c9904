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
	keys, err := l.objects()
	if err != nil {
		return keyserver.UsedBy{}, err
	}
	return keys.UsedBy(id)
}

// objects returns the server, else one that has read the objects once, for all questions.
func (l *Local) objects() (*keyserver.Server, error) {
	l.reading.Lock()
	defer l.reading.Unlock()
	if l.Keys != nil {
		return l.Keys, nil
	}
	var err error
	l.Keys, err = keyserver.New(keyserver.Options{Store: l.Dir.Store, Endpoints: l.Dir.Endpoints})
	return l.Keys, err
}

// UsedBy implements [Service].
func (c *Client) UsedBy(ctx context.Context, id string) (u keyserver.UsedBy, err error) {
	err = c.ask(ctx, "POST", usedByPath, usedByRequest{id}, &u)
	return u, err
}
