// Package conformance plays conversations of KMIP against a key server and says how
// far its answers are those that are expected: the test cases of OASIS in XML, and
// scenarios of our own in a text format (see [ReadScenarios]), which state the same
// facts in our words.
//
// An answer is as expected at a [Level]: the Result Status of each batch item, the Result
// Reason, the names of the fields in the payload, the values that are facts. More fields
// than expected are in order; key bytes that a server makes up, digests, times and leases
// are samples. A name with $ stands for what the server answers where it stands first,
// and in later requests for that.
package conformance

// Level says how far an answer is as expected.
type Level string

// The levels.
const (
	Status Level = "A" // the number of batch items and the Result Status of each
	Reason Level = "B" // the Result Reasons
	Fields Level = "C" // the names of the fields in the payloads
	Values Level = "D" // the values that are facts
)

// Case is a conversation.
type Case struct {
	Name  string
	Steps []Step
}

// Step is a request and the answer that is expected.
type Step struct{ Request, Response *Node }

// Node is an item of a message.
type Node struct {
	Tag      string // the name of the tag in one word
	Type     string // "" for a Structure
	Value    string
	Children []*Node
}

// Child returns the first item with the tag, or nil.
func (n *Node) Child(tag string) *Node {
	if n != nil {
		for _, c := range n.Children {
			if c.Tag == tag {
				return c
			}
		}
	}
	return nil
}

// text returns the value of the first item with the tag.
func (n *Node) text(tag string) string {
	if c := n.Child(tag); c != nil {
		return c.Value
	}
	return ""
}

// all returns the items with the tag.
func (n *Node) all(tag string) (found []*Node) {
	for _, c := range n.Children {
		if c.Tag == tag {
			found = append(found, c)
		}
	}
	return found
}
