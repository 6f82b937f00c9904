// Package kmipclient speaks KMIP 1.0 to 1.4, 2.0 and 2.1 with a key server, or with the first
// of several that answers.
//
// A [Client] keeps one connection and uses it for one exchange at a time. Each
// operation has a method, in the file of its name, and takes and returns the
// payloads of package kmip. Three kinds of error come back:
//
//   - [*kmip.Error]: the server answered, and the answer is a refusal;
//   - [*Error]: no server answered; it says what went wrong with each;
//   - [ErrOutcomeUnknown] besides an *Error: the request was sent and may have been
//     carried out. Look on the server before doing it again.
//
// Operations that only read are repeated once, unseen, when the kept connection
// turns out to be dead, and on another server of the list. Operations that
// change something are never sent twice.
//
// Of several servers the last good one is used. Attempts to connect overlap, so that
// dead servers before a good one cost at most 3 s, however many they are; a better
// server that is back is used again. "Not found" is the word of one server: who
// needs to know whether a thing is nowhere asks [Elsewhere], too.
package kmipclient
