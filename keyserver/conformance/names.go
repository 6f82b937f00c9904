package conformance

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// names is what the names with $ stand for in a case.
type names struct {
	bound map[string]string
	last  map[string]string // the value that each tag had last in an answer
	now   time.Time         // of the present step
}

func newNames() names { return names{bound: make(map[string]string), last: make(map[string]string)} }

// answered takes in an answer's values.
func (s *names) answered(n *Node) {
	if n.Type != "" {
		s.last[n.Tag] = n.Value
	}
	for _, c := range n.Children {
		s.answered(c)
	}
}

// value returns what a value in a request means. Some cases give the name only where it
// is used, and a sample in the answer: it stands for the last value with the tag.
func (s *names) value(tag, text string) (string, error) {
	if !strings.HasPrefix(text, "$") {
		return text, nil
	}
	if offset, ok := strings.CutPrefix(text, "$NOW"); ok {
		seconds := 0
		if offset != "" {
			var err error
			if seconds, err = strconv.Atoi(offset); err != nil {
				return "", fmt.Errorf("%s is no moment", text)
			}
		}
		return s.now.Add(time.Duration(seconds) * time.Second).UTC().Format(time.RFC3339), nil
	}
	if value, ok := s.bound[text]; ok {
		return value, nil
	}
	value, ok := s.last[tag]
	if !ok || tag == "UniqueIdentifier" {
		return "", fmt.Errorf("%s stands for nothing yet", text)
	}
	s.bound[text] = value
	return value, nil
}

// is says whether an answer's value is the one that is expected, and binds a name that
// stands for none yet.
func (s *names) is(expected, actual string) bool {
	switch {
	case strings.HasPrefix(expected, "$NOW"):
		return true // a sample
	case strings.HasPrefix(expected, "$"):
		bound, ok := s.bound[expected]
		if !ok {
			s.bound[expected] = actual
		}
		return !ok || bound == actual
	}
	return expected == actual
}
