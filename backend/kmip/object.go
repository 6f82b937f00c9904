package kmip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/secret"
)

// object is a key as the server keeps it.
type object struct {
	uid     string
	ids     []keyring.ID // by its Names; one, as a rule
	typ     string
	data    *secret.Bytes // nil where only the attributes were read
	state   kmip.State    // 0 where the server does not say
	initial time.Time
	marks   // those of ProfileOKV

	// doubtful: it is in memory, and the server of the last load did not have it.
	doubtful bool
}

// alive says whether the object still has its content.
func (o *object) alive() bool {
	return o.state != kmip.StateDestroyed && o.state != kmip.StateDestroyedCompromised
}

// inactive says whether an administrator took the key out of use. Pre-Active is
// not that: Percona's component left its keys so until 2024.
func inactive(s kmip.State) bool { return s == kmip.StateDeactivated || s == kmip.StateCompromised }

// before orders the objects of one ID: the first made is the key, on every client
// alike, whatever became of its state. Where the server has no Initial Date or
// gave two the same, the identifier decides.
func before(a, b *object) int {
	if c := a.initial.Compare(b.initial); c != 0 {
		return c
	}
	if c := len(a.uid) - len(b.uid); c != 0 { // some count: 9 comes before 10
		return c
	}
	return strings.Compare(a.uid, b.uid)
}

// The key types, and the KMIP objects that Percona's component makes of them.
var (
	symmetric  = objectType{keyring.TypeAES, kmip.ObjectTypeSymmetricKey}
	secretData = objectType{keyring.TypeSecret, kmip.ObjectTypeSecretData}
)

type objectType struct {
	name string
	kmip kmip.ObjectType
}

func typeByName(name string) (objectType, bool) {
	for _, t := range []objectType{symmetric, secretData} {
		if keyring.SameType(t.name, name) {
			return t, true
		}
	}
	return objectType{}, false
}

// Usage masks (KMIP 1.4, 9.1.3.3.1), as Percona's component sets them.
const (
	usageAES    = 0x0004 | 0x0008 // Encrypt, Decrypt
	usageSecret = 0x0040 | 0x0200 // Export, Derive Key
)

// registration returns the request that keeps a key: exactly the attributes of
// Percona's component, in its order, and Application Specific Information
// where it is needed. data stays the caller's.
func registration(id keyring.ID, typ string, data *secret.Bytes, group string, withData bool, secretFormat kmip.KeyFormatType) *kmip.RegisterRequest {
	t, _ := typeByName(typ)
	req := &kmip.RegisterRequest{ObjectType: t.kmip}
	if t == symmetric {
		req.Object = kmip.SymmetricKey(kmip.AlgorithmAES, data)
	} else {
		req.Object = kmip.SecretData(kmip.SecretDataPassword, secretFormat, data)
	}
	req.Template.Attributes = attributesOf(id, typ, data.Len(), group, withData)
	return req
}

// attributesOf returns the attributes of an object that keeps a key of size bytes.
func attributesOf(id keyring.ID, typ string, size int, group string, withData bool) kmip.Attributes {
	t, _ := typeByName(typ)
	attrs := kmip.Attributes{kmip.NameAttribute(nameOf(id))}
	if group != "" {
		attrs = append(attrs, kmip.TextAttribute(kmip.AttrObjectGroup, group))
	}
	if t == symmetric {
		attrs = append(attrs, algorithmAES(size)...)
	} else {
		attrs = append(attrs, kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, usageSecret))
	}
	if d, needed := applicationData(id, typ, t.name); needed && withData {
		attrs = append(attrs, kmip.Attribute{Name: kmip.AttrAppSpecificInformation,
			Value: kmip.ApplicationSpecificInformation{Namespace: namespace, Data: d}.TTLV()})
	}
	return attrs
}

// algorithmAES returns what says that an object is an AES key of size bytes.
func algorithmAES(size int) kmip.Attributes {
	return kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
		kmip.IntegerAttribute(kmip.AttrCryptographicLength, int32(size*8)),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, usageAES),
	}
}

// attributesRead are those that say which key an object is.
func (o *Options) attributesRead() []string {
	names := []string{kmip.AttrObjectType, kmip.AttrName, kmip.AttrState, kmip.AttrAppSpecificInformation, kmip.AttrInitialDate}
	if o.Profile == ProfileOKV {
		names = append(names, attrReady, attrMark)
	}
	return names
}

// setAttributes fills in what attributesRead told.
func (o *object) setAttributes(attrs kmip.Attributes) {
	o.state = attrs.State()
	if v, ok := attrs.Get(kmip.AttrInitialDate); ok {
		o.initial = v.Time()
	}
	for _, n := range attrs.Names() {
		if id, ok := parseName(n); ok && !slices.Contains(o.ids, id) {
			o.ids = append(o.ids, id)
		}
	}
	v, _ := attrs.Get(kmip.AttrObjectType)
	switch kmip.ObjectType(v.Int) {
	case kmip.ObjectTypeSymmetricKey:
		o.typ = symmetric.name
	case kmip.ObjectTypeSecretData:
		o.typ = secretData.name
	}
	for _, v := range attrs.All(kmip.AttrAppSpecificInformation) {
		if a, err := kmip.ParseApplicationSpecificInformation(v); err == nil && a.Namespace == namespace {
			o.typ = parseType(a.Data, o.typ)
		}
	}
	o.marks = parseMarks(attrs)
}

