package memory_test

import (
	"testing"

	"github.com/dbkeyring/dbkeyring/backend/memory"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyring/keyringtest"
)

func TestConformance(t *testing.T) {
	keyringtest.Test(t, func(testing.TB) func() keyring.Keyring {
		return func() keyring.Keyring { return memory.New() }
	}, keyringtest.Limits{Volatile: true})
}
