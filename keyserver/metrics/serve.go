package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// answerTimeout bounds an answer, and how long the store may take for a sign of life.
const answerTimeout = 5 * time.Second

// Check returns nil if a part of the server works, else why it does not.
type Check func() error

// Serve answers /metrics and /healthz with plain HTTP until ctx ends. The checks are
// what /healthz goes by.
func (m *Metrics) Serve(ctx context.Context, ln net.Listener, log *slog.Logger, checks ...Check) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.handler())
	mux.Handle("GET /healthz", health(checks))
	h := &http.Server{
		Handler: mux, ReadTimeout: answerTimeout, WriteTimeout: 3 * answerTimeout, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelInfo),
	}
	stop := context.AfterFunc(ctx, func() { h.Close() })
	defer stop()
	if err := h.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the metrics: %w", err)
	}
	return nil
}

// health answers 200 if no check has a complaint, else 503 with the complaints.
func health(checks []Check) http.Handler {
	running := make(chan struct{}, 1) // the checks are made by one at a time: if they hang, no more pile up
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
		defer cancel()
		w.Header().Set("Cache-Control", "no-store")
		done := make(chan error, 1)
		select {
		case running <- struct{}{}:
			go func() {
				defer func() { <-running }()
				var all []error
				for _, check := range checks {
					all = append(all, check())
				}
				done <- errors.Join(all...)
			}()
		case <-ctx.Done():
		}
		select {
		case err := <-done:
			if err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			fmt.Fprintln(w, "ok")
		case <-ctx.Done():
			http.Error(w, fmt.Sprintf("the key server's store or audit log has not answered within %s", answerTimeout), http.StatusServiceUnavailable)
		}
	})
}
