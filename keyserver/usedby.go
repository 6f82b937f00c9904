package keyserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/usage"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// ErrNoObject: there is no object of this Unique Identifier.
var ErrNoObject = errors.New("there is no object of this Unique Identifier")

// UsedBy says what an object is, and who used it last.
type UsedBy struct {
	ID    string   `json:"id"`
	Type  string   `json:"type"`
	State string   `json:"state"`
	Owner string   `json:"owner"` // the endpoint or the group whose it is
	Names []string `json:"names,omitempty"`
	// Replacement is the object that Re-key has made in its place; "": none.
	Replacement string `json:"replacement,omitempty"`
	// Uses are the last of each endpoint, the newest first. Of more than [usage.Most]
	// endpoints those that used it last are there.
	Uses []usage.Use `json:"uses"`
	// Since is from when on uses are known; zero: from now on.
	Since time.Time `json:"since,omitzero"`
}

// UsedBy tells who used an object. ErrNoObject: there is none.
func (s *Server) UsedBy(id string) (u UsedBy, err error) {
	o := s.index.get(id)
	if o == nil {
		return u, fmt.Errorf("%s: %w", id, ErrNoObject)
	}
	u = UsedBy{
		ID: o.ID, Type: o.Type.String(), State: o.StateAt(s.now()).String(), Owner: o.Owner, Names: o.Names(),
		Replacement: o.Linked(kmip.LinkReplacementObject),
	}
	if u.Uses, err = s.usage.Of(id); err != nil {
		return u, err
	}
	u.Since, err = s.usage.Since()
	return u, err
}

// KeepUsage writes who used which object since it was called last. Call it once in a
// while, and when the server has ended: a crash loses what was not written.
func (s *Server) KeepUsage(ctx context.Context) error {
	return s.usage.Flush(ctx, s.now(), func(id string) bool {
		o := s.index.get(id)
		return o != nil && !o.Destroyed()
	})
}
