package keyserver

import "github.com/dbkeyring/dbkeyring/kmip"

// checkProtection says whether a new object can be kept where the client wants it, which is
// any one of the masks. This server keeps its keys in software, and claims no more.
func checkProtection(masks kmip.ProtectionStorageMasks) error {
	for _, m := range masks {
		if m&^kmip.StorageSoftware == 0 {
			return nil
		}
	}
	if len(masks) == 0 {
		return nil
	}
	return kmip.Errorf(kmip.ReasonFeatureNotSupported, "this server keeps objects in software, and the request asks for something else").In2(kmip.ReasonProtectionStorageUnavailable)
}
