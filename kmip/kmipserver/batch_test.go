package kmipserver_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

func TestBatch_StopContinueUndo(t *testing.T) {
	h := &echo{}
	c := serve(t, kmipserver.Options{Handler: h}).dial(t)
	for _, test := range []struct {
		option  kmip.BatchErrorContinuation
		answers int
		calls   int64
	}{
		{0, 2, 2}, {kmip.BatchStop, 2, 2}, {kmip.BatchContinue, 3, 3}, {kmip.BatchUndo, 1, 0}, {9, 1, 0},
	} {
		h.calls.Store(0)
		m := batch(kmip.V1_4, get("a"), get("absent"), get("b"))
		m.Header.Continuation = test.option
		m.Header.ClientCorrelation = "me"
		got := c.Do(m)
		if len(got.Items) != test.answers || h.calls.Load() != test.calls || got.Header.ClientCorrelation != "me" {
			t.Fatalf("%s: %d answers, %d calls, correlation %q", test.option, len(got.Items), h.calls.Load(), got.Header.ClientCorrelation)
		}
		if test.calls == 0 {
			if it := got.Items[0]; it.Operation != 0 || it.Status != kmip.StatusOperationFailed || it.Reason == 0 {
				t.Errorf("%s: %+v", test.option, it)
			}
			continue
		}
		for i, it := range got.Items {
			if failed := i == 1; failed != (it.Status != kmip.StatusSuccess) || failed != (it.Reason == kmip.ReasonItemNotFound) {
				t.Errorf("%s: item %d: %+v", test.option, i, it)
			}
			if !bytes.Equal(it.ID, m.Items[i].ID) || it.Operation != kmip.OpGet {
				t.Errorf("%s: item %d has ID %q, operation %s", test.option, i, it.ID, it.Operation)
			}
		}
	}
	// Of one item there is nothing to undo.
	m := batch(kmip.V1_0, get("a"))
	m.Header.Continuation = kmip.BatchUndo
	if got := c.Do(m); got.Items[0].Err() != nil || got.Header.Version != kmip.V1_0 {
		t.Errorf("Undo of one item: %+v", got)
	}
}

// TestBatch_HandlerIsTold: what never comes to Handle comes to Refused, and each
// message is finished once.
func TestBatch_HandlerIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*kmip.RequestMessage)
		want   []string
	}{
		"unknown operation": {func(m *kmip.RequestMessage) { m.Items[1].Operation = 0x99 }, []string{"153 Operation Not Supported"}},
		"a panic there":     {func(m *kmip.RequestMessage) { m.Items[1].Operation = 0x98 }, []string{"152 Operation Not Supported"}},
		"unknown version":   {func(m *kmip.RequestMessage) { m.Header.Version.Major = 9 }, []string{"0 Invalid Message"}},
		"undo":              {func(m *kmip.RequestMessage) { m.Header.Continuation = kmip.BatchUndo }, []string{"0 Feature Not Supported"}},
		"no room": {func(m *kmip.RequestMessage) {
			m.Items[1].Operation, m.Items[1].Payload = kmip.OpDestroy, &kmip.DestroyRequest{UniqueIdentifier: "a"}
			m.Header.MaximumResponseSize = 64
		}, []string{"20 Response Too Large"}},
		"nothing": {func(*kmip.RequestMessage) {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := &echo{}
			c := serve(t, kmipserver.Options{Handler: h}).dial(t)
			m := batch(kmip.V1_2, get("a"), get("b"))
			m.Header.Continuation = kmip.BatchContinue
			test.change(m)
			c.Do(m)
			h.mu.Lock()
			defer h.mu.Unlock()
			if diff := cmp.Diff(test.want, h.refused); diff != "" || h.finished.Load() != 1 {
				t.Errorf("finished %d times; refused (-want +got):\n%s", h.finished.Load(), diff)
			}
		})
	}
}

func TestBatch_FaultyItemIsOne(t *testing.T) {
	c := serve(t, kmipserver.Options{Handler: &echo{}}).dial(t)
	m := batch(kmip.V1_2, get("a"), get("b"), get("c"))
	m.Header.Continuation = kmip.BatchContinue
	m.Items[1].Operation = 0x99
	got := c.Do(m)
	if len(got.Items) != 3 || got.Items[0].Err() != nil || got.Items[2].Err() != nil || got.Items[1].Reason != kmip.ReasonOperationNotSupported || got.Items[1].Operation != 0x99 {
		t.Errorf("%+v", got.Items)
	}
}

func TestBatch_IDPlaceholder(t *testing.T) {
	c := serve(t, kmipserver.Options{Handler: &echo{}}).dial(t)
	got := c.Do(batch(kmip.V1_1, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey}, &kmip.ActivateRequest{}))
	if id := got.Items[1].Payload.(*kmip.ActivateResponse).UniqueIdentifier; id != "made" {
		t.Errorf("the ID Placeholder is %q", id)
	}
	got = c.Do(batch(kmip.V1_1, &kmip.ActivateRequest{}))
	if id := got.Items[0].Payload.(*kmip.ActivateResponse).UniqueIdentifier; id != "" {
		t.Errorf("the ID Placeholder outlived its batch: %q", id)
	}
}

