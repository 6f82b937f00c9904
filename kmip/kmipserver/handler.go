package kmipserver

import (
	"context"
	"crypto/x509"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Handler carries out operations. It is called from many goroutines at once.
type Handler interface {
	// Handle carries out one operation and returns its response payload, which
	// the server wipes once it is encoded. The request payload is wiped afterwards,
	// too: a handler that keeps a secret keeps a clone.
	//
	// The message of a *kmip.Error goes to the client as it is. Of any other
	// error the client learns nothing but General Failure; the log has the rest.
	Handle(ctx context.Context, c *Call, request kmip.Payload) (kmip.Payload, error)

	// Refused tells of a request that never comes to Handle, because it cannot be
	// read, or asks for what this server does not do. op is 0 where that is the
	// message as a whole.
	Refused(c *Call, op kmip.Operation, err error)

	// Finish is called after the last operation of a message, before the answer
	// is sent, for what costs as much for a whole message as for one operation.
	Finish(c *Call)
}

// Undoer is a Handler that can do the operations of a message all or none, as the
// Batch Error Continuation Option Undo asks (KMIP 1.4, 6.13). Such a message is
// refused where the Handler is none.
//
// Begin is followed by calls of Handle and Refused, then by one of Commit or Undo,
// whatever happens, then by Finish.
type Undoer interface {
	Handler

	// Begin is called before the first operation of the message.
	Begin(c *Call)
	// Commit makes what the operations have changed durable and visible, all of
	// it. After an error the client is told that each of them failed.
	Commit(ctx context.Context, c *Call) error
	// Undo takes back what the operations have changed, which nobody else has seen.
	Undo(c *Call)
}

// Peer is the client at the other end of a connection.
type Peer struct {
	// Certificate is the one that it proved to own the key of.
	Certificate *x509.Certificate
	// Address is its network address.
	Address string
}

// Call is what surrounds the operations of one message.
type Call struct {
	Peer    Peer
	Version kmip.Version
	// Placeholder is the ID Placeholder: the object that the batch's last Create,
	// Register or Locate was about (KMIP 1.4, 4). Handlers read and set it.
	Placeholder string
	// State is the handler's own.
	State any
}

// changes says whether an operation changes something. Its answer must reach the
// client, however long the answers before it are.
func changes(op kmip.Operation) bool {
	switch op {
	case kmip.OpLocate, kmip.OpGet, kmip.OpGetAttributes, kmip.OpGetAttributeList, kmip.OpCheck, kmip.OpObtainLease, kmip.OpQuery, kmip.OpDiscoverVersions, kmip.OpInterop, kmip.OpPing,
		kmip.OpRNGRetrieve, kmip.OpRNGSeed, kmip.OpEncrypt, kmip.OpDecrypt, kmip.OpSign, kmip.OpSignatureVerify, kmip.OpMAC, kmip.OpMACVerify, kmip.OpHash:
		return false
	}
	return true
}
