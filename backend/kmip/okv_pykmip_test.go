//go:build e2e

package kmip_test

import (
	"testing"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyring/keyringtest"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// PyKMIP has neither Add Attribute nor custom attributes nor RNG Retrieve.
func TestOKV_Conformance_PyKMIP(t *testing.T) {
	p := newPyKMIP(t, kmiptest.NewKey(t))
	l := limitsOKV()
	l.Slow = true
	keyringtest.Test(t, func(t testing.TB) func() keyring.Keyring {
		o := p.options()
		o.Profile, o.NoCache = backend.ProfileOKV, p.clients.Load()%2 == 0
		return func() keyring.Keyring { return open(t, o, &buffer{}) }
	}, l)
}
