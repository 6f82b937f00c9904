package conformance

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip/kmiptext"
)

// Exchange sends a request in TTLV and returns the answer in TTLV.
type Exchange func(frame []byte) ([]byte, error)

// Player plays cases.
type Player struct {
	Now func() time.Time // the clock
}

// NewPlayer returns a player.
func NewPlayer() *Player { return &Player{Now: time.Now} }

// Play plays a case and returns where the answers are not as expected. An error means that
// there was no answer, or that the case makes no sense.
func (p *Player) Play(c Case, send Exchange) ([]Difference, error) {
	names := newNames()
	var found []Difference
	var given strings.Builder
	for i, s := range c.Steps {
		names.now = p.Now()
		var text bytes.Buffer
		if err := s.Request.write(&text, &names); err != nil {
			return found, fmt.Errorf("step %d: %w", i+1, err)
		}
		given.Write(text.Bytes())
		frame, err := kmiptext.XML.Decode(text.Bytes())
		if err != nil {
			return found, fmt.Errorf("step %d: %w", i+1, err)
		}
		if frame, err = send(frame); err != nil {
			return found, fmt.Errorf("step %d: %w", i+1, err)
		}
		answer, err := kmiptext.XML.Encode(frame)
		if err != nil {
			return found, fmt.Errorf("step %d: %w", i+1, err)
		}
		actual, err := parse(answer)
		if err != nil {
			return found, fmt.Errorf("step %d: %w", i+1, err)
		}
		names.answered(actual)
		compare := comparison{names: &names, given: given.String(), step: i + 1}
		compare.message(s.Response, actual)
		found = append(found, compare.found...)
	}
	return found, nil
}

// Reached returns the levels that a case with these differences has not missed.
func Reached(found []Difference) map[Level]bool {
	reached := map[Level]bool{Status: true, Reason: true, Fields: true, Values: true}
	// Who misses a level misses those above it.
	order := []Level{Status, Reason, Fields, Values}
	for _, d := range found {
		missed := false
		for _, l := range order {
			if missed = missed || l == d.Level; missed {
				reached[l] = false
			}
		}
	}
	return reached
}
