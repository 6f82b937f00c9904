package kmiptest

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Keeper answers as a lenient key server does: objects in memory, names that are
// not unique, numbers as Unique Identifiers. Its fields are the habits that
// servers differ in; set them before the first request.
type Keeper struct {
	Versions      []kmip.Version // those it speaks; nil for all
	NoDiscover    bool           // Discover Versions is not supported, as in 1.0
	HangsUp       bool           // on Discover Versions, and on a version that it does not speak
	AnswersIn     kmip.Version   // the version of all answers; zero for the request's
	NoBatches     bool           // a request of several operations is refused
	IgnoresOffset bool           // Offset Items is passed over
	PageLimit     int            // never more identifiers than this; 0 for no limit
	HidesCount    bool           // no Located Items
	DropsNames    bool           // Locate passes over a Name and finds what the rest of the question finds
	UniqueNames   bool           // a second object of a name is refused
	MaxBatch      int            // a longer batch gets Response Too Large; 0 for no limit
	NoAdd         bool           // no Add Attribute
	NoCustom      bool           // no attributes of a client's own
	NoInformation bool           // no Application Specific Information
	NoRNG         bool           // no RNG Retrieve
	NoQuery       bool           // no Query
	Ahead         time.Duration  // how far its clock is ahead of ours

	// Before may answer in the keeper's place: an error refuses the operation, and
	// ErrHangUp closes the connection, before the operation is carried out. After
	// does so when it has been carried out.
	Before, After func(kmip.Payload) error

	mu       sync.Mutex
	objects  []*object
	next     int
	requests []*kmip.RequestMessage
	given    [][]byte
}

// Hook sets Before and After while the keeper is in use.
func (k *Keeper) Hook(before, after func(kmip.Payload) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Before, k.After = before, after
}

// Shift moves the keeper's clock on.
func (k *Keeper) Shift(by time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Ahead += by
}

// Given are the random bytes that it has given out or made keys of, in that order.
func (k *Keeper) Given() [][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.given)
}

// ErrHangUp closes the connection in place of an answer.
var ErrHangUp = errors.New("hang up")

type object struct {
	id    string
	obj   kmip.Object
	attrs kmip.Attributes
}

// Requests are the messages received so far. Key bytes are in them.
func (k *Keeper) Requests() []*kmip.RequestMessage {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.requests)
}

// Operations counts the operations received so far.
func (k *Keeper) Operations(op kmip.Operation) (n int) {
	for _, m := range k.Requests() {
		for _, it := range m.Items {
			if it.Operation == op {
				n++
			}
		}
	}
	return n
}

// Add puts an object there, as another client would, and returns its identifier.
// Initial Date is now unless the attributes have one.
func (k *Keeper) Add(obj kmip.Object, state kmip.State, attrs ...kmip.Attribute) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.add(obj, state, attrs)
}

func (k *Keeper) add(obj kmip.Object, state kmip.State, attrs kmip.Attributes) string {
	k.next++
	o := &object{id: strconv.Itoa(k.next), obj: obj, attrs: slices.Clone(attrs)}
	o.obj.KeyBlock.Material = obj.KeyBlock.Material.Clone()
	if _, ok := o.attrs.Get(kmip.AttrInitialDate); !ok {
		o.attrs.Add(kmip.AttrInitialDate, ttlv.DateTimeValue(time.Now().Add(k.Ahead)))
	}
	o.attrs.Add(kmip.AttrObjectType, ttlv.EnumerationValue(uint32(obj.Type)))
	o.attrs.Add(kmip.AttrState, ttlv.EnumerationValue(uint32(state)))
	k.objects = append(k.objects, o)
	return o.id
}

// SetState changes an object's state, as an administrator would.
func (k *Keeper) SetState(id string, s kmip.State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if o := k.find(id); o != nil {
		o.setState(s)
	}
}

// Delete takes an object away without a trace.
func (k *Keeper) Delete(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.objects = slices.DeleteFunc(k.objects, func(o *object) bool { return o.id == id })
}

// Object returns an object's state and attributes.
func (k *Keeper) Object(id string) (kmip.Attributes, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if o := k.find(id); o != nil {
		return slices.Clone(o.attrs), true
	}
	return nil, false
}

// IDs are the identifiers of all objects, the oldest first.
func (k *Keeper) IDs() (ids []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, o := range k.objects {
		ids = append(ids, o.id)
	}
	return ids
}

func (o *object) setState(s kmip.State) {
	for i := range o.attrs {
		if o.attrs[i].Name == kmip.AttrState {
			o.attrs[i].Value = ttlv.EnumerationValue(uint32(s))
		}
	}
}

