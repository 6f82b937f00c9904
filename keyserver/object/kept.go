package object

import (
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// addKept adds how the object is kept, which is attributes since KMIP 2.0.
func (o *Object) addKept(wanted func(name string) bool, add func(name string, v ttlv.Value)) {
	if f := o.Content.Format; f != 0 && wanted(kmip.AttrKeyFormatType) {
		add(kmip.AttrKeyFormatType, ttlv.EnumerationValue(uint32(f)))
	}
	if t := o.Content.OpaqueDataType; t != 0 && wanted(kmip.AttrOpaqueDataType) {
		add(kmip.AttrOpaqueDataType, ttlv.EnumerationValue(t))
	}
	if wanted(kmip.AttrProtectionStorageMask) {
		add(kmip.AttrProtectionStorageMask, ttlv.IntegerValue(int32(kmip.StorageSoftware)))
	}
}
