package kmiptext_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptext"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

var formats = map[string]kmiptext.Format{"XML": kmiptext.XML, "JSON": kmiptext.JSON}

// frame has an item of each type, names of every kind, and what has no name.
func frame() []byte {
	var w ttlv.Writer
	m := w.Begin(kmip.TagRequestMessage)
	w.Enumeration(kmip.TagOperation, uint32(kmip.OpReKey))
	w.Enumeration(kmip.TagCryptographicAlgorithm, uint32(kmip.AlgorithmTripleDES))
	w.Enumeration(kmip.TagHashingAlgorithm, uint32(kmip.HashSHA256))
	w.Enumeration(kmip.TagOperation, 0x80001234)
	w.Integer(kmip.TagCryptographicUsageMask, int32(kmip.UsageEncrypt|kmip.UsageWrapKey))
	w.Integer(kmip.TagCryptographicUsageMask, -1)
	w.Integer(kmip.TagBatchCount, -5)
	w.LongInteger(kmip.TagUsageLimitsTotal, -1<<62)
	w.LongInteger(kmip.TagUsageLimitsCount, 12)
	w.BigInteger(kmip.TagModulus, []byte{0xFF, 0, 0, 0, 0, 0, 0, 1})
	w.Boolean(kmip.TagBatchOrderOption, true)
	w.TextString(kmip.TagUniqueIdentifier, "<&\"'\t\n> é \u2028")
	w.TextString(kmip.TagUniqueIdentifier, "")
	w.ByteString(kmip.TagData, []byte{0, 1, 0xFF})
	w.ByteString(kmip.TagData, nil)
	w.DateTime(kmip.TagTimeStamp, time.Unix(1e9, 0))
	w.DateTime(kmip.TagTimeStamp, time.Unix(-1<<60, 0))
	w.Interval(kmip.TagLeaseTime, 1<<32-1)
	w.Integer(ttlv.Tag(0x540001), 7)
	w.End(w.Begin(ttlv.Tag(0x540002)))
	a := w.Begin(kmip.TagAttribute)
	w.TextString(kmip.TagAttributeName, kmip.AttrState)
	w.Enumeration(kmip.TagAttributeValue, uint32(kmip.StatePreActive))
	w.End(a)
	a = w.Begin(kmip.TagAttribute)
	w.TextString(kmip.TagAttributeName, kmip.AttrCryptographicUsageMask)
	w.Integer(kmip.TagAttributeValue, int32(kmip.UsageSign))
	w.End(a)
	w.End(m)
	return w.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for name, f := range formats {
		text, err := f.Encode(frame())
		if err != nil {
			t.Fatal(err)
		}
		again, err := f.Decode(text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if !bytes.Equal(again, frame()) {
			t.Errorf("%s: another message comes back\n%s", name, text)
		}
		for _, want := range []string{"ReKey", "DES3", "SHA_256", "PreActive", "0x80001234", "0x540001", "2001-09-09T01:46:40Z"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s has no %s\n%s", name, want, text)
			}
		}
	}
}

// What 2.x has in other places than 1.x has its names there.
func TestRoundTrip_Version2(t *testing.T) {
	m := kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V2_1, Asynchronous: true}}
	for _, p := range []kmip.Payload{
		&kmip.GetAttributesRequest{UniqueIdentifier: "id", Names: []string{kmip.AttrState, "tc/Set"}},
		&kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.EnumerationAttribute(kmip.AttrProtectionLevel, uint32(1))}},
			Protection: kmip.ProtectionStorageMasks{kmip.StorageSoftware | kmip.StorageOnPremises}},
		&kmip.InteropRequest{Function: kmip.InteropBegin, Identifier: "a"},
		&kmip.AdjustAttributeRequest{UniqueIdentifier: "id", Name: "x-n", Type: kmip.AdjustNegate},
	} {
		m.Items = append(m.Items, kmip.RequestItem{Operation: p.Operation(), ID: []byte{1}, Payload: p})
	}
	var w ttlv.Writer
	m.Encode(&w)
	for name, f := range formats {
		text, err := f.Encode(w.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := f.Decode(text); err != nil || !bytes.Equal(again, w.Bytes()) {
			t.Errorf("%s: another message comes back: %v\n%s", name, err, text)
		}
		for _, want := range []string{"State", "VendorIdentification", "Mandatory", "High", "OnPremises", "Begin", "Negate"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s has no %s\n%s", name, want, text)
			}
		}
	}
}

