package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
)

// kinds names the errors that pass through the socket as themselves.
var kinds = map[string]error{
	"not_found": endpoint.ErrNotFound,
	"exists":    endpoint.ErrExists,
	"reclaim":   endpoint.ErrReclaim,
	"name":      endpoint.ErrName,
	"role":      endpoint.ErrRole,
	"group":     endpoint.ErrGroup,
	"limits":    endpoint.ErrLimits,
	"no_ca":     endpoint.ErrNoCA,
	"ca":        endpoint.ErrCA,
	"ca_in_use": endpoint.ErrCAInUse,
	"no_object": keyserver.ErrNoObject,
}

// failure is the body of an answer that is an error.
type failure struct {
	Error string `json:"error"`
	Kind  string `json:"kind,omitempty"`
}

type removeRequest struct {
	Name string `json:"name"`
}

const maxBody = 64 << 10

// Server serves a Service on the admin socket.
type Server struct {
	http     *http.Server
	listener net.Listener
	path     string
	done     chan struct{}
}

// Listen makes the admin socket of the data directory dir and serves on it. The
// caller has the directory open, so a socket that is there is a dead server's.
func Listen(dir string, s *Local, log *slog.Logger) (*Server, error) {
	addr, release, err := socketAddress(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := os.Remove(addr); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the old admin socket: %w", err)
	}
	l, err := net.Listen("unix", addr)
	if err != nil {
		return nil, fmt.Errorf("make the admin socket: %w", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // the address may be a passing one
	if err := os.Chmod(addr, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect the admin socket: %w", err), l.Close())
	}
	srv := &Server{
		http: &http.Server{
			Handler: Handler(s), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
			ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: maxBody,
		},
		listener: l, path: socketPath(dir), done: make(chan struct{}),
	}
	go func() {
		defer close(srv.done)
		if err := srv.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the admin socket is out of order", "error", err)
		}
	}()
	return srv, nil
}

// Close finishes the requests in progress and removes the socket.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	if rm := os.Remove(s.path); !errors.Is(rm, os.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}

// Handler serves a Service over HTTP.
func Handler(s *Local) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) { answer(w)(s.Status(r.Context())) })
	mux.HandleFunc("GET /endpoints", func(w http.ResponseWriter, r *http.Request) { answer(w)(s.List(r.Context())) })
	mux.HandleFunc("POST /endpoints", func(w http.ResponseWriter, r *http.Request) {
		var a AddRequest
		if read(w, r, &a) {
			answer(w)(s.Add(r.Context(), a))
		}
	})
	mux.HandleFunc("GET /audit/heads", func(w http.ResponseWriter, r *http.Request) { answer(w)(s.AuditHeads(r.Context())) })
	// The names are in the bodies: a path would be cleaned, and ".." is a name.
	mux.HandleFunc("POST /endpoints/renew", func(w http.ResponseWriter, r *http.Request) {
		var a RenewRequest
		if read(w, r, &a) {
			answer(w)(s.Renew(r.Context(), a))
		}
	})
	mux.HandleFunc("POST /endpoints/remove", func(w http.ResponseWriter, r *http.Request) {
		var a removeRequest
		if read(w, r, &a) {
			answer(w)(s.Remove(r.Context(), a.Name))
		}
	})
	mux.HandleFunc("POST /endpoints/limit", func(w http.ResponseWriter, r *http.Request) {
		var a LimitRequest
		if read(w, r, &a) {
			answer(w)(s.Limit(r.Context(), a))
		}
	})
	mux.HandleFunc("POST "+backupPath, s.serveBackup)
	mux.HandleFunc("POST "+usedByPath, func(w http.ResponseWriter, r *http.Request) {
		var a usedByRequest
		if read(w, r, &a) {
			answer(w)(s.UsedBy(r.Context(), a.ID))
		}
	})
	mux.HandleFunc("GET "+rootKeyPath, func(w http.ResponseWriter, r *http.Request) { answer(w)(s.RootKey(r.Context())) })
	mux.HandleFunc("POST "+rootKeyPath, s.serveRotate)
	s.serveCAs(mux)
	return mux
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	return readUpTo(w, r, maxBody, into)
}

func readUpTo(w http.ResponseWriter, r *http.Request, limit int64, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		reply(w, http.StatusBadRequest, failure{Error: "the request: " + err.Error()})
		return false
	}
	return true
}

// answer returns a function that takes what a Service's method returns.
func answer(w http.ResponseWriter) func(any, error) {
	return func(value any, err error) {
		if err == nil {
			reply(w, http.StatusOK, value)
			return
		}
		f := failure{Error: err.Error()}
		for kind, is := range kinds {
			if errors.Is(err, is) {
				f.Kind = kind
			}
		}
		reply(w, http.StatusUnprocessableEntity, f)
	}
}

func reply(w http.ResponseWriter, code int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		code, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(text) // who asked may have gone away
}
