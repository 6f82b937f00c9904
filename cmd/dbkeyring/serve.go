package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/metrics"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
)

// upkeepInterval is how often a running server looks at its certificates.
const upkeepInterval = 12 * time.Hour

type serveCmd struct {
	dataFlag       `embed:""`
	Listen         string `placeholder:"ADDR" default:"127.0.0.1:5696" help:"Address to listen on (default 127.0.0.1:5696)."`
	HTTPS          string `name:"https-listen" placeholder:"ADDR" help:"Address to listen on for KMIP over HTTPS, too: TTLV, XML or JSON, posted to /kmip (default none)."`
	Metrics        string `name:"metrics-listen" placeholder:"ADDR" help:"Address to listen on for plain HTTP: /metrics for Prometheus, and /healthz. For 127.0.0.1, or a network of your own (default none)."`
	certFlags      `embed:""`
	rootPhraseFlag `embed:""`
	San            []string `placeholder:"NAME" sep:"," help:"A name or IP address by which clients reach this server, besides localhost and the host's name. Repeat it, or separate by commas."`
	Versions       []string `name:"kmip-versions" placeholder:"VERSION" sep:"," help:"A version of KMIP to speak, such as 1.4; others are refused. Repeat it, or separate by commas (default all: 1.0 to 1.4, 2.0, 2.1)."`
}

// Help is the long help.
func (serveCmd) Help() string {
	return "On an empty or missing DIR it first makes a CA, a server certificate, a root key and an administrator's identity (DIR/admin). " +
		"SIGTERM and SIGINT end it after the requests in progress, a second one at once; SIGHUP opens the audit log anew after a rotation, and reads the files of --cert anew."
}

// Run serves until a signal comes.
func (c *serveCmd) Run(p *process) error {
	ctx, stop := signal.NotifyContext(p.ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // a reader of the log that goes away must not end the server
	context.AfterFunc(ctx, stop)   // from now on a second signal ends the process
	log := slog.New(slog.NewTextHandler(p.stderr, nil))
	loading()
	if err := noCoreDumps(); err != nil {
		log.Warn("a crash may leave keys in a core dump", "error", err)
	}

	names, err := c.names()
	if err != nil {
		return &failed{err: err, code: exitUsage}
	}
	versions, err := c.versions()
	if err != nil {
		return &failed{err: err, code: exitUsage}
	}
	dir, created, err := datadir.OpenOrCreate(ctx, c.Data, rootSources(p, c.RootPhraseFile), log)
	if err != nil {
		return explainJournal(explainRootKey(explainAccess(err, c.Data)))
	}
	defer dir.Close() // a second time, after a clean end
	dir.Program = versionText()
	if created {
		log.Info("made the data directory, with a CA, a root key and an administrator's identity. Back it up: without its root key no key can be read", "dir", dir.Path)
	}
	s := &server{dir: dir, names: names, versions: versions, log: log}
	if s.systemd, err = newSystemd(log); err != nil {
		return err
	}
	s.certificates.files = pki.ServerFiles{Cert: c.Cert, Key: c.Key, CA: c.CertCA}
	if err := s.startCertificates(ctx, time.Now()); err != nil {
		return err
	}
	return errors.Join(s.serve(ctx, p, c), dir.Close())
}

// noCoreDumps keeps what is derived from keys, and lies in Go's memory, from the disk.
func noCoreDumps() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		return err
	}
	limit.Cur = 0
	return unix.Setrlimit(unix.RLIMIT_CORE, &limit)
}

// names returns what the server's certificate shall name.
func (c *serveCmd) names() ([]string, error) {
	host, err := checkAddress("--listen", c.Listen)
	if err == nil && c.HTTPS != "" {
		_, err = checkAddress("--https-listen", c.HTTPS)
	}
	if err == nil && c.Metrics != "" {
		_, err = checkAddress("--metrics-listen", c.Metrics)
	}
	if err == nil {
		err = c.certFlags.check()
	}
	if err != nil {
		return nil, err
	}
	extra := c.San
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		extra = append([]string{host}, extra...)
	}
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "" // localhost is in any case
	}
	names, err := pki.ServerNames(hostname, extra)
	if err != nil {
		return nil, fmt.Errorf("--san %w", err)
	}
	return names, nil
}

// versions returns the versions of KMIP that are spoken, nil for all.
func (c *serveCmd) versions() (versions []kmip.Version, err error) {
	for _, text := range c.Versions {
		v, err := kmip.ParseVersion(text)
		if err != nil {
			return nil, fmt.Errorf("--kmip-versions: %w", err)
		}
		versions = append(versions, v)
	}
	return versions, nil
}

// server is a running key server.
type server struct {
	dir          *datadir.Dir
	names        []string       // for its own certificate
	versions     []kmip.Version // of KMIP; nil: all
	log          *slog.Logger
	certificates certificates
	systemd      *systemd
	metrics      *metrics.Metrics // nil: nobody asks for them
}

