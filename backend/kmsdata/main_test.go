package kmsdata_test

import (
	"os"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/internal/faultfs"
)

func TestMain(m *testing.M) {
	kmstest.ClearEnvironment()
	faultfs.UseMemory()
	os.Exit(m.Run())
}
