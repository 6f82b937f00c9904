package kmip

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Read gets the key from the first server that has it.
func (p *Provider) Read(ctx context.Context, r masterkey.Ref) (*secret.Bytes, masterkey.Ref, error) {
	const op = "read the master key"
	got, err := everywhere(ctx, p, question[*kmip.GetResponse]{
		ask:  func(ctx context.Context, c *kmipclient.Client) (*kmip.GetResponse, error) { return c.Get(ctx, r.ID) },
		drop: func(g *kmip.GetResponse) { g.Object.Wipe() },
	})
	switch kmip.ReasonOf(err) {
	case kmip.ReasonFeatureNotSupported, kmip.ReasonKeyCompressionTypeNotSupported, kmip.ReasonKeyFormatTypeNotSupported:
		return nil, r, keyring.E(op, keyring.ID{}, keyring.ErrCorrupt, fmt.Errorf("the object %s is not a key in the clear: %w", r.ID, err))
	}
	if err != nil {
		return nil, r, p.fault(op, err)
	}
	defer got.value.Object.Wipe()
	key, err := keyOf(&got.value.Object)
	if err != nil {
		return nil, r, keyring.E(op, keyring.ID{}, keyring.ErrCorrupt, fmt.Errorf("the object %s (%s): %w", r.ID, got.server, err))
	}
	return key, masterkey.Ref{Provider: masterkey.KMIP, ID: r.ID, Server: got.server}, nil
}

// keyOf takes the key out of an object: 32 bytes, or, as older releases of Percona
// Server for MongoDB have registered it, their base64 text.
func keyOf(o *kmip.Object) (*secret.Bytes, error) {
	if o.Type != kmip.ObjectTypeSymmetricKey {
		return nil, fmt.Errorf("it is a %s, and no encryption key: that is a Symmetric Key", o.Type)
	}
	content := o.Content()
	switch content.Len() {
	case masterkey.Size:
		return content.Clone(), nil
	case base64.StdEncoding.EncodedLen(masterkey.Size):
		key := secret.New(base64.StdEncoding.DecodedLen(content.Len()))
		defer key.Wipe()
		if n, err := base64.StdEncoding.Decode(key.Reveal(), content.Reveal()); err == nil && n == masterkey.Size {
			return secret.Copy(key.Reveal()[:n]), nil
		}
	}
	return nil, fmt.Errorf("its %d bytes are no encryption key: that has %d bytes, raw or as base64 text", content.Len(), masterkey.Size)
}

// template are the attributes of a new key: Percona Server for MongoDB's, and a Name, by
// which it is found again.
func template(marker string) kmip.Template {
	return kmip.Template{Attributes: kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
		kmip.IntegerAttribute(kmip.AttrCryptographicLength, masterkey.Size*8),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt|kmip.UsageDecrypt)),
		kmip.NameAttribute(marker),
	}}
}

// Create registers a key, or has the server create one, and never makes two: if the
// answer is lost it looks for the key, and only if all servers say that it is not there
// does it try again.
func (p *Provider) Create(ctx context.Context, marker string) (*secret.Bytes, masterkey.Ref, error) {
	const op = "make a master key"
	var key *secret.Bytes // nil if it is the server's to make
	if !p.o.ServerCreates {
		key = secret.Random(masterkey.Size)
		defer key.Wipe()
	}
	for n := 1; ; n++ {
		id, err := p.send(ctx, marker, key)
		if err == nil {
			ref := masterkey.Ref{Provider: masterkey.KMIP, ID: id, Server: p.client.Status().Server}
			if key != nil {
				return key.Clone(), ref, nil
			}
			return p.Read(ctx, ref)
		}
		if !errors.Is(err, kmipclient.ErrOutcomeUnknown) {
			return nil, masterkey.Ref{}, p.fault(op, err)
		}
		found, look := p.find(ctx, marker)
		var absent *kmipclient.AbsentError
		switch {
		case look == nil:
			return p.taken(ctx, op, found, key)
		case !errors.As(look, &absent) || len(absent.Silent) > 0 || n >= p.o.Attempts || ranOut(err) || !rest(ctx):
			return nil, masterkey.Ref{}, p.fault(op, err)
		}
		p.log.Warn("the answer of the key server was lost, and the new master key is not there; asking again", "marker", marker)
	}
}

