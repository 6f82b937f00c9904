package kmip

import (
	"fmt"
	"slices"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// DecodeRequest reads a request out of one frame. An error means that the message
// cannot be answered item by item; what was read of the header is returned all
// the same, so that the answer can be of the request's version. A fault inside an
// item is that item's Err.
//
// Key bytes are copied into secrets; the caller may wipe the frame afterwards.
func DecodeRequest(frame []byte, l ttlv.Limits) (*RequestMessage, error) {
	m := &RequestMessage{}
	if err := ttlv.Check(frame, l); err != nil {
		return m, err
	}
	count := int32(-1)
	r := ttlv.NewReader(frame, TagRequestMessage)
	for r.Next() {
		switch r.Tag() {
		case TagRequestHeader:
			count = m.Header.decode(r)
			if v := m.Header.Version; r.Err() == nil && !v.Supported() {
				return m, Errorf(ReasonInvalidMessage, "protocol version %s is not supported; the versions are 1.0 to 1.4, 2.0 and 2.1", v).In2(ReasonUnsupportedProtocolVersion)
			}
			r.SetEdition(m.Header.Version.Major)
		case TagBatchItem:
			m.Items = append(m.Items, decodeRequestItem(r))
		default:
			r.Unexpected()
		}
	}
	if err := r.Err(); err != nil {
		return m, err
	}
	if count < 0 || int(count) != len(m.Items) || len(m.Items) == 0 {
		return m, Errorf(ReasonInvalidMessage, "the Batch Count is %d and there are %d items", count, len(m.Items))
	}
	return m, nil
}

func (h *RequestHeader) decode(r *ttlv.Reader) (batchCount int32) {
	batchCount = -1
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagProtocolVersion:
			h.Version = decodeVersion(s)
		case TagMaximumResponseSize:
			h.MaximumResponseSize = s.Integer()
		case TagClientCorrelationValue:
			h.ClientCorrelation = s.TextString()
		case TagAsynchronousIndicator:
			if h.Version.Major >= 2 {
				h.Asynchronous = AsynchronousIndicator(s.Enumeration()) == AsynchronousMandatory
			} else {
				h.Asynchronous = s.Boolean()
			}
		case TagAuthentication:
			h.Authentication = s.Value()
		case TagBatchErrorContinuationOption:
			h.Continuation = BatchErrorContinuation(s.Enumeration())
		case TagBatchOrderOption:
			h.Order = s.Boolean()
		case TagTimeStamp:
			h.TimeStamp = s.DateTime()
		case TagBatchCount:
			batchCount = s.Integer()
		case TagAttestationCapableIndicator, TagAttestationType, TagServerCorrelationValue:
			s.Skip() // offers that we need not take up
		default:
			s.Unexpected()
		}
	}
	return batchCount
}

func decodeRequestItem(r *ttlv.Reader) (it RequestItem) {
	s := r.Isolated()
	var havePayload bool
	for s.Next() {
		switch s.Tag() {
		case TagOperation:
			it.Operation = Operation(s.Enumeration())
		case TagUniqueBatchItemID:
			it.ID = append([]byte{}, s.ByteString()...)
		case TagRequestPayload:
			havePayload = true
			if it.Payload = newRequest(it.Operation); it.Payload == nil || !it.Operation.in(s.Edition()) {
				s.Fail(Errorf(ReasonOperationNotSupported, "operation %s is not supported", it.Operation))
				break
			}
			p := s.Isolated()
			it.Payload.Decode(p)
			s.Fail(p.Err())
		case TagEphemeral:
			if s.Edition() < 2 {
				s.Unexpected()
			} else if s.Boolean() { // the answer has to be kept back
				s.Fail(Errorf(ReasonFeatureNotSupported, "ephemeral operations are not supported"))
			}
		case TagMessageExtension:
			if e, ok := s.Value().Field(TagCriticalityIndicator); ok && e.Int != 0 {
				s.Fail(Errorf(ReasonFeatureNotSupported, "critical message extensions are not supported").In2(ReasonUnknownMessageExtension))
			}
		default:
			s.Unexpected()
		}
	}
	it.Err = s.Err()
	if it.Err == nil && !havePayload {
		it.Err = fmt.Errorf("%w: the batch item has no Request Payload", ttlv.ErrFrame)
	}
	if it.Err != nil {
		WipePayload(it.Payload)
		it.Payload = nil
	}
	return it
}

