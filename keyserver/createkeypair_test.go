package keyserver

import (
	"context"
	"errors"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
)

// While as many keys are being made as may be, the next waits, and gives up with its client.
func TestGenerate_Bounded(t *testing.T) {
	s := &Server{generating: make(chan struct{}, maxGenerating)}
	o := &object.Object{Attributes: kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmEC), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256)}}
	ctx, gone := context.WithCancel(t.Context())
	r := &request{Call: &kmipserver.Call{Version: kmip.V1_4}, ctx: ctx}
	for range maxGenerating {
		s.generating <- struct{}{}
	}
	made := make(chan error)
	go func() {
		_, err := s.generate(r, o)
		made <- err
	}()
	select {
	case err := <-made:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	<-s.generating
	if err := <-made; err != nil {
		t.Error(err)
	}
	s.generating <- struct{}{}
	gone()
	if _, err := s.generate(r, o); !errors.Is(err, context.Canceled) {
		t.Errorf("its client is gone: %v", err)
	}
	if len(s.generating) != maxGenerating {
		t.Errorf("%d places are taken", len(s.generating))
	}
	// A long one does not hold up everybody else from within a batch with Undo.
	r.tx = &transaction{message: true, locked: true}
	o.Attributes[0], o.Attributes[1] = kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmRSA), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 4096)
	if _, err := s.generate(r, o); kmip.ReasonOf(err) != kmip.ReasonFeatureNotSupported {
		t.Errorf("RSA in a batch with Undo: %v", err)
	}
}