// setContent moves the content over, and says what is wrong with it.
func (o *object) setContent(res *kmip.GetResponse) error {
	canonical := symmetric.name
	switch res.Object.Type {
	case kmip.ObjectTypeSymmetricKey:
	case kmip.ObjectTypeSecretData:
		canonical = secretData.name
	default:
		return fmt.Errorf("it is a %s", res.Object.Type)
	}
	if !keyring.SameType(o.typ, canonical) { // the server does not tell the Object Type
		o.typ = canonical
	}
	content := res.Object.Content()
	if n := content.Len(); n == 0 || n > keyring.MaxKeySize {
		return fmt.Errorf("it has %d bytes", n)
	}
	o.data, res.Object.KeyBlock.Material = content, nil
	return nil
}

// readBatch is how many objects are asked for in one request: the answer of 64 of
// the longest keys is still about a mebibyte.
const readBatch = 64

// read gets the objects' attributes and, if wanted, their content. Those that are
// gone are left out; those that cannot be read are counted in unreadable.
func (r *Keyring) read(ctx context.Context, c *kmipclient.Client, uids []string, content bool) (objects []*object, unreadable []error, err error) {
	defer func() {
		if err != nil {
			wipe(objects)
			objects = nil
		}
	}()
	for chunk := range slices.Chunk(uids, readBatch) {
		attributes, contents, err := r.ask(ctx, c, chunk, content)
		if err != nil {
			return objects, nil, err
		}
		for i, uid := range chunk {
			o, err := readOne(uid, attributes[i], contents[i])
			switch {
			case isGone(err):
			case err != nil:
				unreadable = append(unreadable, fmt.Errorf("object %s: %w", uid, err))
			case o.alive():
				objects = append(objects, o)
			default:
				wipe([]*object{o})
			}
		}
	}
	return objects, unreadable, nil
}

// ask gets the answers about each object; the contents are empty where they are
// not wanted. Some servers refuse a question for an attribute that an object
// lacks, even as Item Not Found: those are asked for all that there are.
func (r *Keyring) ask(ctx context.Context, c *kmipclient.Client, uids []string, content bool) (attributes, contents []kmipclient.Result, err error) {
	reqs := make([]kmip.Payload, 0, 2*len(uids))
	for _, uid := range uids {
		reqs = append(reqs, &kmip.GetAttributesRequest{UniqueIdentifier: uid, Names: r.o.attributesRead()})
	}
	if content {
		for _, uid := range uids {
			reqs = append(reqs, &kmip.GetRequest{UniqueIdentifier: uid})
		}
	}
	results, err := c.Batch(ctx, reqs)
	if err != nil {
		return nil, nil, err
	}
	attributes, contents = results[:len(uids):len(uids)], make([]kmipclient.Result, len(uids))
	copy(contents, results[len(uids):])
	var again []kmip.Payload
	var which []int
	for i, a := range attributes {
		if a.Err != nil {
			again, which = append(again, &kmip.GetAttributesRequest{UniqueIdentifier: uids[i]}), append(which, i)
		}
	}
	results, err = c.Batch(ctx, again)
	if err != nil {
		for _, g := range contents {
			kmip.WipePayload(g.Payload)
		}
		return nil, nil, err
	}
	for i, a := range results {
		attributes[which[i]] = a
	}
	return attributes, contents, nil
}

// readOne makes an object out of the answers about it.
func readOne(uid string, attributes, content kmipclient.Result) (*object, error) {
	defer kmip.WipePayload(content.Payload)
	if err := cmp.Or(attributes.Err, content.Err); err != nil {
		return nil, err
	}
	o := &object{uid: uid}
	o.setAttributes(attributes.Payload.(*kmip.GetAttributesResponse).Attributes)
	if content.Payload != nil && o.alive() {
		if err := o.setContent(content.Payload.(*kmip.GetResponse)); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// stateOf asks for an object's state. One that the server does not have is
// Destroyed.
func (r *Keyring) stateOf(ctx context.Context, c *kmipclient.Client, uid string) (kmip.State, error) {
	attributes, _, err := r.ask(ctx, c, []string{uid}, false)
	switch {
	case err != nil:
		return 0, err
	case isGone(attributes[0].Err):
		return kmip.StateDestroyed, nil
	case attributes[0].Err != nil:
		return 0, attributes[0].Err
	}
	return attributes[0].Payload.(*kmip.GetAttributesResponse).Attributes.State(), nil
}

// isGone says whether a server's answer about an object is that there is none.
func isGone(err error) bool {
	var refusal *kmip.Error
	return errors.As(err, &refusal) && refusal.Reason == kmip.ReasonItemNotFound
}

func wipe(objects []*object) {
	for _, o := range objects {
		o.data.Wipe()
	}
}