// send asks for the key once, and more often only while nobody can have heard.
func (p *Provider) send(ctx context.Context, marker string, key *secret.Bytes) (id string, err error) {
	return attempt(ctx, p, func() (string, error) {
		if err := ctx.Err(); err != nil {
			return "", err // an open connection may be faster than the end of a context
		}
		if key == nil {
			res, err := p.client.Create(ctx, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: template(marker)})
			if err != nil {
				return "", err
			}
			return res.UniqueIdentifier, nil
		}
		req := &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: template(marker), Object: kmip.SymmetricKey(kmip.AlgorithmAES, key.Clone())}
		defer req.Object.Wipe()
		res, err := p.client.Register(ctx, req)
		if err != nil {
			return "", err
		}
		return res.UniqueIdentifier, nil
	})
}

// ranOut says whether the server had the request and was slow: it may still carry it out,
// after somebody has looked.
func ranOut(err error) bool {
	var e *kmipclient.Error
	return errors.As(err, &e) && len(e.Servers) > 0 && e.Servers[len(e.Servers)-1].Timeout()
}

// taken reads the key whose answer was lost. sent is what it has to be; nil for any.
func (p *Provider) taken(ctx context.Context, op string, found answer[string], sent *secret.Bytes) (*secret.Bytes, masterkey.Ref, error) {
	key, ref, err := p.Read(ctx, masterkey.Ref{ID: found.value})
	if err != nil {
		return nil, masterkey.Ref{}, err
	}
	if sent != nil && !key.Equal(sent) {
		key.Wipe()
		return nil, masterkey.Ref{}, keyring.E(op, keyring.ID{}, keyring.ErrCorrupt, fmt.Errorf("the object %s (%s) has the name of the new key, and is another", ref.ID, ref.Server))
	}
	return key, ref, nil
}

// Find looks for the Name. It is ErrNotFound, too, if a server is silent that may have it:
// then the log says so. Nothing depends on a key that nobody has used.
func (p *Provider) Find(ctx context.Context, marker string) (masterkey.Ref, error) {
	const op = "find the master key"
	found, err := p.find(ctx, marker)
	if err != nil {
		var absent *kmipclient.AbsentError
		if errors.As(err, &absent) && len(absent.Silent) > 0 {
			silent, _ := p.failures(absent.Silent)
			p.log.Warn("a key of this name may be on a key server that does not answer", "name", marker, "cause", silent)
			return masterkey.Ref{}, keyring.E(op, keyring.ID{}, keyring.ErrNotFound, &message{"no key server that answered has it", err})
		}
		return masterkey.Ref{}, p.fault(op, err)
	}
	return masterkey.Ref{Provider: masterkey.KMIP, ID: found.value, Server: found.server}, nil
}

func (p *Provider) find(ctx context.Context, marker string) (answer[string], error) {
	return everywhere(ctx, p, question[string]{ask: func(ctx context.Context, c *kmipclient.Client) (string, error) { return named(ctx, c, marker) }})
}

// lookAtOnce is of how many objects a server is asked at a time.
const lookAtOnce = 64

// named returns the object of a Name that has its content yet. Its Name is looked at:
// some servers pass over the Name in the question, and find everything.
func named(ctx context.Context, c *kmipclient.Client, marker string) (string, error) {
	res, err := c.Locate(ctx, &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute(marker)}})
	if err != nil {
		return "", err
	}
	ctx = c.Stay(ctx) // the identifiers are that server's
	var unreadable error
	for some := range slices.Chunk(res.UniqueIdentifiers, lookAtOnce) {
		var reqs []kmip.Payload
		for _, id := range some {
			reqs = append(reqs, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{kmip.AttrName, kmip.AttrState}})
		}
		results, err := c.Batch(ctx, reqs)
		if err != nil {
			return "", err
		}
		for i, r := range results {
			got, ok := r.Payload.(*kmip.GetAttributesResponse)
			switch {
			case kmip.ReasonOf(r.Err) == kmip.ReasonItemNotFound: // deleted since
			case r.Err != nil:
				unreadable = r.Err
			case ok && slices.Contains(got.Attributes.Names(), marker) && !ended(got.Attributes.State()):
				return some[i], nil
			}
		}
	}
	if unreadable != nil {
		return "", unreadable
	}
	return "", kmip.Errorf(kmip.ReasonItemNotFound, "there is no object of this name")
}

// ended says whether an object has lost its content.
func ended(s kmip.State) bool {
	return s == kmip.StateDestroyed || s == kmip.StateDestroyedCompromised
}
