package kmip

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/secret"
)

// randomOfServer returns random bytes of the key server's making, never our own:
// by RNG Retrieve or, where there is none, out of AES keys that are made for it
// and destroyed again.
func (r *Keyring) randomOfServer(ctx context.Context, size int) (*secret.Bytes, error) {
	if r.can().rngRetrieve {
		random, err := r.retrieveRandom(ctx, size)
		if err == nil || kmip.ReasonOf(err) == 0 {
			return random, err
		}
		r.log.Info("the key server refuses RNG Retrieve; taking the bytes of keys that it makes", "cause", err)
	}
	random := secret.New(size)
	mark := newMark(true)
	for done := 0; done < size; {
		n, err := r.scratchKey(ctx, mark, random.Reveal()[done:])
		if err != nil {
			random.Wipe()
			return nil, err
		}
		done += n
	}
	return random, nil
}

// retrieveRandom asks until there are enough bytes: a server may give fewer.
func (r *Keyring) retrieveRandom(ctx context.Context, size int) (*secret.Bytes, error) {
	random := secret.New(size)
	for done := 0; done < size; {
		res, err := r.connection().RNGRetrieve(ctx, int32(size-done))
		if err == nil && res.Data.Len() == 0 {
			err = errors.New("the key server gave no random bytes")
		}
		if err != nil {
			random.Wipe()
			return nil, err
		}
		done += copy(random.Reveal()[done:], res.Data.Reveal())
		res.Data.Wipe()
	}
	return random, nil
}

// scratchSize is the length of the keys whose bytes are taken.
const scratchSize = 32

// scratchKey fills the beginning of out with the bytes of a key that the server
// makes and destroys again. It is never Active and has no Name. Where an answer is
// lost, what was made is found by its mark at the next load, and removed.
func (r *Keyring) scratchKey(ctx context.Context, mark string, out []byte) (n int, err error) {
	create := func() (*kmip.CreateResponse, error) {
		attrs := append(r.o.scope(algorithmAES(scratchSize)...), marking(mark, false, false)...)
		res, err := r.connection().Create(ctx, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: attrs}})
		if kmip.ReasonOf(err) == kmip.ReasonApplicationNamespaceNotSupported {
			attrs = append(r.o.scope(algorithmAES(scratchSize)...), marking(mark, true, false)...)
			res, err = r.connection().Create(ctx, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: attrs}})
		}
		return res, err
	}
	res, err := create()
	if errors.Is(err, kmipclient.ErrOutcomeUnknown) {
		res, err = create() // a further one does no harm
	}
	if err != nil {
		return 0, err
	}
	o := &object{uid: res.UniqueIdentifier, typ: symmetric.name}
	err = r.getContent(ctx, o)
	if err == nil && o.data.Len() != scratchSize {
		err = fmt.Errorf("could not fetch the generated key: the key server made %d bytes, not %d", o.data.Len(), scratchSize)
	}
	if err == nil {
		n = copy(out, o.data.Reveal())
	}
	o.data.Wipe()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.o.Timeout)
	defer cancel()
	if _, failed := r.connection().Destroy(ctx, o.uid); failed != nil && !isGone(failed) {
		r.log.Debug("a key of which only the bytes were needed is not destroyed yet", "object", o.uid, "cause", failed)
		r.addLeft(leftover{o.uid, r.serverClock()})
	}
	return n, err
}