// Every name leads back to its number.
func TestNames(t *testing.T) {
	for tag := ttlv.Tag(0x420000); tag < 0x420200; tag++ {
		if got, ok := kmip.TagOfWord(kmip.TagWord(tag)); !ok || got != tag {
			t.Errorf("%s is %s, which is %s", tag, kmip.TagWord(tag), got)
		}
		for v := range uint32(0x200) {
			word := kmip.EnumerationWord(tag, v)
			if got, ok := kmip.EnumerationOfWord(tag, word); !ok || got != v {
				t.Errorf("%s %d is %s, which is %d", kmip.TagWord(tag), v, word, got)
			}
		}
	}
	for name, want := range map[string]string{"Re-key": "ReKey", "PKCS#1": "PKCS_1", "X.509": "X_509", "HMAC-SHA256": "HMAC_SHA256",
		"3DES": "DES3", "On-line storage": "OnLineStorage", "X9.24 (AES)": "X9_24AES"} {
		if got := kmip.CamelCase(name); got != want {
			t.Errorf("%s is %s, not %s", name, got, want)
		}
	}
}

func TestForms(t *testing.T) {
	for _, text := range []string{
		`<RequestMessage><CryptographicUsageMask type="Integer" value="encrypt  WRAP-KEY"/></RequestMessage>`,
		`<RequestMessage><CryptographicUsageMask type="Integer" value="0x00000014"/></RequestMessage>`,
		`<?xml version="1.0"?><!-- a --><RequestMessage><!-- b --><TTLV tag="0x42002C" name="x" type="Integer" value="20"/></RequestMessage>`,
	} {
		b, err := kmiptext.XML.Decode([]byte(text))
		if err != nil || !bytes.HasSuffix(b, []byte{0, 0, 0, 20, 0, 0, 0, 0}) {
			t.Errorf("%s: %x, %v", text, b, err)
		}
	}
	b, err := kmiptext.JSON.Decode([]byte(`{"value":[{"value":"Encrypt|WrapKey","name":"x","type":"Integer","tag":"0x42002c"}],"type":"Structure","tag":"RequestMessage"}`))
	if err != nil || !bytes.HasSuffix(b, []byte{0, 0, 0, 20, 0, 0, 0, 0}) {
		t.Errorf("%x, %v", b, err)
	}
}

