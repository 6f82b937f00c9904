package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// newRequest returns an empty request payload for the operation, or nil when this
// package does not have the operation.
func newRequest(op Operation) Payload {
	switch op {
	case OpCreate:
		return &CreateRequest{}
	case OpRegister:
		return &RegisterRequest{}
	case OpLocate:
		return &LocateRequest{}
	case OpGet:
		return &GetRequest{}
	case OpGetAttributes:
		return &GetAttributesRequest{}
	case OpGetAttributeList:
		return &GetAttributeListRequest{}
	case OpCheck:
		return &CheckRequest{}
	case OpAddAttribute:
		return &AddAttributeRequest{}
	case OpModifyAttribute:
		return &ModifyAttributeRequest{}
	case OpDeleteAttribute:
		return &DeleteAttributeRequest{}
	case OpActivate:
		return &ActivateRequest{}
	case OpRevoke:
		return &RevokeRequest{}
	case OpObtainLease:
		return &ObtainLeaseRequest{}
	case OpGetUsageAllocation:
		return &GetUsageAllocationRequest{}
	case OpRecover:
		return &RecoverRequest{}
	case OpArchive:
		return &ArchiveRequest{}
	case OpDestroy:
		return &DestroyRequest{}
	case OpQuery:
		return &QueryRequest{}
	case OpDiscoverVersions:
		return &DiscoverVersionsRequest{}
	case OpRNGRetrieve:
		return &RNGRetrieveRequest{}
	case OpEncrypt:
		return &EncryptRequest{}
	case OpDecrypt:
		return &DecryptRequest{}
	case OpCreateKeyPair:
		return &CreateKeyPairRequest{}
	case OpReKey:
		return &ReKeyRequest{}
	case OpDeriveKey:
		return &DeriveKeyRequest{}
	case OpReKeyKeyPair:
		return &ReKeyKeyPairRequest{}
	case OpSign:
		return &SignRequest{}
	case OpSignatureVerify:
		return &SignatureVerifyRequest{}
	case OpMAC:
		return &MACRequest{}
	case OpMACVerify:
		return &MACVerifyRequest{}
	case OpRNGSeed:
		return &RNGSeedRequest{}
	case OpHash:
		return &HashRequest{}
	case OpSetAttribute:
		return &SetAttributeRequest{}
	case OpAdjustAttribute:
		return &AdjustAttributeRequest{}
	case OpLog:
		return &LogRequest{}
	case OpInterop:
		return &InteropRequest{}
	case OpPing:
		return &PingRequest{}
	}
	return nil
}

// newResponse is newRequest for responses.
func newResponse(op Operation) Payload {
	switch op {
	case OpCreate:
		return &CreateResponse{}
	case OpRegister:
		return &RegisterResponse{}
	case OpLocate:
		return &LocateResponse{}
	case OpGet:
		return &GetResponse{}
	case OpGetAttributes:
		return &GetAttributesResponse{}
	case OpGetAttributeList:
		return &GetAttributeListResponse{}
	case OpCheck:
		return &CheckResponse{}
	case OpAddAttribute:
		return &AddAttributeResponse{}
	case OpModifyAttribute:
		return &ModifyAttributeResponse{}
	case OpDeleteAttribute:
		return &DeleteAttributeResponse{}
	case OpActivate:
		return &ActivateResponse{}
	case OpRevoke:
		return &RevokeResponse{}
	case OpObtainLease:
		return &ObtainLeaseResponse{}
	case OpGetUsageAllocation:
		return &GetUsageAllocationResponse{}
	case OpRecover:
		return &RecoverResponse{}
	case OpArchive:
		return &ArchiveResponse{}
	case OpDestroy:
		return &DestroyResponse{}
	case OpQuery:
		return &QueryResponse{}
	case OpDiscoverVersions:
		return &DiscoverVersionsResponse{}
	case OpRNGRetrieve:
		return &RNGRetrieveResponse{}
	case OpEncrypt:
		return &EncryptResponse{}
	case OpDecrypt:
		return &DecryptResponse{}
	case OpCreateKeyPair:
		return &CreateKeyPairResponse{}
	case OpReKey:
		return &ReKeyResponse{}
	case OpDeriveKey:
		return &DeriveKeyResponse{}
	case OpReKeyKeyPair:
		return &ReKeyKeyPairResponse{}
	case OpSign:
		return &SignResponse{}
	case OpSignatureVerify:
		return &SignatureVerifyResponse{}
	case OpMAC:
		return &MACResponse{}
	case OpMACVerify:
		return &MACVerifyResponse{}
	case OpRNGSeed:
		return &RNGSeedResponse{}
	case OpHash:
		return &HashResponse{}
	case OpSetAttribute:
		return &SetAttributeResponse{}
	case OpAdjustAttribute:
		return &AdjustAttributeResponse{}
	case OpLog:
		return &LogResponse{}
	case OpInterop:
		return &InteropResponse{}
	case OpPing:
		return &PingResponse{}
	}
	return nil
}

