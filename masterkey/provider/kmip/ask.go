package kmip

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

// pause is the time between two rounds through the servers, at most.
const pause = time.Second

// attempt asks until a server answers, Options.Attempts times. What may have been carried
// out is not asked for again.
func attempt[T any](ctx context.Context, p *Provider, ask func() (T, error)) (answer T, err error) {
	for n := 1; ; n++ {
		answer, err = ask()
		var nobody *kmipclient.Error
		if n >= p.o.Attempts || !errors.As(err, &nobody) || errors.Is(err, kmipclient.ErrOutcomeUnknown) {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, err
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
	}
}

// everywhere asks the server in use, and all others if that one does not have it: only
// then a thing is nowhere.
func everywhere[T any](ctx context.Context, p *Provider, ask func(context.Context, *kmipclient.Client) (T, error), drop func(T)) (T, error) {
	answer, err := attempt(ctx, p, func() (T, error) { return ask(ctx, p.client) })
	if kmip.ReasonOf(err) != kmip.ReasonItemNotFound || len(p.o.Servers) < 2 {
		return answer, err
	}
	return kmipclient.Elsewhere(ctx, p.client, p.client.Status().Server, func(ctx context.Context, c *kmipclient.Client) (T, error) {
		answer, err := ask(ctx, c)
		if kmip.ReasonOf(err) == kmip.ReasonItemNotFound {
			err = kmipclient.ErrAbsent
		}
		return answer, err
	}, drop)
}

// kindOf is what a server's refusal means; what is not here is ErrUnreachable.
var kindOf = map[kmip.ResultReason]error{
	kmip.ReasonItemNotFound:                keyring.ErrNotFound,
	kmip.ReasonAuthenticationNotSuccessful: keyring.ErrDenied,
	kmip.ReasonPermissionDenied:            keyring.ErrDenied,
	kmip.ReasonSensitive:                   keyring.ErrDenied,
	kmip.ReasonNotExtractable:              keyring.ErrDenied,
	kmip.ReasonIllegalOperation:            keyring.ErrInactive,
	kmip.ReasonObjectArchived:              keyring.ErrInactive,
	kmip.ReasonInvalidField:                keyring.ErrInvalid,
	kmip.ReasonMissingData:                 keyring.ErrInvalid,
	kmip.ReasonOperationNotSupported:       keyring.ErrInvalid,
}

// fault makes the error of an operation, with each server's cause.
func (p *Provider) fault(op string, err error) error {
	var refused *kmip.Error
	var nobody *kmipclient.Error
	var absent *kmipclient.AbsentError
	var other *kmipclient.AnswerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*keyring.Error)):
		return err
	case errors.As(err, &absent):
		return keyring.E(op, keyring.ID{}, keyring.ErrNotFound, err)
	case errors.As(err, &other):
		return p.fault(op, fmt.Errorf("the key server %s: %w", other.Server, other.Err))
	case errors.As(err, &nobody):
		return keyring.E(op, keyring.ID{}, keyring.ErrUnreachable, errors.New(p.failures(nobody)))
	case errors.As(err, &refused):
		kind := kindOf[refused.Reason]
		if kind == nil {
			kind = keyring.ErrUnreachable
		}
		return keyring.E(op, keyring.ID{}, kind, fmt.Errorf("the key server refused (%s): %w", p.client.Status().Server, err))
	}
	return keyring.E(op, keyring.ID{}, keyring.ErrUnreachable, err)
}

// failures words what went wrong with each server, and what to do.
func (p *Provider) failures(e *kmipclient.Error) string {
	var cures []string
	text := kmipclient.Summary(e.Servers, func(s *kmipclient.ServerError) string {
		host := s.Server[:strings.LastIndexByte(s.Server, ':')]
		if p.o.Cure != nil {
			if cure := p.o.Cure(s); cure != "" && !strings.Contains(strings.Join(cures, " "), cure) {
				cures = append(cures, cure)
			}
		}
		return fmt.Sprintf("%s %s: %s", s.Phase, s.Server, plain(tlsconf.Explain(s.Err, host)))
	}, func(s *kmipclient.ServerError) string { return s.Phase.String() })
	if len(cures) > 0 {
		text = strings.TrimSuffix(text, ".") + ". " + strings.Join(cures, " ")
	}
	return text
}

// plain is an error of a connection without what the text around it says already.
func plain(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &op):
		return strings.TrimPrefix(op.Err.Error(), "connect: ")
	}
	return err.Error()
}

// keyOf takes the key out of an object: 32 bytes, or, as older releases of Percona
// Server for MongoDB have registered it, their base64 text.
func keyOf(g *kmip.GetResponse) (*secret.Bytes, error) {
	content := g.Object.Content()
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
	return nil, fmt.Errorf("it is not a key of %d bytes, nor the base64 text of one: it has %d bytes", masterkey.Size, content.Len())
}
