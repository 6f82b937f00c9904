package kmip

import (
	"cmp"
	"fmt"
)

// Version is a protocol version.
type Version struct{ Major, Minor int32 }

// The versions that this package speaks.
var (
	V1_0 = Version{1, 0}
	V1_1 = Version{1, 1}
	V1_2 = Version{1, 2}
	V1_3 = Version{1, 3}
	V1_4 = Version{1, 4}
	V2_0 = Version{2, 0}
	V2_1 = Version{2, 1}
)

// Versions returns the versions that this package speaks, the newest first.
func Versions() []Version { return []Version{V2_1, V2_0, V1_4, V1_3, V1_2, V1_1, V1_0} }

// Supported says whether this package speaks the version.
func (v Version) Supported() bool {
	return v.Major == 1 && v.Minor >= 0 && v.Minor <= 4 || v.Major == 2 && v.Minor >= 0 && v.Minor <= 1
}

// Compare returns a negative number, 0 or a positive one, like cmp.Compare.
func (v Version) Compare(o Version) int {
	return cmp.Or(cmp.Compare(v.Major, o.Major), cmp.Compare(v.Minor, o.Minor))
}

// AtLeast says whether v is o or newer.
func (v Version) AtLeast(o Version) bool { return v.Compare(o) >= 0 }

// String gives "1.4".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// ParseVersion reads "1.0" to "1.4", "2.0" and "2.1".
func ParseVersion(s string) (Version, error) {
	for _, v := range Versions() {
		if v.String() == s {
			return v, nil
		}
	}
	return Version{}, fmt.Errorf("KMIP version %q is none of 1.0, 1.1, 1.2, 1.3, 1.4, 2.0, 2.1", s)
}