// Operations returns the operations that this package has payloads for.
func Operations() []Operation {
	return []Operation{OpCreate, OpRegister, OpLocate, OpGet, OpGetAttributes, OpGetAttributeList, OpAddAttribute,
		OpModifyAttribute, OpDeleteAttribute, OpActivate, OpRevoke, OpDestroy, OpQuery, OpDiscoverVersions, OpRNGRetrieve, OpEncrypt, OpDecrypt,
		OpCreateKeyPair, OpReKey, OpReKeyKeyPair, OpDeriveKey, OpSign, OpSignatureVerify, OpMAC, OpMACVerify, OpRNGSeed, OpHash, OpCheck, OpGetUsageAllocation, OpObtainLease, OpArchive, OpRecover,
		OpSetAttribute, OpAdjustAttribute, OpLog, OpInterop, OpPing}
}

// Since returns the first version that has the operation.
func (e Operation) Since() Version {
	switch {
	case e >= OpSetDefaults:
		return V2_1
	case e >= OpLog:
		return V2_0
	case e >= OpImport:
		return V1_4
	case e >= OpEncrypt:
		return V1_2
	case e >= OpReKeyKeyPair:
		return V1_1
	}
	return V1_0
}

// in says whether a message of the major version can have the operation. Within 1.x and
// within 2.x servers have always taken what is newer.
func (e Operation) in(major int32) bool { return e.Since().Major <= max(major, 1) }

// writeID leaves out an empty Unique Identifier, which stands for the ID
// Placeholder: the object that the batch's last operation was about (KMIP 1.4, 4).
func writeID(w *ttlv.Writer, id string) {
	if id != "" {
		w.TextString(TagUniqueIdentifier, id)
	}
}

// readOnlyID reads the payload of a request that has a Unique Identifier at most.
func readOnlyID(r *ttlv.Reader) (id string) {
	for r.Next() {
		if r.Tag() != TagUniqueIdentifier {
			r.Unexpected()
			break
		}
		id = readUID(r)
	}
	return id
}

// readUID reads the current field, the Unique Identifier of a request. 2.x may send the ID
// Placeholder as a code; what it has codes for besides is refused.
func readUID(r *ttlv.Reader) (id string) {
	if r.Edition() < 2 || r.Type() != ttlv.Enumeration {
		return r.TextString()
	}
	if n := r.Enumeration(); n != uniqueIdentifierPlaceholder {
		r.Fail(Errorf(ReasonFeatureNotSupported, "of the codes for a Unique Identifier only ID Placeholder is supported, not %d", n))
	}
	return ""
}

// readID reads the payload of a response of which only the Unique Identifier counts.
func readID(r *ttlv.Reader) (id string) {
	for r.Next() {
		if r.Tag() == TagUniqueIdentifier {
			id = r.TextString()
		}
	}
	return id
}
