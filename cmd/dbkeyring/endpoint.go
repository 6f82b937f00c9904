package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
)

type endpointCmd struct {
	Add    endpointAddCmd    `cmd:"" help:"Enrol a client: make its certificate and write its files."`
	Accept endpointAcceptCmd `cmd:"" help:"Enrol a client with a certificate that an imported CA has signed."`
	List   endpointListCmd   `cmd:"" help:"List the clients and how long their certificates last."`
	Renew  endpointRenewCmd  `cmd:"" help:"Give a client a new certificate."`
	Limit  endpointLimitCmd  `cmd:"" help:"Bound a client's objects, connections and operations a second."`
	Remove endpointRemoveCmd `cmd:"" help:"Take a client's access away, at once. Its keys stay."`
}

// withService calls fn with the administration of a data directory: of the
// server that runs on it, else of the directory itself.
func withService(p *process, dir string, fn func(admin.Service) error) error {
	log := slog.New(slog.NewTextHandler(p.stderr, nil))
	service, done, err := admin.Connect(p.ctx, dir, func() (*datadir.Dir, error) {
		d, err := datadir.Open(p.ctx, dir, rootSources(p, ""), log)
		if err == nil {
			d.Program = versionText()
		}
		return d, err
	})
	switch {
	case errors.Is(err, datadir.ErrNone):
		return &failed{err: err, hint: "name the server's with --data, or make one with: dbkeyring serve --data " + dir, code: exitUnreachable}
	case errors.Is(err, datadir.ErrInUse):
		return &failed{err: err, hint: "the server starts or stops just now, or its " + datadir.SocketFile + " was removed: try again, else restart it", code: exitUnreachable}
	case err != nil:
		return explainJournal(explainRootKey(explainAccess(err, dir)))
	}
	return errors.Join(explain(fn(service)), done())
}

// explainAccess adds the cure to an error of a data directory that is another user's.
func explainAccess(err error, dir string) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return &failed{err: err, hint: "run dbkeyring as the user whose data directory " + dir + " is, and let that user read and write it"}
}

// explain adds the cure to an error of the register, or of an object that is not there.
func explain(err error) error {
	switch {
	case errors.Is(err, keyserver.ErrNoObject):
		return &failed{err: err, hint: "see: dbkeyring key list", code: exitNotFound}
	case errors.Is(err, endpoint.ErrNoCA):
		return &failed{err: err, hint: "see: dbkeyring ca list", code: exitNotFound}
	case errors.Is(err, endpoint.ErrCAInUse):
		return &failed{err: err, hint: "give them other certificates first (dbkeyring endpoint renew), or end their access with --force"}
	case errors.Is(err, endpoint.ErrNotFound):
		return &failed{err: err, hint: "see: dbkeyring endpoint list", code: exitNotFound}
	case errors.Is(err, endpoint.ErrExists):
		return &failed{err: err, hint: "give it another certificate with: dbkeyring endpoint renew"}
	case errors.Is(err, endpoint.ErrReclaim):
		return &failed{err: err, hint: "choose another name, or give the new client those keys with --reclaim"}
	case errors.Is(err, endpoint.ErrName), errors.Is(err, endpoint.ErrRole), errors.Is(err, endpoint.ErrGroup):
		return &failed{err: err, code: exitUsage}
	}
	return err
}

// life is a certificate's life time: 365d, 2y, or Go's units (12h).
type life time.Duration

const day = 24 * time.Hour

// UnmarshalText reads a life time.
func (l *life) UnmarshalText(text []byte) error {
	s := string(text)
	units := map[string]time.Duration{"d": day, "w": 7 * day, "y": 365 * day}
	for suffix, unit := range units {
		number, ok := strings.CutSuffix(s, suffix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil || n <= 0 || n > int(200*365*day/unit) {
			return errLife(s)
		}
		*l = life(time.Duration(n) * unit)
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return errLife(s)
	}
	*l = life(d)
	return nil
}

func errLife(s string) error { return fmt.Errorf("%q is no life time: give 90d, 2y or 12h", s) }
