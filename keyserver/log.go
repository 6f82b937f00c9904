package keyserver

import "github.com/dbkeyring/dbkeyring/kmip"

// maxLogMessage is the longest message that a client can have logged, in bytes.
const maxLogMessage = 1024

// logMessage puts a client's message into the audit log, which escapes it.
func (s *Server) logMessage(r *request, p *kmip.LogRequest) (*kmip.LogResponse, error) {
	switch {
	case s.o.Audit == nil:
		return nil, kmip.Errorf(kmip.ReasonFeatureNotSupported, "this server keeps no log that a message could go into")
	case p.Message == "":
		return nil, kmip.Errorf(kmip.ReasonMissingData, "there is no Log Message")
	case len(p.Message) > maxLogMessage:
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "the Log Message has %d bytes, and %d are taken", len(p.Message), maxLogMessage).In2(kmip.ReasonServerLimitExceeded)
	}
	r.message, r.changed = p.Message, true
	return &kmip.LogResponse{}, nil
}
