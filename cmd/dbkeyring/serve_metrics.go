package main

import (
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/metrics"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// measure has the key server of these options count what it does.
func (s *server) measure(o *keyserver.Options) {
	s.metrics = metrics.New(versionText())
	o.Store = s.metrics.Store(o.Store)
	o.Observe = s.metrics.Observe
	o.Network.Stats = &s.metrics.Connections
}

// watch adds what is asked for at the time.
func (s *server) watch(keys *keyserver.Server) {
	s.metrics.Watch(metrics.Sources{
		Objects: keys.Count, Endpoints: s.countEndpoints, Certificates: s.certificateEnds,
		Audit: s.dir.Audit.State, StoreSize: s.dir.StoreSize, JournalErr: s.dir.JournalErr,
	})
}

func (s *server) countEndpoints() (n int) {
	for _, e := range s.dir.Endpoints.List() {
		if e.Removed == nil {
			n++
		}
	}
	return n
}

func (s *server) certificateEnds() map[string]time.Time {
	ends := map[string]time.Time{"ca": s.dir.CA.Certificate.NotAfter, "server": s.certificates.until()}
	for _, e := range s.dir.Endpoints.List() {
		end := e.NotAfter()
		if first, ok := ends["endpoints"]; e.Removed == nil && !end.IsZero() && (!ok || end.Before(first)) {
			ends["endpoints"] = end
		}
	}
	return ends
}

// storeAnswers says why the store cannot be read, or nil.
func (s *server) storeAnswers() error {
	err := s.dir.Store.View(func(r store.Reader) error {
		_, err := r.Buckets()
		return err
	})
	if err != nil {
		return fmt.Errorf("the key store cannot be read: %w", err)
	}
	return nil
}
