package audit

import (
	"encoding/json"
	"strconv"
	"time"
)

// appendLine appends the entry as a JSON object without its last brace, which comes
// with the chain's fields. It is written by hand, because a database that starts
// makes two lines for each of its keys.
func (e *Entry) appendLine(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = e.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","endpoint":`...)
	b = appendString(b, e.Endpoint)
	b = appendField(b, `,"group":`, e.Group)
	b = appendField(b, `,"remote":`, e.Remote)
	b = append(b, `,"op":`...)
	b = appendString(b, e.Op)
	b = appendField(b, `,"uid":`, e.UID)
	b = appendList(b, `,"names":[`, e.Names)
	b = appendList(b, `,"from":[`, e.From)
	b = append(b, `,"result":`...)
	b = appendString(b, e.Result)
	b = appendField(b, `,"reason":`, e.Reason)
	b = appendField(b, `,"message":`, e.Message)
	b = append(b, `,"latency_us":`...)
	return strconv.AppendInt(b, e.Latency.Microseconds(), 10)
}

// appendField leaves out a field that is empty.
func appendField(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, key...), value)
}

// appendList leaves out a list that is empty.
func appendList(b []byte, key string, values []string) []byte {
	for i, v := range values {
		if i == 0 {
			b = append(b, key...)
		} else {
			b = append(b, ',')
		}
		b = appendString(b, v)
	}
	if len(values) > 0 {
		b = append(b, ']')
	}
	return b
}

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			escaped, _ := json.Marshal(s) // a string cannot fail
			return append(b, escaped...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
