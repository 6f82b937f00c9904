// Package kmipserver is the network side of a KMIP server: connections, frames,
// batches. What the operations do is the business of a [Handler]; the package
// knows no storage.
//
// It is built to stay up. No frame ends the process, a connection that does not
// ask for anything costs a goroutine and no buffer, whoever stalls in the middle
// of a message is cut off, and what one message can make the server hold in
// memory has a limit.
//
// Batches (KMIP 1.4, 6.13 and 11.43): the items are carried out in their order.
// After a failure the default is Stop, and the items not reached are not
// answered. Undo is refused for the whole message, unless it has one item only. A Unique Batch Item ID is echoed, and not missed
// where there is none: the order says which answer is whose.
package kmipserver
