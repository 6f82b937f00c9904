package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// permission is the roles that may do something, as a set.
type permission uint8

const (
	owner permission = 1 << iota
	reader
	securityEngineer
	operator
	auditor
	administrator
)

// What the operations have in common.
const (
	everybody = owner | reader | securityEngineer | operator | auditor | administrator
	makes     = owner                                                       // new objects
	changes   = owner                                                       // attributes
	gets      = owner | reader                                              // key bytes
	protects  = owner                                                       // uses a key, which may use up its Usage Limits
	processes = owner | reader                                              // undoes what was protected
	sees      = owner | reader | securityEngineer | auditor | administrator // attributes
	controls  = owner | securityEngineer | administrator                    // states
)

// permissions says who may ask for an operation. Whose objects a role can do it with is
// another question, which find answers. An operation that is not here is refused.
var permissions = map[kmip.Operation]permission{
	kmip.OpQuery:            everybody,
	kmip.OpDiscoverVersions: everybody,
	kmip.OpPing:             everybody,
	kmip.OpInterop:          everybody,

	kmip.OpLocate:           sees,
	kmip.OpGetAttributes:    sees,
	kmip.OpGetAttributeList: sees,
	kmip.OpCheck:            sees,

	kmip.OpGet:    gets,
	kmip.OpExport: gets,

	kmip.OpCreate:        makes,
	kmip.OpCreateKeyPair: makes,
	kmip.OpRegister:      makes,
	kmip.OpImport:        makes,
	kmip.OpReKey:         makes,
	kmip.OpReKeyKeyPair:  makes,
	kmip.OpDeriveKey:     makes,

	kmip.OpAddAttribute:    changes,
	kmip.OpModifyAttribute: changes,
	kmip.OpDeleteAttribute: changes,
	kmip.OpSetAttribute:    changes,
	kmip.OpAdjustAttribute: changes,

	kmip.OpActivate: controls,
	kmip.OpRevoke:   controls,
	kmip.OpDestroy:  controls,
	kmip.OpArchive:  controls,
	kmip.OpRecover:  controls,

	kmip.OpEncrypt:            protects,
	kmip.OpSign:               protects,
	kmip.OpMAC:                protects,
	kmip.OpGetUsageAllocation: protects,
	kmip.OpObtainLease:        processes,
	kmip.OpDecrypt:            processes,
	kmip.OpSignatureVerify:    processes,
	kmip.OpMACVerify:          processes,
	kmip.OpHash:               processes,
	kmip.OpRNGRetrieve:        processes,
	kmip.OpRNGSeed:            protects,

	kmip.OpLog: owner | securityEngineer | administrator,
}

// permissionOf is a role as a set of one.
func permissionOf(r endpoint.Role) permission {
	switch r {
	case endpoint.Owner:
		return owner
	case endpoint.Reader:
		return reader
	case endpoint.SecurityEngineer:
		return securityEngineer
	case endpoint.Operator:
		return operator
	case endpoint.Auditor:
		return auditor
	case endpoint.Administrator:
		return administrator
	}
	return 0
}

// permitted returns nil if the client's role may ask for the operation.
func permitted(who endpoint.Identity, op kmip.Operation) error {
	if permissions[op]&permissionOf(who.Role) != 0 {
		return nil
	}
	return kmip.Errorf(kmip.ReasonPermissionDenied, "the role of this client, %s, does not include the operation %s", who.Role, op)
}
