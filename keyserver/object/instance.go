package object

import (
	"math"
	"slices"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Instance returns the index of the instance of an attribute that has the value, by which
// KMIP 2.x names it.
func (o *Object) Instance(current kmip.Attribute) (index int32, err error) {
	if o.Dates.field(current.Name) != nil {
		if v, ok := o.get(current.Name); ok && v.Equal(current.Value) {
			return 0, nil
		}
	}
	for _, a := range o.Attributes {
		if a.Name == current.Name && a.Value.Equal(current.Value) {
			return a.Index, nil
		}
	}
	return 0, kmip.Errorf(kmip.ReasonItemNotFound, "the object has no attribute %s of the current value", current.Name).In2(kmip.ReasonAttributeInstanceNotFound)
}

// OnlyInstance returns the index of an attribute's instance, if there are not several. One
// that the object does not have is index 0.
func (o *Object) OnlyInstance(name string) (index int32, err error) {
	found := 0
	for _, a := range o.Attributes {
		if a.Name == name {
			index = a.Index
			found++
		}
	}
	if found > 1 {
		return 0, kmip.Errorf(kmip.ReasonIllegalOperation, "the object has the attribute %s %d times: say which one is meant", name, found).In2(kmip.ReasonMultiValuedAttribute)
	}
	return index, nil
}

// DeleteAll deletes every instance of an attribute.
func (o *Object) DeleteAll(name string, now time.Time) error {
	if _, err := o.checkChange(name, kmip.ClientDeletes, now); err != nil {
		return err
	}
	if _, ok := o.get(name); !ok {
		return kmip.Errorf(kmip.ReasonItemNotFound, "the object has no attribute %s", name).In2(kmip.ReasonAttributeNotFound)
	}
	o.change(now)
	o.Attributes = slices.DeleteFunc(o.Attributes, func(a kmip.Attribute) bool { return a.Name == name })
	return nil
}

// Set gives an attribute a value, whether the object has it already or not.
func (o *Object) Set(a kmip.Attribute, now time.Time) error {
	var err error
	if a.Index, err = o.OnlyInstance(a.Name); err != nil {
		return err
	}
	if _, exists := o.get(a.Name); exists || isFlag(a.Name) {
		_, err = o.Modify(a, now)
	} else {
		_, err = o.Add(a, now)
	}
	return err
}

// Adjust adds to an attribute's value, takes from it, or negates it. The zero value of by
// stands for one.
func (o *Object) Adjust(name string, how kmip.AdjustmentType, by ttlv.Value, now time.Time) error {
	index, err := o.OnlyInstance(name)
	if err != nil {
		return err
	}
	v, ok := o.get(name)
	if !ok {
		return kmip.Errorf(kmip.ReasonItemNotFound, "the object has no attribute %s", name).In2(kmip.ReasonAttributeNotFound)
	}
	if v, err = adjusted(name, v, how, by); err != nil {
		return err
	}
	_, err = o.Modify(kmip.Attribute{Name: name, Index: index, Value: v}, now)
	return err
}

// adjusted returns the value that an adjustment leads to.
func adjusted(name string, v ttlv.Value, how kmip.AdjustmentType, by ttlv.Value) (ttlv.Value, error) {
	least, most, ok := limits(v.Type)
	if v.Type == ttlv.Boolean && how == kmip.AdjustNegate && by.Type == 0 {
		v.Int = 1 - v.Int
		return v, nil
	}
	n := by.Int
	switch by.Type {
	case 0:
		n = 1
	case ttlv.Integer, ttlv.LongInteger, ttlv.Interval:
	default:
		ok = false
	}
	if how == kmip.AdjustDecrement {
		n = -n
	}
	if !ok || how != kmip.AdjustIncrement && how != kmip.AdjustDecrement || by.Int == math.MinInt64 {
		return v, kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s, of type %s, cannot be adjusted so", name, v.Type).In2(kmip.ReasonInvalidDataType)
	}
	if n > 0 && v.Int > most-n || n < 0 && v.Int < least-n {
		return v, kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s would leave the range of its type", name).In2(kmip.ReasonNumericRange)
	}
	v.Int += n
	return v, nil
}

// limits are those of a type whose values are numbers.
func limits(t ttlv.Type) (least, most int64, ok bool) {
	switch t {
	case ttlv.Integer:
		return math.MinInt32, math.MaxInt32, true
	case ttlv.LongInteger:
		return math.MinInt64, math.MaxInt64, true
	case ttlv.Interval:
		return 0, math.MaxUint32, true
	case ttlv.DateTime:
		return 0, math.MaxInt64, true
	}
	return 0, 0, false
}
