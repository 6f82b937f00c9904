// Package kmipclient speaks KMIP 1.0 to 1.4 with a key server, or with the first
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
// turns out to be dead, and on the next server of the list. Operations that
// change something are never sent twice.
package kmipclient
