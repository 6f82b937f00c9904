package kmstest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// failure is an answer of AWS KMS that refuses.
type failure struct{ code, message string }

// statuses are those that the real one sends, where it is not 400.
var statuses = map[string]int{
	"KMSInternalException":       500,
	"InternalFailure":            500,
	"KeyUnavailableException":    500,
	"DependencyTimeoutException": 503,
	"ServiceUnavailable":         503,
}

// ServeHTTP answers a request; a test may put its own TLS server before it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	op := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	s.mu.Lock()
	n, before := s.requests[op], s.Before
	s.requests[op]++
	s.mu.Unlock()

	var f Fault
	if before != nil {
		if wanted := before(op, n); wanted != nil {
			f = *wanted
		}
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case f.Hang:
		<-r.Context().Done()
	case f.Cut:
		s.answer(op, r, body)
		panic(http.ErrAbortHandler)
	case f.Body != "" || f.Code == "" && f.Status != 0:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(max(f.Status, 200))
		io.WriteString(w, f.Body)
	case f.Code != "":
		refuse(w, &failure{f.Code, f.Message}, f.Status)
	default:
		out, failed := s.answer(op, r, body)
		if failed != nil {
			refuse(w, failed, 0)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		json.NewEncoder(w).Encode(out)
	}
}

func refuse(w http.ResponseWriter, f *failure, status int) {
	if status == 0 {
		status = statuses[f.code]
	}
	if status == 0 {
		status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	out := map[string]string{"__type": f.code}
	if f.message != "" {
		out["message"] = f.message
	}
	json.NewEncoder(w).Encode(out)
}

// answer carries a request out.
func (s *Server) answer(op string, r *http.Request, body []byte) (map[string]any, *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	region, failed := s.authenticate(r, body)
	if failed != nil {
		return nil, failed
	}
	in := input{s: s, region: region}
	if json.Unmarshal(body, &in) != nil {
		return nil, &failure{"SerializationException", ""}
	}
	switch op {
	case "DescribeKey":
		return in.describe()
	case "Encrypt":
		return in.encrypt()
	case "Decrypt":
		return in.decrypt()
	case "GenerateDataKey":
		return in.generate()
	case "ReEncrypt":
		return in.reencrypt()
	case "RotateKeyOnDemand":
		return in.rotate()
	case "GetKeyRotationStatus":
		return in.rotationStatus()
	case "ListKeyRotations":
		return in.rotations()
	}
	return nil, &failure{"UnknownOperationException", ""}
}
