package awskms

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// attempts is how often a call is sent at most.
const attempts = 3

// Pauses before a call is sent again; each is jittered, and twice as long the second time.
const (
	pause          = 50 * time.Millisecond
	pauseThrottled = 400 * time.Millisecond
)

// send is one request of the SDK.
type send func(context.Context, *kms.Client) error

// call sends a request, and sends it again where that may help, within the client's timeout.
func (c *Client) call(ctx context.Context, op, keyID string, x func() *exchange, do send) error {
	whole, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var last *Error
	skewed, refreshed := false, false
	first := time.Now()
	for n := 0; ; n++ {
		began := time.Now()
		e := c.once(ctx, whole, first, op, keyID, x(), do)
		if e == nil {
			return nil
		}
		if last == nil || e.Code != "" || last.Code == "" {
			last = e // what AWS has said counts more than silence
		}
		wait := time.Duration(0)
		switch {
		case ctx.Err() != nil || whole.Err() != nil:
			return last
		case isSkew(e) && !skewed:
			skewed = true // the SDK has learnt the time from the answer
		case staleCredentials[e.Code] && c.chain != nil && !refreshed:
			refreshed = true
			c.chain.refresh()
		case n+1 >= attempts || e.Class != Transient || isCertificate(e.Err):
			return last
		case throttling[e.Code]:
			wait = jitter(pauseThrottled << n)
		default:
			wait = max(0, jitter(pause<<n)-time.Since(began))
		}
		if !sleep(whole, wait) {
			if ctx.Err() != nil {
				return c.gaveUp(ctx, op, keyID, "", false, 0, last.Err)
			}
			return last
		}
	}
}

// once sends one request. It gets half the time that a call has, so that a packet that is lost
// costs an attempt and not the call; the last has what is left. The call began at first.
func (c *Client) once(caller, whole context.Context, first time.Time, op, keyID string, x *exchange, do send) *Error {
	api, err := c.of(keyID)
	if err != nil {
		e := err.(*Error)
		e.Op, e.KeyID = op, keyID
		return cured(c.o, e)
	}
	ctx, cancel := whole, context.CancelFunc(func() {})
	if end, ok := whole.Deadline(); ok && time.Until(end) > c.timeout*6/10 {
		ctx, cancel = context.WithTimeout(whole, min(c.timeout, time.Until(end))/2)
	}
	defer cancel()
	err = do(with(ctx, x), api)
	x.body.wipe()
	if err == nil {
		return nil
	}
	host, connected := x.where()
	if ctx.Err() != nil || c.life.Err() != nil || isLate(err) {
		if e := describe(err); e.Code == "" { // it may have come with the last tick
			return c.gaveUp(caller, op, keyID, host, connected, time.Since(first), err)
		}
	}
	e := describe(err)
	e.Op, e.KeyID = op, keyID
	if e.Code == "" && host != "" {
		e.Message = host + ": " + e.Message
	}
	if errors.As(err, new(*credentialsError)) && c.hint != "" {
		e.Message += " (" + c.hint + ")"
	}
	return cured(c.o, e)
}

// gaveUp is the error of a request that was ended: by the caller, by Close, or by time.
func (c *Client) gaveUp(caller context.Context, op, keyID, host string, connected bool, after time.Duration, err error) *Error {
	e := &Error{Op: op, KeyID: keyID, Class: Transient, Err: err}
	switch {
	case errors.Is(caller.Err(), context.Canceled):
		e.Message = "the call was cancelled"
		e.Err = fmt.Errorf("%w: %w", context.Canceled, err)
	case c.life.Err() != nil:
		e.Message = "the client was closed"
	default:
		within := " within " + seconds(after)
		switch {
		case host == "": // credentials are asked for first
			e.Message = "no credentials" + within
			if c.chain != nil {
				e.Message += ": whoever gives them (metadata service, STS, SSO, credential_process) did not answer"
			}
			if c.hint != "" {
				e.Message += " (" + c.hint + ")"
			}
		case !connected:
			e.Message = host + ": no connection" + within
		default:
			e.Message = host + ": no answer" + within
		}
		e.Err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return cured(c.o, e)
}

// isLate says whether who gives credentials ran out of time. What asks them has a clock of its own.
func isLate(err error) bool {
	var network net.Error
	return errors.As(err, new(*credentialsError)) && (errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout())
}

// cured adds the advice.
func cured(o Options, e *Error) *Error {
	if o.Cure != nil {
		if advice := o.Cure(e); advice != "" {
			e.Cure = advice
		}
	}
	return e
}

// staleCredentials are codes that other credentials may help against.
var staleCredentials = map[string]bool{
	"ExpiredToken": true, "ExpiredTokenException": true, "UnrecognizedClientException": true, "InvalidClientTokenId": true,
	"InvalidSignatureException": true, "SignatureDoesNotMatch": true,
}

// signatureTime is how AWS says that a signature is of another time than its own.
var signatureTime = regexp.MustCompile(`^Signature (expired|not yet current)`)

func isSkew(e *Error) bool {
	switch e.Code {
	case "RequestExpired", "RequestTimeTooSkewed":
		return true
	case "InvalidSignatureException", "SignatureDoesNotMatch":
		return signatureTime.MatchString(e.Message)
	}
	return false
}

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2) }

// sleep returns false if there was no time for it.
func sleep(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