func TestRefused(t *testing.T) {
	in := func(items string) string { return "<RequestMessage>" + items + "</RequestMessage>" }
	for _, text := range []string{
		"", "x", "<RequestMessage>", in("") + in(""), in("text"), "text" + in(""), `<NoSuchTag/>`, `<BatchCount type="Integer" value="1"/>`,
		`<!DOCTYPE x [<!ENTITY e "1">]>` + in(`<BatchCount type="Integer" value="&e;"/>`), in(`<BatchCount type="Integer" value="&e;"/>`),
		in(`<BatchCount type="Integer" value="1" value="2"/>`), in("<Data type=\"TextString\" value=\"\xff\"/>"),
		in(`<BatchCount type="Integer"/>`), in(`<BatchCount value="1"/>`), in(`<BatchCount type="Number" value="1"/>`), in(`<BatchCount type="Integer" value="1" more="2"/>`),
		in(`<BatchCount type="Integer" value="1"><BatchCount type="Integer" value="1"/></BatchCount>`), in(`<BatchCount type="Integer" value="4294967296"/>`),
		in(`<BatchCount type="Integer" value="Encrypt"/>`), in(`<Operation type="Enumeration" value="Fly"/>`), in(`<Operation type="Enumeration" value="10"/>`),
		in(`<Data type="ByteString" value="0"/>`), in(`<TimeStamp type="DateTime" value="today"/>`), in(`<LeaseTime type="Interval" value="-1"/>`),
		in(`<BatchOrderOption type="Boolean" value="yes"/>`), in(`<Modulus type="BigInteger" value=""/>`),
		strings.Repeat("<RequestMessage>", 40) + strings.Repeat("</RequestMessage>", 40),
		in(strings.Repeat(`<BatchItem/>`, 100_001)),
	} {
		if _, err := kmiptext.XML.Decode([]byte(text)); !errors.Is(err, kmiptext.ErrText) {
			t.Errorf("%.100s: %v", text, err)
		}
	}
	jin := func(items string) string { return `{"tag":"RequestMessage","value":[` + items + `]}` }
	for _, text := range []string{
		"", "{}", "[]", "null", jin("") + jin(""), jin("1"), `{"tag":"NoSuchTag","value":[]}`, jin(`{"tag":"BatchCount","type":"Integer"}`),
		jin(`{"tag":"BatchCount","type":"Integer","value":null}`), jin(`{"tag":"BatchCount","type":"Integer","value":[1]}`), jin(`{"tag":"BatchCount","type":"Integer","value":1.5}`),
		jin(`{"tag":"BatchCount","type":"Number","value":1}`), jin(`{"tag":"BatchCount","type":"Integer","value":1,"more":2}`), `{"tag":"BatchCount","type":"Integer","value":1}`,
		jin(`{"tag":"BatchCount","type":"Integer","value":1,"value":2}`), jin(`{"tag":"BatchCount","tag":"BatchCount","type":"Integer","value":2}`),
		jin(`{"tag":"BatchCount","type":"Integer","Value":2}`), jin(`{"type":"Integer","value":2}`), jin(`{"tag":1,"type":"Integer","value":2}`), jin(`{"tag":"BatchCount","type":2,"value":2}`),
		jin(`{"tag":"BatchCount","type":"Integer","value":{}}`), jin(`{"tag":"BatchCount","name":{},"type":"Integer","value":2}`), jin(`{"tag":"BatchItem","value":"x"}`), jin(`{"tag":"BatchItem"}`),
		jin(`{"tag":"BatchItem","value":[]`), jin(`[]`), jin("") + "x", `{"tag":"RequestMessage","value":[}`, jin("{\"tag\":\"Data\",\"type\":\"TextString\",\"value\":\"\xff\"}"),
		strings.Repeat(`{"tag":"RequestMessage","value":[`, 40) + strings.Repeat("]}", 40),
		jin(strings.Repeat(`{"tag":"BatchItem","value":[]},`, 100_001) + `{"tag":"BatchItem","value":[]}`),
	} {
		if _, err := kmiptext.JSON.Decode([]byte(text)); !errors.Is(err, kmiptext.ErrText) {
			t.Errorf("%.100s: %v", text, err)
		}
	}
}

// A message of many levels costs no more than its length.
func TestDepthIsCheap(t *testing.T) {
	const size = 1 << 20
	digits := strings.Repeat("00", size)
	for name, text := range map[string]string{
		"XML":  strings.Repeat("<RequestMessage>", 31) + `<Data type="ByteString" value="` + digits + `"/>` + strings.Repeat("</RequestMessage>", 31),
		"JSON": strings.Repeat(`{"tag":"RequestMessage","value":[`, 31) + `{"tag":"Data","type":"ByteString","value":"` + digits + `"}` + strings.Repeat("]}", 31),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := formats[name].Decode([]byte(text)); err != nil {
			t.Error(err)
		}
		runtime.ReadMemStats(&after)
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 20*size {
			t.Errorf("%s: %d bytes of memory for a message of %d", name, bytes, len(text))
		}
	}
}

func FuzzDecodeText(f *testing.F) {
	for name, format := range formats {
		text, err := format.Encode(frame())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name == "XML", text)
	}
	f.Fuzz(func(t *testing.T, isXML bool, text []byte) {
		format := kmiptext.JSON
		if isXML {
			format = kmiptext.XML
		}
		b, err := format.Decode(text)
		if err != nil {
			if !errors.Is(err, kmiptext.ErrText) {
				t.Fatal(err)
			}
			return
		}
		if ttlv.Check(b, ttlv.Limits{}) != nil {
			return // text that is not UTF-8, which the next reader refuses
		}
		for _, format := range formats { // what was read can be written and read again
			again, err := format.Encode(b)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := format.Decode(again); err != nil || !bytes.Equal(back, b) {
				t.Fatal(fmt.Sprintf("%v\n%x\n%x\n%s", err, b, back, again))
			}
		}
	})
}
