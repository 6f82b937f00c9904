package keyserver

import (
	"context"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
)

// request is one operation with what surrounds it.
type request struct {
	*kmipserver.Call
	ctx context.Context
	who endpoint.Identity
	now time.Time
	tx  *transaction // whose changes this operation sees before others do, or nil

	// For the audit line:
	uid     string
	names   []string
	from    []string // what the object was made from
	message string   // that the client had logged
	changed bool
}

// Handle implements kmipserver.Handler: it finds out who asks, carries out the
// operation and records it.
func (s *Server) Handle(ctx context.Context, c *kmipserver.Call, payload kmip.Payload) (kmip.Payload, error) {
	r := &request{Call: c, ctx: ctx, now: s.now(), tx: messageOf(c).tx}
	var response kmip.Payload
	var err error
	// Asked for each operation: a removed endpoint is out at once.
	if r.who, err = s.o.Endpoints.Authenticate(c.Peer.Certificate); err != nil {
		s.log.Warn("a client was refused", "from", c.Peer.Address, "error", err)
		err = kmip.Errorf(kmip.ReasonAuthenticationNotSuccessful, "the client certificate is not, or no longer, that of an endpoint of this key server")
	} else if err = permitted(r.who, payload.Operation()); err == nil {
		err = s.pace(r)
	}
	if err == nil {
		response, err = s.carryOut(r, payload)
	}
	s.record(r, payload.Operation(), err)
	return response, err
}

func (s *Server) carryOut(r *request, payload kmip.Payload) (kmip.Payload, error) {
	switch p := payload.(type) {
	case *kmip.GetRequest:
		return reply(s.get(r, p))
	case *kmip.GetAttributesRequest:
		return reply(s.getAttributes(r, p))
	case *kmip.GetAttributeListRequest:
		return reply(s.getAttributeList(r, p))
	case *kmip.CheckRequest:
		return reply(s.check(r, p))
	case *kmip.ObtainLeaseRequest:
		return reply(s.obtainLease(r, p))
	case *kmip.LocateRequest:
		return reply(s.locate(r, p))
	case *kmip.QueryRequest:
		return reply(s.query(r, p))
	case *kmip.DiscoverVersionsRequest:
		return reply(s.discoverVersions(p))
	case *kmip.InteropRequest:
		return reply(s.interop(p))
	case *kmip.PingRequest:
		return &kmip.PingResponse{}, nil
	case *kmip.RNGRetrieveRequest:
		return reply(s.rngRetrieve(r, p))
	case *kmip.EncryptRequest:
		return reply(s.encrypt(r, p))
	case *kmip.DecryptRequest:
		return reply(s.decrypt(r, p))
	case *kmip.SignRequest:
		return reply(s.sign(r, p))
	case *kmip.SignatureVerifyRequest:
		return reply(s.signatureVerify(r, p))
	case *kmip.MACRequest:
		return reply(s.mac(r, p))
	case *kmip.MACVerifyRequest:
		return reply(s.macVerify(r, p))
	case *kmip.HashRequest:
		return reply(s.hash(r, p))
	case *kmip.RNGSeedRequest:
		return reply(s.rngSeed(r, p))
	}
	if err := s.ready(); err != nil {
		return nil, err
	}
	switch p := payload.(type) {
	case *kmip.CreateRequest:
		return reply(s.create(r, p))
	case *kmip.CreateKeyPairRequest:
		return reply(s.createKeyPair(r, p))
	case *kmip.RegisterRequest:
		return reply(s.register(r, p))
	case *kmip.ReKeyRequest:
		return reply(s.reKey(r, p))
	case *kmip.DeriveKeyRequest:
		return reply(s.deriveKey(r, p))
	case *kmip.ReKeyKeyPairRequest:
		return reply(s.reKeyKeyPair(r, p))
	case *kmip.ActivateRequest:
		return reply(s.activate(r, p))
	case *kmip.RevokeRequest:
		return reply(s.revoke(r, p))
	case *kmip.DestroyRequest:
		return reply(s.destroy(r, p))
	case *kmip.ArchiveRequest:
		return reply(s.archive(r, p))
	case *kmip.RecoverRequest:
		return reply(s.recover(r, p))
	case *kmip.GetUsageAllocationRequest:
		return reply(s.getUsageAllocation(r, p))
	case *kmip.AddAttributeRequest:
		return reply(s.addAttribute(r, p))
	case *kmip.ModifyAttributeRequest:
		return reply(s.modifyAttribute(r, p))
	case *kmip.DeleteAttributeRequest:
		return reply(s.deleteAttribute(r, p))
	case *kmip.SetAttributeRequest:
		return reply(s.setAttribute(r, p))
	case *kmip.AdjustAttributeRequest:
		return reply(s.adjustAttribute(r, p))
	case *kmip.LogRequest:
		return reply(s.logMessage(r, p))
	}
	return nil, kmip.Errorf(kmip.ReasonOperationNotSupported, "the operation %s is not supported", payload.Operation())
}

// reply keeps a nil response from becoming a Payload that is not nil.
func reply[P kmip.Payload](p P, err error) (kmip.Payload, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

// ready refuses changes as long as they cannot be recorded.
func (s *Server) ready() error {
	if s.o.Audit == nil {
		return nil
	}
	if err := s.o.Audit.Ready(); err != nil {
		s.log.Debug("a change was refused, because the audit log cannot be written", "error", err) // which has said so once
		return kmip.Errorf(kmip.ReasonGeneralFailure, "the key server's audit log cannot be written; changes are refused until it can")
	}
	return nil
}

// Refused implements kmipserver.Handler: what was asked for in vain is recorded,
// too, even where it could not be understood.
func (s *Server) Refused(c *kmipserver.Call, op kmip.Operation, err error) {
	r := &request{Call: c, now: s.now()}
	r.who, _ = s.o.Endpoints.Authenticate(c.Peer.Certificate) // nobody: the line has the address
	s.record(r, op, err)
}

// wholeMessage stands for the operation where a message could not be taken apart.
const wholeMessage = "message"

// record keeps the operation for the audit log.
func (s *Server) record(r *request, op kmip.Operation, err error) {
	if s.o.Audit == nil && s.o.Observe == nil {
		return
	}
	name := wholeMessage
	if op != 0 {
		name = op.String()
	}
	e := audit.Entry{
		Time: r.now, Endpoint: r.who.Name, Group: r.who.Group, Remote: r.Peer.Address, Op: name, UID: r.uid, Names: r.names, From: r.from, Message: r.message,
		Result: audit.Success, Latency: s.now().Sub(r.now), Change: r.changed,
	}
	if err != nil {
		e.Result, e.Reason = audit.Failure, err.Error()
		switch kmip.ReasonOf(err) {
		case kmip.ReasonPermissionDenied, kmip.ReasonAuthenticationNotSuccessful:
			e.Result = audit.Denied
		}
	}
	m := messageOf(r.Call)
	m.entries = append(m.entries, e)
}