// DecodeResponse reads a response out of one frame. Fields that this package does
// not know are passed over: servers differ.
func DecodeResponse(frame []byte, l ttlv.Limits) (*ResponseMessage, error) {
	m := &ResponseMessage{}
	if err := ttlv.Check(frame, l); err != nil {
		return nil, err
	}
	r := ttlv.NewReader(frame, TagResponseMessage)
	for r.Next() {
		switch r.Tag() {
		case TagResponseHeader:
			count := m.Header.decode(r)
			r.SetEdition(m.Header.Version.Major)
			m.Items = slices.Grow(m.Items, min(max(int(count), 0), len(frame)/minItem))
		case TagBatchItem:
			m.Items = append(m.Items, decodeResponseItem(r))
		}
	}
	if err := r.Err(); err != nil {
		m.Wipe()
		return nil, err
	}
	return m, nil
}

// minItem is less than what an item takes in bytes, so that a Batch Count that lies
// costs nothing.
const minItem = 32

func (h *ResponseHeader) decode(r *ttlv.Reader) (batchCount int32) {
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagProtocolVersion:
			h.Version = decodeVersion(s)
		case TagTimeStamp:
			h.TimeStamp = s.DateTime()
		case TagClientCorrelationValue:
			h.ClientCorrelation = s.TextString()
		case TagServerCorrelationValue:
			h.ServerCorrelation = s.TextString()
		case TagBatchCount:
			batchCount = s.Integer()
		}
	}
	return batchCount
}

func decodeResponseItem(r *ttlv.Reader) (it ResponseItem) {
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagOperation:
			it.Operation = Operation(s.Enumeration())
		case TagUniqueBatchItemID:
			it.ID = append([]byte{}, s.ByteString()...)
		case TagResultStatus:
			it.Status = ResultStatus(s.Enumeration())
		case TagResultReason:
			it.Reason = ResultReason(s.Enumeration())
			if s.Edition() >= 2 {
				it.Reason2, it.Reason = it.Reason, reasonOf2(it.Operation, it.Reason)
			}
		case TagResultMessage:
			it.Message = s.TextString()
		case TagResponsePayload:
			if it.Payload = newResponse(it.Operation); it.Payload != nil {
				p := s.Isolated()
				it.Payload.Decode(p)
				it.Fault = p.Err()
			}
		}
	}
	if it.Fault != nil {
		WipePayload(it.Payload)
		it.Payload = nil
	}
	return it
}

// Wipe wipes the key bytes in the message.
func (m *ResponseMessage) Wipe() {
	for i := range m.Items {
		WipePayload(m.Items[i].Payload)
	}
}

// Wipe wipes the key bytes in the message.
func (m *RequestMessage) Wipe() {
	for i := range m.Items {
		WipePayload(m.Items[i].Payload)
	}
}

// WipePayload wipes the key bytes in a payload, which may be nil.
func WipePayload(p Payload) {
	switch p := p.(type) {
	case *RegisterRequest:
		p.Object.Wipe()
	case *GetResponse:
		p.Object.Wipe()
	case *DeriveKeyRequest:
		p.Parameters.Data.Wipe()
	case *RNGRetrieveResponse:
		p.Data.Wipe()
	case *EncryptRequest:
		p.Data.Wipe()
	case *EncryptResponse:
		p.Data.Wipe()
	case *DecryptRequest:
		p.Data.Wipe()
	case *DecryptResponse:
		p.Data.Wipe()
	case *SignRequest:
		p.Data.Wipe()
		p.DigestedData.Wipe()
	case *SignatureVerifyRequest:
		p.Data.Wipe()
		p.DigestedData.Wipe()
	case *MACRequest:
		p.Data.Wipe()
	case *MACVerifyRequest:
		p.Data.Wipe()
	case *HashRequest:
		p.Data.Wipe()
	case *RNGSeedRequest:
		p.Data.Wipe()
	}
}
