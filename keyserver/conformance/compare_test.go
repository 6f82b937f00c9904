package conformance_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/conformance"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptext"
)

const answer = `<ResponseMessage><ResponseHeader/><BatchItem>
<Operation type="Enumeration" value="Get"/><ResultStatus type="Enumeration" value="Success"/>
<ResponsePayload><UniqueIdentifier type="TextString" value="a"/><UniqueIdentifier type="TextString" value="b"/><State type="Enumeration" value="Active"/>
<CryptographicUsageMask type="Integer" value="Encrypt Decrypt"/><Data type="ByteString" value="0a0b"/>
<Attribute><AttributeName type="TextString" value="x-a"/><AttributeValue type="TextString" value="1"/></Attribute></ResponsePayload>
</BatchItem><BatchItem>
<Operation type="Enumeration" value="Get"/><ResultStatus type="Enumeration" value="OperationFailed"/><ResultReason type="Enumeration" value="ItemNotFound"/>
</BatchItem></ResponseMessage>`

// play plays a scenario to a server that always gives the answer.
func play(t *testing.T, text string) (found []conformance.Difference, request string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "s.txt")
	if err := os.WriteFile(file, []byte("== s\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	cases, err := conformance.ReadScenarios(file)
	if err != nil {
		return nil, "", err
	}
	found, err = conformance.NewPlayer().Play(cases[0], func(frame []byte) ([]byte, error) {
		text, err := kmiptext.XML.Encode(frame)
		request = string(text)
		if err != nil {
			return nil, err
		}
		return kmiptext.XML.Decode([]byte(answer))
	})
	return found, request, err
}

// A difference of each kind is seen, at its level.
func TestCompare(t *testing.T) {
	for what, c := range map[string]struct{ expected, missed string }{
		"as expected":           {"<\n  UniqueIdentifier \"a\"\n  @x-a = \"1\"\n  State active\n  CryptographicUsageMask [Decrypt Encrypt]\n  Data 0x0a0b\n< ItemNotFound", ""},
		"the other order":       {"<\n  UniqueIdentifier \"b\"\n  UniqueIdentifier \"a\"\n< ItemNotFound", ""},
		"no payload":            {"<\n< ItemNotFound", ""},
		"a name for two values": {"<\n  UniqueIdentifier $x\n  UniqueIdentifier $x\n< ItemNotFound", "D"},
		"too few items":         {"<\n< ItemNotFound\n< ItemNotFound", "A"},
		"too many items":        {"<", "A"},
		"failed":                {"< ItemNotFound\n< ItemNotFound", "A"},
		"not failed":            {"<\n<", "A"},
		"undone":                {"<\n< OperationUndone", "A"},
		"reason":                {"<\n< PermissionDenied", "B"},
		"field":                 {"<\n  LeaseTime 3s\n< ItemNotFound", "C"},
		"one more field":        {"<\n  UniqueIdentifier \"a\"\n  State Active\n  State Active\n< ItemNotFound", ""},
		"attribute":             {"<\n  @x-b = \"1\"\n< ItemNotFound", "C"},
		"structure":             {"<\n  UniqueIdentifier\n< ItemNotFound", "C"},
		"text":                  {"<\n  UniqueIdentifier \"c\"\n< ItemNotFound", "D"},
		"enumeration":           {"<\n  State PreActive\n< ItemNotFound", "D"},
		"mask":                  {"<\n  CryptographicUsageMask [Encrypt]\n< ItemNotFound", "D"},
		"bytes":                 {"<\n  Data 0x0a0c\n< ItemNotFound", "D"},
		"attribute's value":     {"<\n  @x-a = \"2\"\n< ItemNotFound", "D"},
		"type":                  {"<\n  @x-a = 1\n< ItemNotFound", "D"},
	} {
		requests := strings.Repeat("> Get\n", max(2, strings.Count("\n"+c.expected, "\n<")))
		found, _, err := play(t, requests+c.expected)
		missed := ""
		for _, d := range found {
			missed += string(d.Level)
		}
		if err != nil || missed != c.missed {
			t.Errorf("%s: misses %q instead of %q: %v, %v", what, missed, c.missed, found, err)
		}
	}
}

// Each form of a value becomes its type, and a batch has identifiers.
func TestReadScenarios(t *testing.T) {
	_, request, err := play(t, `# all forms
: Version 1.2
: MaximumResponseSize 8192
> Get
  UniqueIdentifier "a b"
  KeyWrappingSpecification
    WrappingMethod Encrypt
    EncryptionKeyInformation
      UniqueIdentifier ""
  OpaqueDataType enum 0x80000001
  @Cryptographic Usage Mask = [Encrypt Decrypt]
  @Name =
    NameValue "n"
> Get
  UsageLimitsTotal -12L
  LeaseTime 60s
  BatchOrderOption true
  TimeStamp 2026-01-31T12:00:00Z
  Data 0x
  Data 0x0aff
<
< ItemNotFound`)
	if err != nil {
		t.Fatal(err)
	}
	request = strings.Join(strings.Fields(request), " ")
	for _, want := range []string{
		`<ProtocolVersionMajor type="Integer" value="1"/> <ProtocolVersionMinor type="Integer" value="2"/>`,
		`<MaximumResponseSize type="Integer" value="8192"/> <BatchCount type="Integer" value="2"/>`,
		`<UniqueBatchItemID type="ByteString" value="02"/>`, `<UniqueIdentifier type="TextString" value="a b"/> <KeyWrappingSpecification> <WrappingMethod type="Enumeration" value="Encrypt"/>`,
		`<EncryptionKeyInformation> <UniqueIdentifier type="TextString" value=""/> </EncryptionKeyInformation> </KeyWrappingSpecification>`,
		`<OpaqueDataType type="Enumeration" value="0x80000001"/>`, `<AttributeValue type="Integer" value="Encrypt Decrypt"/>`,
		`<AttributeValue> <NameValue type="TextString" value="n"/> </AttributeValue>`, `<UsageLimitsTotal type="LongInteger" value="-12"/>`,
		`<LeaseTime type="Interval" value="60"/>`, `<BatchOrderOption type="Boolean" value="true"/>`, `<TimeStamp type="DateTime" value="2026-01-31T12:00:00Z"/>`,
		`<Data type="ByteString" value=""/> <Data type="ByteString" value="0aff"/>`,
	} {
		if !strings.Contains(request, want) {
			t.Errorf("the request has no %s:\n%s", want, request)
		}
	}
	for what, text := range map[string]string{
		"an answer too many": "> Get\n<\n<", "no answer": "> Get", "no request": "<", "a mark": "? Get", "a field of nothing": "  Data 0x00",
		"a field of a failure": "> Get\n< ItemNotFound\n  Data 0x00", "a value": "> Get\n  Data 0x0\n<", "a text": "> Get\n  Data \"x\n<",
		"an unknown field": "> Get\n  Colour 1\n<", "an unknown operation": "> Fly\n<", "a name for nothing": "> Get\n  UniqueIdentifier $x\n<", "a header alone": ": Version 1.2",
	} {
		if _, _, err := play(t, text); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}
