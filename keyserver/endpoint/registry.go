package endpoint

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// Bucket is the register's table in the store: name → Endpoint as JSON.
const Bucket store.Bucket = "endpoint"

// Registry is the register of endpoints. It keeps a copy in memory, so that
// asking who a certificate is costs one hash. All methods may be called from many
// goroutines.
type Registry struct {
	store store.Store
	now   func() time.Time

	change sync.Mutex // one change at a time, memory and store together

	mu     sync.RWMutex
	byName map[string]Endpoint
	byCert map[Fingerprint]holder
	byCA   map[string]*authority

	caVersion uint64 // counts the changes of byCA
}

// holder is what Authenticate needs of a certificate.
type holder struct {
	identity            Identity
	notBefore, notAfter time.Time
	gone                error // ErrRemoved or pki.ErrRevoked: it does not count any more
}

// Options says how an endpoint is added.
type Options struct {
	// Role is a new name's; "" is Owner.
	Role Role
	// Admin is short for the role Administrator.
	Admin bool
	// Group is whose objects the endpoint shares: a name of its own, or that of an endpoint,
	// whose objects become the group's. "": it is a group of itself.
	Group string
	// Foreign: a CA that was imported has signed the certificate, not the server's own.
	Foreign bool
	// Reclaim takes up a name that was removed, with its keys and its rights.
	Reclaim bool
}

// Open reads the register out of the store.
func Open(s store.Store) (*Registry, error) {
	r := &Registry{store: s, now: time.Now}
	return r, r.load()
}

