package bridge

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeadline(time.Second)
		defer d.release()
		if err := d.Err(); err != nil || d.inner != nil {
			t.Errorf("a look at Err made a timer, or said %v", err)
		}
		child, cancel := context.WithTimeout(d, time.Minute)
		defer cancel()
		start := time.Now()
		<-child.Done()
		if waited := time.Since(start); waited != time.Second || !errors.Is(d.Err(), context.DeadlineExceeded) {
			t.Errorf("a context made from it ended after %v, it says %v", waited, d.Err())
		}

		late := newDeadline(time.Second)
		time.Sleep(2 * time.Second)
		if !errors.Is(late.Err(), context.DeadlineExceeded) {
			t.Errorf("past its deadline it says %v", late.Err())
		}
		<-late.Done()

		released := newDeadline(time.Hour)
		done := released.Done()
		released.release()
		<-done // the timer is gone, and so is who waited
	})
}