func TestBatch_MaximumResponseSize(t *testing.T) {
	h := &echo{}
	c := serve(t, kmipserver.Options{Handler: h}).dial(t)
	encoded := func(m *kmip.ResponseMessage) int {
		var w ttlv.Writer
		m.Encode(&w)
		return w.Len()
	}
	one := encoded(c.Do(batch(kmip.V1_4, get("a"))))
	for _, test := range []struct {
		name  string
		limit int
		batch []kmip.Payload
		ok    []bool
	}{
		{"exactly as large as the answer", one, []kmip.Payload{get("a")}, []bool{true}},
		{"one byte less", one - 1, []kmip.Payload{get("a")}, []bool{false}},
		{"room for one of two", one + 200, []kmip.Payload{get("a"), get("b")}, []bool{true, false}},
		{"a change is not made when its answer has no room", one + 100, []kmip.Payload{get("a"), &kmip.DestroyRequest{UniqueIdentifier: "x"}}, []bool{true, false}},
		{"a change that has room", 8192, []kmip.Payload{get("a"), &kmip.DestroyRequest{UniqueIdentifier: "x"}}, []bool{true, true}},
	} {
		m := batch(kmip.V1_4, test.batch...)
		m.Header.MaximumResponseSize, m.Header.Continuation = int32(test.limit), kmip.BatchContinue
		h.calls.Store(0)
		got := c.Do(m)
		calls := int64(0)
		for i, it := range got.Items {
			if test.ok[i] != (it.Status == kmip.StatusSuccess) || !test.ok[i] && it.Reason != kmip.ReasonResponseTooLarge {
				t.Errorf("%s: item %d: %v", test.name, i, it.Err())
			}
			if test.ok[i] || it.Operation == kmip.OpGet {
				calls++
			}
		}
		if len(got.Items) != len(test.ok) || h.calls.Load() != calls {
			t.Errorf("%s: %d items, %d calls instead of %d", test.name, len(got.Items), h.calls.Load(), calls)
		}
	}
	// The server's own limit holds when the client has none: a small request
	// cannot make it hold gigabytes.
	small := serve(t, kmipserver.Options{Handler: h, MaxResponseSize: 10 << 10}).dial(t)
	m := batch(kmip.V1_4)
	for range 1000 {
		m.Items = append(m.Items, batch(kmip.V1_4, get("a")).Items...)
	}
	m.Header.Continuation = kmip.BatchContinue
	full := 0
	for _, it := range small.Do(m).Items {
		if it.Status == kmip.StatusSuccess {
			full++
		}
	}
	if full == 0 || full > 30 {
		t.Errorf("%d answers of %d bytes fit into 10 KiB", full, one)
	}
}

func TestFailures_TellTheClientOnlyWhatIsMeantForIt(t *testing.T) {
	var log bytes.Buffer
	s := serve(t, kmipserver.Options{Handler: &echo{}, Log: newLog(&log)})
	c := s.dial(t)
	for _, id := range []string{"broken", "panic"} {
		it := c.Do(batch(kmip.V1_4, get(id))).Items[0]
		if it.Reason != kmip.ReasonGeneralFailure || strings.Contains(it.Message, "swordfish") || it.Message == "" {
			t.Errorf("%s: %+v", id, it)
		}
	}
	if it := c.Do(batch(kmip.V1_4, get("a"))).Items[0]; it.Err() != nil {
		t.Errorf("the connection did not survive: %v", it.Err())
	}
	s.stop()
	if n := strings.Count(log.String(), "swordfish"); n < 2 {
		t.Errorf("the log says %s", log.String())
	}
}

func TestHeader(t *testing.T) {
	c := serve(t, kmipserver.Options{Handler: &echo{}}).dial(t)
	m := batch(kmip.V1_3, get("a"))
	m.Header.Asynchronous = true
	if it := c.Do(m).Items[0]; it.Reason != kmip.ReasonFeatureNotSupported {
		t.Errorf("asynchronous: %+v", it)
	}
	m = batch(kmip.V1_3, get("a"))
	m.Header.TimeStamp = time.Now().Add(-24 * time.Hour)
	if it := c.Do(m).Items[0]; it.Err() != nil {
		t.Errorf("a wrong clock: %v", it.Err())
	}
	for _, v := range kmip.Versions() {
		got := c.Do(batch(v, get("a")))
		if got.Header.Version != v || got.Items[0].Err() != nil || time.Since(got.Header.TimeStamp) > time.Minute {
			t.Errorf("version %s: %+v", v, got.Header)
		}
	}
	unspoken := func(c *kmiptest.Conn, nearest map[kmip.Version]kmip.Version) {
		t.Helper()
		for v, want := range nearest {
			got := c.Do(batch(v, get("a")))
			if it := got.Items[0]; it.Reason != kmip.ReasonInvalidMessage || it.Operation != 0 || got.Header.Version != want ||
				want.Major == 2 && it.Reason2 != kmip.ReasonUnsupportedProtocolVersion {
				t.Errorf("version %s: %+v", v, got)
			}
		}
	}
	unspoken(c, map[kmip.Version]kmip.Version{{Major: 9, Minor: 9}: kmip.V2_1, {Major: 1, Minor: 7}: kmip.V1_4, {Major: 0, Minor: 1}: kmip.V1_0})
	c = serve(t, kmipserver.Options{Handler: &echo{}, Versions: []kmip.Version{kmip.V1_2, kmip.V2_0}}).dial(t)
	unspoken(c, map[kmip.Version]kmip.Version{kmip.V1_0: kmip.V1_2, kmip.V1_1: kmip.V1_2, kmip.V1_4: kmip.V1_2, kmip.V2_1: kmip.V2_0, {Major: 3}: kmip.V2_0})
	for _, v := range []kmip.Version{kmip.V1_2, kmip.V2_0} {
		if got := c.Do(batch(v, get("a"))); got.Header.Version != v || got.Items[0].Err() != nil {
			t.Errorf("version %s: %+v", v, got)
		}
	}
}
