package endpoint

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrLimits: the limits cannot be those of an endpoint.
var ErrLimits = errors.New("a limit is 0, which is none, or more")

// Limits bound what an endpoint may take of the key server. 0 is no limit.
type Limits struct {
	// Objects is how many objects that are not destroyed there may be of its group, or of
	// it alone, for it to make another one.
	Objects int `json:"objects,omitempty"`
	// Connections is how many it may have open at a time.
	Connections int `json:"connections,omitempty"`
	// Rate is how many operations a second it may ask for in the long run.
	Rate int `json:"rate,omitempty"`
}

// String lists the limits for people; none is "-".
func (l Limits) String() string {
	var all []string
	for _, x := range []struct {
		n    int
		what string
	}{{l.Objects, "objects"}, {l.Connections, "connections"}, {l.Rate, "operations/s"}} {
		if x.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ", ")
}

// SetLimits gives an endpoint other limits, which hold from its next operation or
// connection on. ErrNotFound: no such endpoint, or it was removed. ErrLimits.
func (r *Registry) SetLimits(ctx context.Context, name string, l Limits) (Endpoint, error) {
	if l.Objects < 0 || l.Connections < 0 || l.Rate < 0 {
		return Endpoint{}, ErrLimits
	}
	r.change.Lock()
	defer r.change.Unlock()
	e, ok := r.Get(name)
	if !ok || e.Removed != nil {
		return Endpoint{}, fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	e.Limits = l
	return e.clone(), r.save(ctx, e)
}
