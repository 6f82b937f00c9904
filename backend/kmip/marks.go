package kmip

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// With ProfileOKV an object says of itself how far it has come. These encodings
// lie on users' servers for good, as those of naming.go do.
//
// From the request that makes it, an object has a mark: Application Specific
// Information in our namespace whose data is "made:" or "stored:" and 16
// hexadecimal digits, those of the operation. "made": the server made the
// content; "stored": the database gave it.
//
// When the content is known to be right, the object is marked as ready: by the
// custom attribute x-key-ready or, on a server that takes none, by a further
// Application Specific Information whose data is "ready". A server that has no
// Add Attribute gets it in the request that makes the object. Activation comes
// last: a key is an object of ours that is ready and has been Active.
//
// On a server that takes no Application Specific Information, or not in our
// namespace, custom attributes stand for it: x-dbkeyring-mark, x-key-ready.
const (
	attrReady  = "x-key-ready"
	attrMark   = "x-dbkeyring-mark"
	readyValue = "1"

	markMade   = "made:"
	markStored = "stored:"
	dataReady  = "ready"
)

// marks are what an object says of itself.
type marks struct {
	mark  string // whole, "made:..." or "stored:..."; "" for an object of others
	ready bool
}

// newMark returns the mark of one operation.
func newMark(made bool) string {
	var b [8]byte
	rand.Read(b[:])
	if made {
		return markMade + hex.EncodeToString(b[:])
	}
	return markStored + hex.EncodeToString(b[:])
}

func parseMarks(attrs kmip.Attributes) (m marks) {
	for _, a := range attrs {
		text := ""
		switch a.Name {
		case attrReady:
			m.ready = true
		case attrMark:
			text = a.Value.Text
		case kmip.AttrAppSpecificInformation:
			if i, err := kmip.ParseApplicationSpecificInformation(a.Value); err == nil && i.Namespace == namespace {
				text = i.Data
			}
		}
		switch {
		case text == dataReady:
			m.ready = true
		case isMark(text):
			m.mark = text
		}
	}
	return m
}

// isMark says whether newMark makes such a text.
func isMark(s string) bool {
	digits, made := strings.CutPrefix(s, markMade)
	stored := false
	if !made {
		digits, stored = strings.CutPrefix(s, markStored)
	}
	b, err := hex.DecodeString(digits)
	return (made || stored) && err == nil && len(b) == 8 && digits == strings.ToLower(digits)
}

// information is a text of ours as Application Specific Information.
func information(text string) kmip.Attribute {
	return kmip.Attribute{Name: kmip.AttrAppSpecificInformation, Value: kmip.ApplicationSpecificInformation{Namespace: namespace, Data: text}.TTLV()}
}

// marking returns the attributes that mark an object when it is made.
func marking(mark string, custom, ready bool) kmip.Attributes {
	switch {
	case custom && ready:
		return kmip.Attributes{kmip.TextAttribute(attrMark, mark), kmip.TextAttribute(attrReady, readyValue)}
	case custom:
		return kmip.Attributes{kmip.TextAttribute(attrMark, mark)}
	case ready:
		return kmip.Attributes{information(mark), information(dataReady)}
	}
	return kmip.Attributes{information(mark)}
}

// isKey says whether an object of ProfileOKV is a key. A server that does not
// tell the State has nothing but the mark.
func (o *object) isKey() bool {
	return o.mark != "" && o.ready && o.state != kmip.StatePreActive && o.alive()
}

// isLeft says whether an object is what an operation of ours has begun and not
// ended.
func (o *object) isLeft() bool { return o.mark != "" && o.state == kmip.StatePreActive }

// ours says whether an object is of this keyring at all.
func (r *Keyring) ours(o *object) bool {
	return r.o.Profile != ProfileOKV || o.isKey() || o.isLeft()
}

// anyKey says whether a key is among the objects.
func (r *Keyring) anyKey(objects []*object) bool {
	keys, _ := r.split(objects)
	return len(keys) > 0
}

// split tells keys from what interrupted operations have left.
func (r *Keyring) split(objects []*object) (keys, left []*object) {
	for _, o := range objects {
		if r.o.Profile != ProfileOKV || o.isKey() {
			keys = append(keys, o)
		} else {
			left = append(left, o)
		}
	}
	return keys, left
}
