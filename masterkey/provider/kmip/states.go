package kmip

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/masterkey"
)

// errNoState is a server that keeps keys without states.
var errNoState = errors.New("the key server does not tell the state of its objects")

func stateOf(id string) func(context.Context, *kmipclient.Client) (kmip.State, error) {
	return func(ctx context.Context, c *kmipclient.Client) (kmip.State, error) {
		res, err := c.GetAttributes(ctx, id, kmip.AttrState)
		if err != nil {
			return 0, err
		}
		state := res.Attributes.State()
		if state == 0 {
			return 0, errNoState
		}
		return state, nil
	}
}

// State asks for the attribute of this name. A key that one server calls Active is: the
// others lag behind. Only if none does that answers is it in another state.
func (p *Provider) State(ctx context.Context, r masterkey.Ref) (masterkey.State, error) {
	got, err := everywhere(ctx, p, question[kmip.State]{ask: stateOf(r.ID), final: func(s kmip.State) bool { return s == kmip.StateActive }})
	if err != nil {
		return "", p.fault("ask for the state of the master key "+r.ID, err)
	}
	return masterkey.State(got.value.String()), nil
}

// Activate makes the key Active, unless it is, on the first server that has it. What
// counts is not the answer but the state: some servers activate at once and then refuse.
func (p *Provider) Activate(ctx context.Context, r masterkey.Ref) error {
	op := "activate the master key " + r.ID
	var last error
	for n := 0; ; n++ {
		got, err := everywhere(ctx, p, question[kmip.State]{ask: stateOf(r.ID)})
		switch {
		case err != nil && last != nil:
			return p.fault(op, last) // what went wrong first
		case err != nil:
			return p.fault(op, err)
		case got.value == kmip.StateActive:
			return nil
		case got.value != kmip.StatePreActive:
			return keyring.E(op, keyring.ID{}, keyring.ErrInactive, fmt.Errorf("it is %s (%s), and only a Pre-Active key can be activated", got.value, got.server))
		case n >= p.o.Attempts || n > 0 && !again(ctx, last):
			return p.fault(op, last)
		}
		if _, last = p.client.Activate(p.client.Stay(ctx), r.ID); last == nil {
			return nil
		}
	}
}

// again says, after a rest, whether an Activate may be sent once more: nobody has refused.
func again(ctx context.Context, last error) bool {
	var nobody *kmipclient.Error
	return errors.As(last, &nobody) && rest(ctx)
}