func (k *Keeper) find(id string) *object {
	for _, o := range k.objects {
		if o.id == id {
			return o
		}
	}
	return nil
}

// Handle is the Handler.
func (k *Keeper) Handle(m *kmip.RequestMessage) *kmip.ResponseMessage {
	k.mu.Lock()
	k.requests = append(k.requests, m)
	before, after, ahead := k.Before, k.After, k.Ahead
	k.mu.Unlock()
	switch {
	case k.HangsUp && (k.Versions != nil && !slices.Contains(k.Versions, m.Header.Version) || m.Items[0].Operation == kmip.OpDiscoverVersions):
		return nil
	case k.Versions != nil && !slices.Contains(k.Versions, m.Header.Version):
		return Refuse(m, kmip.ReasonInvalidMessage, "unknown version")
	case k.NoBatches && len(m.Items) > 1:
		return Refuse(m, kmip.ReasonInvalidMessage, "no batches")
	case k.MaxBatch > 0 && len(m.Items) > k.MaxBatch:
		return Refuse(m, kmip.ReasonResponseTooLarge, "too much")
	}
	res := Answer(m)
	res.Header.TimeStamp = res.Header.TimeStamp.Add(ahead)
	if k.AnswersIn != (kmip.Version{}) {
		res.Header.Version = k.AnswersIn
	}
	for _, it := range m.Items {
		out := kmip.ResponseItem{Operation: it.Operation, ID: it.ID}
		err := it.Err
		if err == nil && before != nil {
			err = before(it.Payload)
		}
		if err == nil {
			k.mu.Lock()
			out.Payload, err = k.operate(it.Payload)
			k.mu.Unlock()
			if err == nil && after != nil {
				err = after(it.Payload)
			}
		}
		if errors.Is(err, ErrHangUp) {
			return nil
		}
		if err != nil {
			out.Payload, out.Status, out.Reason, out.Message = nil, kmip.StatusOperationFailed, kmip.ReasonGeneralFailure, err.Error()
			if r := kmip.ReasonOf(err); r != 0 {
				out.Reason = r
			}
		}
		res.Items = append(res.Items, out)
		if err != nil && m.Header.Continuation != kmip.BatchContinue {
			break
		}
	}
	return res
}

