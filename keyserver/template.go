package keyserver

import (
	"slices"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// useTemplates puts the attributes of the Template objects that a Template-Attribute names
// into it (KMIP 1.4, 2.1.8 and 2.2.6). Those of the request go before them. 2.x has none.
func (s *Server) useTemplates(r *request, t *kmip.Template) error {
	var from kmip.Attributes
	for _, n := range t.Names {
		o, err := s.templateOf(r, n)
		if err != nil {
			return err
		}
		before := from
		for _, a := range o.Content.Attributes {
			if given := before.All(a.Name); !slices.ContainsFunc(given, a.Value.Equal) {
				if of, _ := kmip.AttributeTypeOf(a.Name); len(given) > 0 && !of.Multi {
					return kmip.Errorf(kmip.ReasonInvalidField, "two of the Templates contradict each other in the attribute %s", a.Name)
				}
				from = append(slices.Clip(from), a)
			}
		}
	}
	own := t.Attributes
	for _, a := range from {
		if _, given := own.Get(a.Name); !given {
			t.Attributes = append(slices.Clip(t.Attributes), a)
		}
	}
	t.Names = nil
	return nil
}

// templateOf finds the client's Template of a name.
func (s *Server) templateOf(r *request, n kmip.Name) (*object.Object, error) {
	q, err := newQuery(r, &kmip.LocateRequest{Attributes: kmip.Attributes{
		{Name: kmip.AttrName, Value: n.TTLV()}, kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeTemplate)}})
	if err != nil {
		return nil, err
	}
	switch ids, total := s.search(r, q, 0, 1); total {
	case 1:
		o := s.lookup(r, ids[0])
		return o, o.CheckAtHand()
	case 0:
		return nil, kmip.Errorf(kmip.ReasonItemNotFound, "there is no Template of the name %.64q", n.Value).In2(kmip.ReasonObjectNotFound)
	default:
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "there are %d Templates of the name %.64q", total, n.Value)
	}
}

// checkTemplate takes in the attributes of a Template that is registered: those that a client
// can give a new object, but for its Name, which is another one's each time.
func checkTemplate(o *object.Object, attributes kmip.Attributes, now time.Time) error {
	if _, named := attributes.Get(kmip.AttrName); named {
		return kmip.Errorf(kmip.ReasonInvalidField, "a Template gives objects no Name, since no two can have the same; its own is in the Template-Attribute")
	}
	// The type counts for attributes that certificates alone have.
	probe, err := object.New(kmip.ObjectTypeSymmetricKey, attributes, now)
	if err != nil {
		return err
	}
	if probe.Content.Format != 0 {
		return kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s cannot be in a Template", kmip.AttrKeyFormatType)
	}
	o.Content = object.Content{Attributes: attributes}
	return nil
}

// getTemplate gives out a Template, which has no key bytes.
func getTemplate(r *request, o *object.Object, p *kmip.GetRequest) (*kmip.GetResponse, error) {
	if err := o.CheckAtHand(); err != nil {
		return nil, err
	}
	if r.Version.Major >= 2 || p.KeyFormat != 0 || p.Wrapping != nil {
		return nil, kmip.Errorf(kmip.ReasonIllegalOperation, "the object is a Template: it has attributes and no key, and KMIP 2.x has no form for it").In2(kmip.ReasonIllegalObjectType)
	}
	if o.Fresh {
		messageOf(r.Call).serve(o.ID)
	}
	return &kmip.GetResponse{ObjectType: o.Type, UniqueIdentifier: o.ID, Object: kmip.Object{Type: o.Type, TemplateAttributes: o.Content.Attributes}}, nil
}
