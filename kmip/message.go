package kmip

import (
	"time"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Payload is an operation's request or response payload.
type Payload interface {
	// Operation says which operation it belongs to.
	Operation() Operation
	// Encode appends the payload's fields for the version.
	Encode(w *ttlv.Writer, v Version)
	// Decode reads the fields; faults stick in the Reader.
	Decode(r *ttlv.Reader)
}

// RequestHeader is the head of a request (KMIP 1.4, 6 and 7.1).
type RequestHeader struct {
	Version             Version
	MaximumResponseSize int32  // in bytes; 0 for no limit
	ClientCorrelation   string // since 1.4
	Asynchronous        bool
	Authentication      ttlv.Value // the Credential structures; Type 0 for none
	Continuation        BatchErrorContinuation
	Order               bool
	TimeStamp           time.Time // zero for none
}

// RequestItem is one operation of a request.
type RequestItem struct {
	Operation Operation
	ID        []byte  // Unique Batch Item ID; needed when there are several items
	Payload   Payload // nil when Err is set
	// Err says why a received item cannot be carried out, while the message as a
	// whole can: an unknown operation, a payload that makes no sense.
	Err error
}

// RequestMessage is what a client sends.
type RequestMessage struct {
	Header RequestHeader
	Items  []RequestItem
}

// ResponseHeader is the head of a response (KMIP 1.4, 7.2).
type ResponseHeader struct {
	Version           Version
	TimeStamp         time.Time
	ClientCorrelation string // since 1.4: the request's
	ServerCorrelation string // since 1.4
}

// ResponseItem is the result of one operation.
type ResponseItem struct {
	Operation Operation // 0 when the request could not be read
	ID        []byte
	Status    ResultStatus
	Reason    ResultReason // 0 on success
	Reason2   ResultReason // what 2.x calls it, as in Error
	Message   string
	Payload   Payload // nil on failure
	// Fault says why the payload of a received item cannot be read, while the
	// message as a whole can: an object of a kind that this package lacks.
	Fault error
}

// Err returns the item's failure, or nil.
func (i *ResponseItem) Err() error {
	if i.Fault != nil {
		return i.Fault
	}
	if i.Status == StatusSuccess {
		return nil
	}
	return &Error{Operation: i.Operation, Status: i.Status, Reason: i.Reason, Reason2: i.Reason2, Message: i.Message}
}

// ResponseMessage is what a server answers.
type ResponseMessage struct {
	Header ResponseHeader
	Items  []ResponseItem
}

func (v Version) encode(w *ttlv.Writer) {
	m := w.Begin(TagProtocolVersion)
	w.Integer(TagProtocolVersionMajor, v.Major)
	w.Integer(TagProtocolVersionMinor, v.Minor)
	w.End(m)
}

func decodeVersion(r *ttlv.Reader) (v Version) {
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagProtocolVersionMajor:
			v.Major = s.Integer()
		case TagProtocolVersionMinor:
			v.Minor = s.Integer()
		default:
			s.Unexpected()
		}
	}
	return v
}

// Encode appends the message.
func (m *RequestMessage) Encode(w *ttlv.Writer) {
	v := m.Header.Version
	msg := w.Begin(TagRequestMessage)
	h := w.Begin(TagRequestHeader)
	v.encode(w)
	if m.Header.MaximumResponseSize != 0 {
		w.Integer(TagMaximumResponseSize, m.Header.MaximumResponseSize)
	}
	if m.Header.ClientCorrelation != "" && v.AtLeast(V1_4) {
		w.TextString(TagClientCorrelationValue, m.Header.ClientCorrelation)
	}
	switch {
	case !m.Header.Asynchronous:
	case v.Major >= 2:
		w.Enumeration(TagAsynchronousIndicator, uint32(AsynchronousMandatory))
	default:
		w.Boolean(TagAsynchronousIndicator, true)
	}
	if m.Header.Authentication.Type != 0 {
		w.Value(TagAuthentication, m.Header.Authentication)
	}
	if m.Header.Continuation != 0 {
		w.Enumeration(TagBatchErrorContinuationOption, uint32(m.Header.Continuation))
	}
	if m.Header.Order {
		w.Boolean(TagBatchOrderOption, true)
	}
	if !m.Header.TimeStamp.IsZero() {
		w.DateTime(TagTimeStamp, m.Header.TimeStamp)
	}
	w.Integer(TagBatchCount, int32(len(m.Items)))
	w.End(h)
	for _, it := range m.Items {
		b := w.Begin(TagBatchItem)
		w.Enumeration(TagOperation, uint32(it.Operation))
		if len(it.ID) > 0 {
			w.ByteString(TagUniqueBatchItemID, it.ID)
		}
		p := w.Begin(TagRequestPayload)
		it.Payload.Encode(w, v)
		w.End(p)
		w.End(b)
	}
	w.End(msg)
}

// Encode appends the message.
func (m *ResponseMessage) Encode(w *ttlv.Writer) {
	v := m.Header.Version
	msg := w.Begin(TagResponseMessage)
	m.Header.Encode(w, len(m.Items))
	for i := range m.Items {
		m.Items[i].Encode(w, v)
	}
	w.End(msg)
}

// Encode appends the head of a message of so many items. Their number does not
// change its size.
func (h *ResponseHeader) Encode(w *ttlv.Writer, items int) {
	mark := w.Begin(TagResponseHeader)
	h.Version.encode(w)
	w.DateTime(TagTimeStamp, h.TimeStamp)
	if h.Version.AtLeast(V1_4) {
		if h.ClientCorrelation != "" {
			w.TextString(TagClientCorrelationValue, h.ClientCorrelation)
		}
		if h.ServerCorrelation != "" {
			w.TextString(TagServerCorrelationValue, h.ServerCorrelation)
		}
	}
	w.Integer(TagBatchCount, int32(items))
	w.End(mark)
}

// Encode appends the item, for the version.
func (i *ResponseItem) Encode(w *ttlv.Writer, v Version) {
	b := w.Begin(TagBatchItem)
	if i.Operation != 0 {
		w.Enumeration(TagOperation, uint32(i.Operation))
	}
	if len(i.ID) > 0 {
		w.ByteString(TagUniqueBatchItemID, i.ID)
	}
	w.Enumeration(TagResultStatus, uint32(i.Status))
	if i.Reason != 0 {
		w.Enumeration(TagResultReason, uint32(reasonIn(v, i.Reason, i.Reason2)))
	}
	if i.Message != "" {
		w.TextString(TagResultMessage, i.Message)
	}
	if i.Payload != nil {
		p := w.Begin(TagResponsePayload)
		i.Payload.Encode(w, v)
		w.End(p)
	}
	w.End(b)
}
