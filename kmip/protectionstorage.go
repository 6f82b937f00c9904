package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// ProtectionStorageMasks are the places where a new object may be kept, any one of them; none
// leaves it to the server (KMIP 2.0, since which they are there).
type ProtectionStorageMasks []ProtectionStorageMask

func (m ProtectionStorageMasks) encode(w *ttlv.Writer, v Version) {
	if len(m) == 0 || v.Major < 2 {
		return
	}
	mark := w.Begin(TagProtectionStorageMasks)
	for _, mask := range m {
		w.Integer(TagProtectionStorageMask, int32(mask))
	}
	w.End(mark)
}

// decodeProtection reads the current field, which is one of 2.x.
func decodeProtection(r *ttlv.Reader) (m ProtectionStorageMasks) {
	if r.Edition() < 2 {
		r.Unexpected()
		return nil
	}
	for s := r.Structure(); s.Next(); {
		if s.Tag() != TagProtectionStorageMask {
			s.Unexpected()
			break
		}
		m = append(m, ProtectionStorageMask(s.Integer()))
	}
	if len(m) == 0 {
		r.Fail(Errorf(ReasonInvalidField, "%s names no place to keep the object", NameOfTag(r.Tag())))
	}
	return m
}
