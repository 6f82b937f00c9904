package kmipserver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
)

// undoing is an echo that can take a message back, and notes how it is called.
type undoing struct {
	echo
	calls  []string
	commit func() error
}

func (u *undoing) note(s string) { u.calls = append(u.calls, s) }

func (u *undoing) Handle(ctx context.Context, c *kmipserver.Call, p kmip.Payload) (kmip.Payload, error) {
	u.note("handle")
	return u.echo.Handle(ctx, c, p)
}
func (u *undoing) Begin(*kmipserver.Call)  { u.note("begin") }
func (u *undoing) Undo(*kmipserver.Call)   { u.note("undo") }
func (u *undoing) Finish(*kmipserver.Call) { u.note("finish") }
func (u *undoing) Commit(context.Context, *kmipserver.Call) error {
	u.note("commit")
	if u.commit != nil {
		return u.commit()
	}
	return nil
}

// TestUndo: a message is committed once or undone once, whatever happens, and each
// answer says what became of the operation.
func TestUndo(t *testing.T) {
	const success, failed, undone = kmip.StatusSuccess, kmip.StatusOperationFailed, kmip.StatusOperationUndone
	destroy := &kmip.DestroyRequest{UniqueIdentifier: "a"}
	for _, test := range []struct {
		name   string
		items  []kmip.Payload
		size   int32
		commit func() error
		want   []kmip.ResultStatus
		reason kmip.ResultReason // of the last answer
		calls  []string
	}{
		{"all go well", []kmip.Payload{get("a"), destroy}, 0, nil, []kmip.ResultStatus{success, success}, 0,
			[]string{"begin", "handle", "handle", "commit", "finish"}},
		{"the first fails", []kmip.Payload{get("absent"), destroy}, 0, nil, []kmip.ResultStatus{failed}, kmip.ReasonItemNotFound,
			[]string{"begin", "handle", "undo", "finish"}},
		{"one in the middle fails", []kmip.Payload{get("a"), destroy, get("absent"), get("a")}, 0, nil, []kmip.ResultStatus{undone, undone, failed}, kmip.ReasonItemNotFound,
			[]string{"begin", "handle", "handle", "handle", "undo", "finish"}},
		{"one panics", []kmip.Payload{destroy, get("panic")}, 0, nil, []kmip.ResultStatus{undone, failed}, kmip.ReasonGeneralFailure,
			[]string{"begin", "handle", "handle", "undo", "finish"}},
		{"the answer gets too large", []kmip.Payload{destroy, get("a")}, 400, nil, []kmip.ResultStatus{undone, failed}, kmip.ReasonResponseTooLarge,
			[]string{"begin", "handle", "handle", "undo", "finish"}},
		{"the commit fails", []kmip.Payload{get("a"), destroy}, 0, func() error { return errors.New("the disk is full of swordfish") },
			[]kmip.ResultStatus{failed, failed}, kmip.ReasonGeneralFailure, []string{"begin", "handle", "handle", "commit", "finish"}},
		{"the commit panics", []kmip.Payload{get("a"), destroy}, 0, func() error { panic("swordfish") },
			[]kmip.ResultStatus{failed, failed}, kmip.ReasonGeneralFailure, []string{"begin", "handle", "handle", "commit", "finish"}},
		{"one operation", []kmip.Payload{get("a")}, 0, nil, []kmip.ResultStatus{success}, 0, []string{"handle", "finish"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &undoing{commit: test.commit}
			s := serve(t, kmipserver.Options{Handler: h})
			m := batch(kmip.V1_4, test.items...)
			m.Header.Continuation, m.Header.MaximumResponseSize = kmip.BatchUndo, test.size
			got := s.dial(t).Do(m)
			var status []kmip.ResultStatus
			for i, it := range got.Items {
				status = append(status, it.Status)
				if string(it.ID) != string(m.Items[i].ID) || it.Operation != m.Items[i].Operation {
					t.Errorf("item %d: %+v", i, it)
				}
				if (it.Payload != nil) != (it.Status == success) || (it.Message == "") != (it.Status == success) {
					t.Errorf("item %d: %+v", i, it)
				}
			}
			last := got.Items[len(got.Items)-1]
			if !slices.Equal(status, test.want) || last.Reason != test.reason {
				t.Errorf("got %v, the last with %v; want %v with %v", status, last.Reason, test.want, test.reason)
			}
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(h.calls) != fmt.Sprint(test.calls) {
				t.Errorf("called %v, want %v", h.calls, test.calls)
			}
		})
	}
}