func (k *Keeper) operate(p kmip.Payload) (kmip.Payload, error) {
	get := func(id string) (*object, error) {
		if o := k.find(id); o != nil {
			return o, nil
		}
		return nil, kmip.Errorf(kmip.ReasonItemNotFound, "no object %s", id)
	}
	switch p := p.(type) {
	case *kmip.DiscoverVersionsRequest:
		if k.NoDiscover {
			return nil, kmip.Errorf(kmip.ReasonOperationNotSupported, "unknown operation")
		}
		versions := k.Versions
		if versions == nil {
			versions = kmip.Versions()
		}
		return &kmip.DiscoverVersionsResponse{Versions: versions}, nil
	case *kmip.QueryRequest:
		if k.NoQuery {
			return nil, kmip.Errorf(kmip.ReasonOperationNotSupported, "unknown operation")
		}
		return &kmip.QueryResponse{Operations: slices.DeleteFunc(kmip.Operations(), func(op kmip.Operation) bool {
			return k.NoAdd && op == kmip.OpAddAttribute || k.NoRNG && op == kmip.OpRNGRetrieve
		})}, nil
	case *kmip.LocateRequest:
		return k.locate(p), nil
	case *kmip.CreateRequest:
		if err := k.checkNew(p.Template.Attributes); err != nil {
			return nil, err
		}
		length, _ := p.Template.Attributes.Get(kmip.AttrCryptographicLength)
		key := secret.Random(int(length.Int) / 8)
		defer key.Wipe()
		k.given = append(k.given, slices.Clone(key.Reveal()))
		return &kmip.CreateResponse{ObjectType: p.ObjectType,
			UniqueIdentifier: k.add(kmip.SymmetricKey(kmip.AlgorithmAES, key), kmip.StatePreActive, p.Template.Attributes)}, nil
	case *kmip.AddAttributeRequest:
		if k.NoAdd {
			break
		}
		o, err := get(p.UniqueIdentifier)
		if err == nil {
			err = k.checkNew(kmip.Attributes{p.Attribute})
		}
		if err == nil && slices.ContainsFunc(o.attrs, func(a kmip.Attribute) bool {
			return a.Name == p.Attribute.Name && a.Value.Equal(p.Attribute.Value)
		}) {
			err = kmip.Errorf(kmip.ReasonIllegalOperation, "the object has the attribute already")
		}
		if err != nil {
			return nil, err
		}
		o.attrs.Add(p.Attribute.Name, p.Attribute.Value)
		return &kmip.AddAttributeResponse{UniqueIdentifier: o.id, Attribute: o.attrs[len(o.attrs)-1]}, nil
	case *kmip.RNGRetrieveRequest:
		if k.NoRNG {
			break
		}
		data := secret.Random(min(int(p.Length), 100))
		k.given = append(k.given, slices.Clone(data.Reveal()))
		return &kmip.RNGRetrieveResponse{Data: data}, nil
	case *kmip.RegisterRequest:
		if err := k.checkNew(p.Template.Attributes); err != nil {
			return nil, err
		}
		return &kmip.RegisterResponse{UniqueIdentifier: k.add(p.Object, kmip.StatePreActive, p.Template.Attributes)}, nil
	case *kmip.GetRequest:
		o, err := get(p.UniqueIdentifier)
		if err != nil {
			return nil, err
		}
		return &kmip.GetResponse{ObjectType: o.obj.Type, UniqueIdentifier: o.id, Object: o.obj}, nil
	case *kmip.GetAttributesRequest:
		o, err := get(p.UniqueIdentifier)
		if err != nil {
			return nil, err
		}
		res := &kmip.GetAttributesResponse{UniqueIdentifier: o.id}
		for _, a := range o.attrs {
			if len(p.Names) == 0 || slices.Contains(p.Names, a.Name) {
				res.Attributes = append(res.Attributes, a)
			}
		}
		return res, nil
	case *kmip.ActivateRequest:
		o, err := get(p.UniqueIdentifier)
		if err == nil && o.attrs.State() != kmip.StatePreActive {
			err = kmip.Errorf(kmip.ReasonPermissionDenied, "the object is not Pre-Active")
		}
		if err != nil {
			return nil, err
		}
		o.setState(kmip.StateActive)
		return &kmip.ActivateResponse{UniqueIdentifier: o.id}, nil
	case *kmip.RevokeRequest:
		o, err := get(p.UniqueIdentifier)
		if err == nil && o.attrs.State() != kmip.StateActive {
			err = kmip.Errorf(kmip.ReasonIllegalOperation, "the object is not Active")
		}
		if err != nil {
			return nil, err
		}
		o.setState(kmip.StateDeactivated)
		return &kmip.RevokeResponse{UniqueIdentifier: o.id}, nil
	case *kmip.DestroyRequest:
		o, err := get(p.UniqueIdentifier)
		if err == nil && o.attrs.State() == kmip.StateActive {
			err = kmip.Errorf(kmip.ReasonPermissionDenied, "the object is Active")
		}
		if err != nil {
			return nil, err
		}
		k.objects = slices.DeleteFunc(k.objects, func(e *object) bool { return e == o })
		return &kmip.DestroyResponse{UniqueIdentifier: o.id}, nil
	}
	return nil, kmip.Errorf(kmip.ReasonOperationNotSupported, "unknown operation")
}

// checkNew refuses attributes that an object cannot have.
func (k *Keeper) checkNew(attrs kmip.Attributes) error {
	for _, a := range attrs {
		switch {
		case k.NoCustom && kmip.IsCustom(a.Name):
			return kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s is unknown", a.Name)
		case k.NoInformation && a.Name == kmip.AttrAppSpecificInformation:
			return kmip.Errorf(kmip.ReasonApplicationNamespaceNotSupported, "unknown namespace")
		}
	}
	for _, n := range attrs.Names() {
		for _, o := range k.objects {
			if k.UniqueNames && slices.Contains(o.attrs.Names(), n) {
				return kmip.Errorf(kmip.ReasonInvalidField, "the name is taken")
			}
		}
	}
	return nil
}

// locate gives the newest first, as PyKMIP does.
func (k *Keeper) locate(p *kmip.LocateRequest) *kmip.LocateResponse {
	var found []string
	for _, o := range slices.Backward(k.objects) {
		matches := true
		for _, want := range p.Attributes {
			matches = matches && (k.DropsNames && want.Name == kmip.AttrName || slices.ContainsFunc(o.attrs, func(a kmip.Attribute) bool { return a.Name == want.Name && a.Value.Equal(want.Value) }))
		}
		if matches {
			found = append(found, o.id)
		}
	}
	n := int32(len(found))
	if p.OffsetItems != nil && !k.IgnoresOffset {
		found = found[min(int(*p.OffsetItems), len(found)):]
	}
	if p.MaximumItems > 0 {
		found = found[:min(int(p.MaximumItems), len(found))]
	}
	if k.PageLimit > 0 {
		found = found[:min(k.PageLimit, len(found))]
	}
	res := &kmip.LocateResponse{UniqueIdentifiers: found}
	if !k.HidesCount {
		res.LocatedItems = &n
	}
	return res
}
