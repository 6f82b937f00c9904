package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// Capabilities say how a server does things (KMIP 1.4, 2.1.21 "Capability Information").
// Enumerations of 0 are not said.
type Capabilities struct {
	Streaming     bool // data in parts
	Asynchronous  bool
	Attestation   bool
	BatchUndo     bool               // since 1.4
	BatchContinue bool               // since 1.4
	Unwrap        UnwrapMode         // of keys that are registered wrapped
	Destroy       DestroyAction      // what is left of a destroyed object
	Shredding     ShreddingAlgorithm // how what is destroyed is made unreadable
	RNG           RNGMode
}

// Encode appends the structure, in the fields that the version has.
func (c *Capabilities) Encode(w *ttlv.Writer, v Version) {
	mark := w.Begin(TagCapabilityInformation)
	w.Boolean(TagStreamingCapability, c.Streaming)
	w.Boolean(TagAsynchronousCapability, c.Asynchronous)
	w.Boolean(TagAttestationCapability, c.Attestation)
	if v.AtLeast(V1_4) {
		w.Boolean(TagBatchUndoCapability, c.BatchUndo)
		w.Boolean(TagBatchContinueCapability, c.BatchContinue)
	}
	for _, e := range []struct {
		tag   ttlv.Tag
		value uint32
	}{{TagUnwrapMode, uint32(c.Unwrap)}, {TagDestroyAction, uint32(c.Destroy)}, {TagShreddingAlgorithm, uint32(c.Shredding)}, {TagRNGMode, uint32(c.RNG)}} {
		if e.value != 0 {
			w.Enumeration(e.tag, e.value)
		}
	}
	w.End(mark)
}

// Decode reads the structure's fields, and passes over others.
func (c *Capabilities) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagStreamingCapability:
			c.Streaming = r.Boolean()
		case TagAsynchronousCapability:
			c.Asynchronous = r.Boolean()
		case TagAttestationCapability:
			c.Attestation = r.Boolean()
		case TagBatchUndoCapability:
			c.BatchUndo = r.Boolean()
		case TagBatchContinueCapability:
			c.BatchContinue = r.Boolean()
		case TagUnwrapMode:
			c.Unwrap = UnwrapMode(r.Enumeration())
		case TagDestroyAction:
			c.Destroy = DestroyAction(r.Enumeration())
		case TagShreddingAlgorithm:
			c.Shredding = ShreddingAlgorithm(r.Enumeration())
		case TagRNGMode:
			c.RNG = RNGMode(r.Enumeration())
		}
	}
}

// UnwrapMode says what a server does with a key that is registered wrapped (KMIP 1.4, 9.1.3.2.45).
type UnwrapMode uint32

// The values of UnwrapMode.
const (
	UnwrapUnspecified  UnwrapMode = 1
	UnwrapProcessed    UnwrapMode = 2 // it is unwrapped
	UnwrapNotProcessed UnwrapMode = 3 // it stays wrapped
)

var namesUnwrapMode = map[UnwrapMode]string{UnwrapUnspecified: "Unspecified", UnwrapProcessed: "Processed", UnwrapNotProcessed: "Not Processed"}

func (e UnwrapMode) String() string { return enumName(namesUnwrapMode, e) }

// DestroyAction says what Destroy does (KMIP 1.4, 9.1.3.2.46).
type DestroyAction uint32

// The values of DestroyAction.
const (
	DestroyUnspecified         DestroyAction = 1
	DestroyKeyMaterialDeleted  DestroyAction = 2
	DestroyKeyMaterialShredded DestroyAction = 3
	DestroyMetadataDeleted     DestroyAction = 4
	DestroyMetadataShredded    DestroyAction = 5
	DestroyDeleted             DestroyAction = 6
	DestroyShredded            DestroyAction = 7
)

var namesDestroyAction = map[DestroyAction]string{
	DestroyUnspecified:         "Unspecified",
	DestroyKeyMaterialDeleted:  "Key Material Deleted",
	DestroyKeyMaterialShredded: "Key Material Shredded",
	DestroyMetadataDeleted:     "Metadata Deleted",
	DestroyMetadataShredded:    "Metadata Shredded",
	DestroyDeleted:             "Deleted",
	DestroyShredded:            "Shredded",
}

func (e DestroyAction) String() string { return enumName(namesDestroyAction, e) }

// ShreddingAlgorithm says how what is destroyed is made unreadable (KMIP 1.4, 9.1.3.2.47).
type ShreddingAlgorithm uint32

// The values of ShreddingAlgorithm.
const (
	ShreddingUnspecified   ShreddingAlgorithm = 1
	ShreddingCryptographic ShreddingAlgorithm = 2
	ShreddingUnsupported   ShreddingAlgorithm = 3
)

var namesShreddingAlgorithm = map[ShreddingAlgorithm]string{ShreddingUnspecified: "Unspecified", ShreddingCryptographic: "Cryptographic", ShreddingUnsupported: "Unsupported"}

func (e ShreddingAlgorithm) String() string { return enumName(namesShreddingAlgorithm, e) }

// RNGMode says who shares a generator of random numbers (KMIP 1.4, 9.1.3.2.48).
type RNGMode uint32

// The values of RNGMode.
const (
	RNGModeUnspecified            RNGMode = 1
	RNGModeSharedInstantiation    RNGMode = 2 // one for all clients
	RNGModeNonSharedInstantiation RNGMode = 3
)

var namesRNGMode = map[RNGMode]string{RNGModeUnspecified: "Unspecified", RNGModeSharedInstantiation: "Shared Instantiation", RNGModeNonSharedInstantiation: "Non-Shared Instantiation"}

func (e RNGMode) String() string { return enumName(namesRNGMode, e) }