// upkeep renews what can be renewed and warns about what cannot.
func (s *server) upkeep(ctx context.Context, now time.Time) error {
	cert, err := s.dir.ServerCertificate(s.names, now)
	if err != nil {
		return fmt.Errorf("the server's certificate: %w", err)
	}
	s.certificates.own.Store(cert)
	s.givenEnds(now)
	if err := s.dir.RenewAdmin(ctx, now); err != nil {
		return fmt.Errorf("the administrator's certificate: %w", err)
	}
	for _, e := range s.dir.EndingSoon(now) {
		what := "a certificate ends soon. "
		if e.NotAfter.Before(now) {
			what = "a certificate has ended. "
		}
		s.log.Warn(what+e.Cure, "whose", e.What, "end", e.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// serve listens and serves until ctx ends, then drains.
func (s *server) serve(ctx context.Context, p *process, c *serveCmd) error {
	ports, err := c.listen(ctx)
	if err != nil {
		return err
	}
	defer ports.close()
	options := keyserver.Options{Store: s.dir.Store, Endpoints: s.dir.Endpoints, Audit: s.dir.Audit, Log: s.log, Version: versionText(), Versions: s.versions}
	if ports.metrics != nil {
		s.measure(&options)
	}
	keys, err := keyserver.New(options)
	if err != nil {
		return fmt.Errorf("start the key server: %w", err)
	}
	serving()

	hangup := make(chan os.Signal, 1) // before anybody can know that the server runs
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	address, started := ports.kmip.Addr().String(), time.Now()
	https, metrics := addressOf(ports.https), addressOf(ports.metrics)
	control, err := admin.Listen(s.dir.Path, &admin.Local{Dir: s.dir, Keys: keys, Running: func() admin.Status {
		return admin.Status{Running: true, Address: address, HTTPS: https, Metrics: metrics, Started: started, ServerNames: s.certificates.names(), ServerUntil: s.certificates.until()}
	}}, s.log)
	if err != nil {
		return explainAccess(err, s.dir.Path)
	}
	background := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(background)
		s.background(ctx, keys, hangup)
	}()

	fmt.Fprintf(p.stdout, "ready: KMIP on %s, data in %s, server certificate until %s, CA until %s\n", address, s.dir.Path,
		s.certificates.until().Format(time.DateOnly), s.dir.CA.Certificate.NotAfter.Format(time.DateOnly))
	if https != "" {
		s.log.Info("KMIP over HTTPS", "address", https, "path", kmipserver.HTTPSPath)
	}
	if metrics != "" {
		s.log.Info("metrics and health over HTTP", "address", metrics)
	}
	told := s.systemd.serving(ctx, s.storeAnswers)
	err = s.answer(ctx, keys, ports)
	cancel()
	<-background
	<-told
	s.keepUsage(context.WithoutCancel(ctx), keys)
	s.log.Info("stopped")
	return errors.Join(err, control.Close())
}

// keepUsage writes who used which key.
func (s *server) keepUsage(ctx context.Context, keys *keyserver.Server) {
	if err := keys.KeepUsage(ctx); err != nil && ctx.Err() == nil {
		s.log.Warn("who used which key is known until the server ends, and not after it", "error", err)
	}
}

// finishRotation goes on with a rotation of the root key that was cut off.
func (s *server) finishRotation(ctx context.Context) {
	switch n, err := s.dir.FinishRotation(ctx); {
	case err != nil && ctx.Err() == nil:
		s.log.Error("a rotation of the root key could not be brought to its end: the next start goes on", "error", err)
	case err == nil && n > 0:
		s.log.Info("brought a rotation of the root key to its end", "values", n)
	}
}

// upkeepSafely is upkeep whose panic does not end the server.
func (s *server) upkeepSafely(ctx context.Context, now time.Time) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %v\n%s", p, debug.Stack())
		}
	}()
	return s.upkeep(ctx, now)
}

// usageInterval is how often it is written who used which key.
const usageInterval = time.Minute

// auditHeadInterval is how often the end of the audit log is kept elsewhere.
const auditHeadInterval = 10 * time.Minute

func (s *server) keepAuditHead(ctx context.Context) {
	if err := s.dir.KeepAuditHead(ctx); err != nil {
		s.log.Error("the end of the audit log could not be kept in the store", "error", err)
	}
}

// background reopens the audit log and reads the certificate anew on SIGHUP, and looks after the certificates.
func (s *server) background(ctx context.Context, keys *keyserver.Server, hangup <-chan os.Signal) {
	tick := time.NewTicker(upkeepInterval)
	defer tick.Stop()
	heads := time.NewTicker(auditHeadInterval)
	defer heads.Stop()
	usage := time.NewTicker(usageInterval)
	defer usage.Stop()
	files := time.NewTicker(certificateInterval)
	defer files.Stop()
	var rotation sync.WaitGroup
	defer rotation.Wait()
	rotation.Go(func() { s.finishRotation(ctx) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-usage.C:
			s.keepUsage(ctx, keys)
		case <-heads.C:
			s.keepAuditHead(ctx)
		case <-hangup:
			s.systemd.reloading()
			s.keepAuditHead(ctx) // the end of a file that is rotated
			if err := s.dir.Audit.Reopen(); err == nil {
				s.log.Info("opened the audit log anew", "file", filepath.Join(s.dir.Path, "audit.log"))
			}
			s.rereadGiven(time.Now(), true)
			s.systemd.ready()
		case now := <-files.C:
			s.rereadGiven(now, false)
		case now := <-tick.C:
			if err := s.upkeepSafely(ctx, now); err != nil {
				s.log.Error("looking after the certificates failed", "error", err)
			}
		}
	}
}
