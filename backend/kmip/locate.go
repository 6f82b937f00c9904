package kmip

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// pageSize is how many identifiers are asked for at a time. Each page costs some
// servers a walk over all objects, so it is large.
const pageSize = 4096

// errTooMany is more objects than Options.MaxObjects.
type errTooMany struct{ max int }

func (e errTooMany) Error() string {
	return fmt.Sprintf("the key server has more than %d objects of one type for this client", e.max)
}

// locateAll finds all objects that have the attributes, a page at a time. Servers
// differ: some pass over Offset Items or refuse it, some hide how many there
// are, some cut pages short. Where paging does not get on, one request without a
// limit has to do.
func locateAll(ctx context.Context, c *kmipclient.Client, maximum int, attrs kmip.Attributes) (uids []string, err error) {
	seen := map[string]bool{}
	add := func(page []string) (added int) {
		for _, uid := range page {
			if !seen[uid] {
				seen[uid] = true
				uids = append(uids, uid)
				added++
			}
		}
		return added
	}
	req := kmip.LocateRequest{MaximumItems: int32(min(pageSize, maximum+1)), Attributes: attrs}
	for {
		res, err := locate(ctx, c, &req)
		if err != nil {
			var refusal *kmip.Error
			if req.OffsetItems == nil || !errors.As(err, &refusal) {
				return nil, err
			}
			res = &kmip.LocateResponse{} // it takes no Offset Items
		}
		added := add(res.UniqueIdentifiers)
		if len(uids) > maximum {
			return nil, errTooMany{maximum}
		}
		full := len(res.UniqueIdentifiers) >= int(req.MaximumItems)
		more := full || res.LocatedItems != nil && int(*res.LocatedItems) > len(uids)
		switch {
		case added == 0 && req.OffsetItems != nil && (more || err != nil):
			res, err := locate(ctx, c, &kmip.LocateRequest{Attributes: attrs})
			if err != nil {
				return nil, err
			}
			if add(res.UniqueIdentifiers); len(uids) > maximum {
				return nil, errTooMany{maximum}
			}
			return uids, nil
		case added == 0 || !more:
			return uids, nil
		}
		offset := int32(len(uids))
		req.OffsetItems = &offset
	}
}

// locate is the client's, for servers that say "none" in either of two ways.
func locate(ctx context.Context, c *kmipclient.Client, req *kmip.LocateRequest) (*kmip.LocateResponse, error) {
	res, err := c.Locate(ctx, req)
	if isGone(err) {
		return &kmip.LocateResponse{}, nil
	}
	return res, err
}

func (o *Options) maxObjects() int {
	if o.MaxObjects <= 0 {
		return defaultMaxObjects
	}
	return o.MaxObjects
}

// scope is what every search has: the Object Group, if there is one.
func (o *Options) scope(attrs ...kmip.Attribute) kmip.Attributes {
	if o.ObjectGroup != "" {
		attrs = append(attrs, kmip.TextAttribute(kmip.AttrObjectGroup, o.ObjectGroup))
	}
	return attrs
}

// find asks the servers for the objects that keep a key: the authoritative answer
// to whether there is one. The one that is the key comes first, its twins
// after it. There is none if a server says so, every other that answers says so,
// too, and either nothing here remembers the key or all of them did answer.
func (r *Keyring) find(ctx context.Context, id keyring.ID, content bool) ([]*object, error) {
	objects, err := r.findAll(ctx, id, content)
	keys, left := r.split(objects)
	wipe(left)
	return keys, err
}

// findAll finds what interrupted operations have left of the key, too.
func (r *Keyring) findAll(ctx context.Context, id keyring.ID, content bool) ([]*object, error) {
	for {
		c := r.connection()
		objects, err := r.findAnywhere(ctx, c, id, content)
		if !errors.Is(err, kmipclient.ErrClosed) || c == r.connection() {
			return objects, err
		}
		// A reload has replaced the client in between.
	}
}

// findAnywhere asks the server in use and, where that has nothing, all others: it
// may lag behind them. The server that has the key is the one in use afterwards.
func (r *Keyring) findAnywhere(ctx context.Context, c *kmipclient.Client, id keyring.ID, content bool) ([]*object, error) {
	before := c.Status()
	objects, err := r.findWith(ctx, c, id, content)
	if r.anyKey(objects) || err != nil && kmip.ReasonOf(err) == 0 || len(r.o.Servers) < 2 {
		return objects, err
	}
	asked := c.Status()
	if asked.Server != before.Server || !asked.Since.Equal(before.Since) {
		asked.Server = "" // more than one had a part in the answer
	}
	found, elsewhere := kmipclient.Elsewhere(ctx, c, asked.Server, func(ctx context.Context, one *kmipclient.Client) ([]*object, error) {
		objects, err := r.findWith(ctx, one, id, content)
		if err == nil && !r.anyKey(objects) {
			wipe(objects)
			err = kmipclient.ErrAbsent
		}
		return objects, err
	}, wipe)
	var absent *kmipclient.AbsentError
	switch {
	case elsewhere == nil:
		wipe(objects)
		return found, nil
	case err != nil:
		return nil, err
	case !errors.As(elsewhere, &absent), r.remembers(id, absent.Silent):
		wipe(objects)
		return nil, elsewhere
	}
	return objects, nil
}

// remembers says whether one of the silent servers must have the key, for all that
// is known here: it is in memory, or that server was to make it and did not answer.
func (r *Keyring) remembers(id keyring.ID, silent []*kmipclient.ServerError) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if _, cached := r.keys[id]; cached && len(silent) > 0 {
		return true
	}
	maker, pending := r.pendingAt[id]
	return pending && slices.ContainsFunc(silent, func(s *kmipclient.ServerError) bool { return s.Server == maker })
}

func (r *Keyring) findWith(ctx context.Context, c *kmipclient.Client, id keyring.ID, content bool) ([]*object, error) {
	var uids []string
	for i, name := range names(id) {
		// In pages: a server that drops the filter has far more to tell.
		found, err := locateAll(ctx, c, r.o.maxObjects(), r.o.scope(kmip.NameAttribute(name)))
		if i > 0 && refusesText(err) {
			break // what the server cannot even be asked for, it does not have
		}
		if err != nil {
			return nil, err
		}
		uids = append(uids, found...)
	}
	// An object of another kind may have the name; its content may be of a form that
	// the protocol package lacks. So the attributes come first.
	objects, unreadable, err := r.read(ctx, c, uids, false)
	if err != nil {
		return nil, err
	}
	// A server that drops a filter finds everything.
	objects = slices.DeleteFunc(objects, func(o *object) bool { return !slices.Contains(o.ids, id) || !r.ours(o) })
	if content && len(objects) > 0 {
		uids = uids[:0]
		for _, o := range objects {
			uids = append(uids, o.uid)
		}
		var more []error
		if objects, more, err = r.read(ctx, c, uids, true); err != nil {
			return nil, err
		}
		unreadable = append(unreadable, more...)
	}
	if len(objects) == 0 && len(unreadable) > 0 {
		// Something is there and cannot be read: that is not "absent".
		return nil, unreadable[0]
	}
	slices.SortFunc(objects, before)
	return objects, nil
}

// refusesText says whether a server refused a request for its text alone: some
// take only ASCII.
func refusesText(err error) bool {
	var refusal *kmip.Error
	return errors.As(err, &refusal) && (refusal.Reason == kmip.ReasonInvalidMessage || refusal.Reason == kmip.ReasonInvalidField)
}