func (r *Registry) load() error {
	byName, byCA := make(map[string]Endpoint), make(map[string]*authority)
	err := r.store.View(func(tx store.Reader) error {
		if err := tx.Range(CABucket, "", func(name string, value []byte) error {
			var record caRecord
			if err := json.Unmarshal(value, &record); err != nil {
				return fmt.Errorf("CA %s: %w", name, err)
			}
			var err error
			byCA[name], err = parseAuthority(name, record)
			return err
		}); err != nil {
			return err
		}
		return tx.Range(Bucket, "", func(name string, value []byte) error {
			var e Endpoint
			if err := json.Unmarshal(value, &e); err != nil {
				return fmt.Errorf("endpoint %s: %w", name, err)
			}
			if e.Role == "" { // a record of before there were roles
				e.Role = Options{Admin: e.Admin}.role()
			}
			byName[name] = e
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read the register of endpoints: %w", err)
	}
	r.publish(byName, byCA)
	return nil
}

// publish takes the tables into use, which nobody changes from now on.
func (r *Registry) publish(byName map[string]Endpoint, byCA map[string]*authority) {
	byCert := make(map[Fingerprint]holder)
	for _, e := range byName {
		for _, c := range e.Certificates {
			byCert[c.Fingerprint] = holder{
				identity:  e.Identity(),
				notBefore: c.NotBefore, notAfter: c.NotAfter,
				gone: gone(e, c, byCA),
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byName, r.byCert, r.byCA = byName, byCert, byCA
	r.caVersion++
}

// gone says why a certificate does not count any more; nil if it does.
func gone(e Endpoint, c Certificate, byCA map[string]*authority) error {
	switch a := byCA[c.CA]; {
	case e.Removed != nil || c.Cut != nil:
		return ErrRemoved
	case c.CA == "":
		return nil
	case a == nil: // the CA was removed
		return ErrRemoved
	default:
		return a.refuses(c)
	}
}

// Authenticate says who holds a certificate: ErrUnknown, ErrRemoved,
// [pki.ErrRevoked] or ErrExpired when nobody does. TLS has proved the possession of the key; call
// this for each request, so that a removal works on open connections.
func (r *Registry) Authenticate(cert *x509.Certificate) (Identity, error) {
	if cert == nil {
		return Identity{}, ErrUnknown
	}
	fp := FingerprintOf(cert)
	r.mu.RLock()
	h, ok := r.byCert[fp]
	r.mu.RUnlock()
	switch now := r.now(); {
	case !ok:
		return Identity{}, ErrUnknown
	case h.gone != nil:
		return Identity{}, fmt.Errorf("%s: %w", h.identity.Name, h.gone)
	case now.After(h.notAfter) || now.Before(h.notBefore):
		return Identity{}, fmt.Errorf("%s: %w (it is valid from %s to %s)", h.identity.Name, ErrExpired,
			h.notBefore.Format(time.RFC3339), h.notAfter.Format(time.RFC3339))
	}
	return h.identity, nil
}

// Get returns the endpoint of a name, removed ones included.
func (r *Registry) Get(name string) (Endpoint, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.byName[name]
	return e.clone(), ok
}

// List returns all endpoints by name, removed ones included.
func (r *Registry) List() []Endpoint {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]Endpoint, 0, len(r.byName))
	for _, e := range r.byName {
		e = e.clone()
		for i, c := range e.Certificates {
			if gone := r.byCert[c.Fingerprint].gone; gone != nil && c.Cut == nil && e.Removed == nil {
				e.Certificates[i].Refused = gone.Error()
			}
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Endpoint) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// CheckAdd says whether Add would take the name: nil, ErrName, ErrExists,
// ErrReclaim, ErrRole or ErrGroup.
func (r *Registry) CheckAdd(name string, o Options) error {
	if err := CheckName(name); err != nil {
		return err
	}
	e, ok := r.Get(name)
	switch {
	case ok && e.Removed == nil:
		return fmt.Errorf("%s: %w", name, ErrExists)
	case ok && !o.Reclaim:
		return fmt.Errorf("%s: %w (removed %s)", name, ErrReclaim, e.Removed.Format(time.RFC3339))
	case ok && (o.Group != "" && o.Group != e.Group || o.Role != "" && o.Role != e.Role):
		return fmt.Errorf("%s: %w: it had the role %s and the group %q, and keeps them", name, ErrRole, e.Role, e.Group)
	case ok:
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return checkRole(name, o, r.byName)
}

// Add enters an endpoint with its first certificate. It is durable when Add
// returns nil, and can be used at once. ErrName, ErrExists, ErrReclaim: see there;
// ErrCA: o.Foreign, and no imported CA stands for the certificate.
func (r *Registry) Add(ctx context.Context, name string, cert *x509.Certificate, o Options) (Endpoint, error) {
	r.change.Lock()
	defer r.change.Unlock()
	if err := r.CheckAdd(name, o); err != nil {
		return Endpoint{}, err
	}
	entry, err := r.entryOf(cert, o.Foreign)
	if err != nil {
		return Endpoint{}, err
	}
	e, was := r.Get(name)
	now := r.now().UTC()
	if was { // what was taken away stays taken away
		for i := range e.Certificates {
			if e.Certificates[i].Cut == nil {
				e.Certificates[i].Cut = e.Removed
			}
		}
		e.Removed = nil
	} else {
		role := o.role()
		e = Endpoint{Name: name, Role: role, Group: o.Group, Admin: role == Administrator, Created: now}
	}
	e.Certificates = append(e.Certificates, entry)
	return e.clone(), r.save(ctx, e)
}

// Renew gives an endpoint another certificate. The old ones stay valid until
// their end, or are cut now. ErrNotFound: no such endpoint, or it was removed.
func (r *Registry) Renew(ctx context.Context, name string, cert *x509.Certificate, cutOld bool) (Endpoint, error) {
	return r.renew(ctx, name, cert, false, cutOld)
}

// RenewForeign is Renew with a certificate of a foreign CA. ErrCA: no imported one
// stands for it.
func (r *Registry) RenewForeign(ctx context.Context, name string, cert *x509.Certificate, cutOld bool) (Endpoint, error) {
	return r.renew(ctx, name, cert, true, cutOld)
}

func (r *Registry) renew(ctx context.Context, name string, cert *x509.Certificate, foreign, cutOld bool) (Endpoint, error) {
	r.change.Lock()
	defer r.change.Unlock()
	e, ok := r.Get(name)
	if !ok || e.Removed != nil {
		return Endpoint{}, fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	entry, err := r.entryOf(cert, foreign)
	if err != nil {
		return Endpoint{}, err
	}
	if cutOld {
		now := r.now().UTC()
		for i := range e.Certificates {
			if e.Certificates[i].Cut == nil {
				e.Certificates[i].Cut = &now
			}
		}
	}
	e.Certificates = append(e.Certificates, entry)
	return e.clone(), r.save(ctx, e)
}

// Remove takes an endpoint's access away, at once and for all its certificates.
// Its keys stay. ErrNotFound: no such endpoint, or it was removed before.
func (r *Registry) Remove(ctx context.Context, name string) (Endpoint, error) {
	r.change.Lock()
	defer r.change.Unlock()
	e, ok := r.Get(name)
	if !ok || e.Removed != nil {
		return Endpoint{}, fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	now := r.now().UTC()
	e.Removed = &now
	return e.clone(), r.save(ctx, e)
}

// save writes an endpoint and takes it into use. The caller holds change.
func (r *Registry) save(ctx context.Context, e Endpoint) error {
	value, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := r.write(ctx, func(tx store.Writer) error { return tx.Put(Bucket, e.Name, value) }); err != nil {
		return fmt.Errorf("write endpoint %s: %w", e.Name, err)
	}
	r.mu.RLock()
	byName := make(map[string]Endpoint, len(r.byName)+1)
	for name, old := range r.byName {
		byName[name] = old
	}
	byCA := r.byCA
	r.mu.RUnlock()
	byName[e.Name] = e
	r.publish(byName, byCA)
	return nil
}

// write makes a change durable. What the store says is what holds: after an error the
// register is read again.
func (r *Registry) write(ctx context.Context, change func(store.Writer) error) error {
	// A change of rights must not be left half known because its asker went away.
	err := r.store.Update(context.WithoutCancel(ctx), change)
	if err != nil {
		if again := r.load(); again != nil {
			return fmt.Errorf("%w (and %w)", err, again)
		}
	}
	return err
}

func (r *Registry) entryOf(cert *x509.Certificate, foreign bool) (Certificate, error) {
	if foreign {
		return r.foreign(cert)
	}
	return certificateOf(cert), nil
}

func certificateOf(cert *x509.Certificate) Certificate {
	return Certificate{Fingerprint: FingerprintOf(cert), NotBefore: cert.NotBefore.UTC(), NotAfter: cert.NotAfter.UTC()}
}
